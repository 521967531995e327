import { logsBloom } from '../../../protocol/bloom.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { decodeReceipt, encodeReceipt, encodeStoredReceipt, type Log } from '../../../protocol/receipt.ts'
import { orderedTrieRoot } from '../../../protocol/trie-root.ts'
import { bytes, type Fields, hasAny, integer, isFields, list, requireKnown, text } from '../fields.ts'
import { expectEqual, type VectorRunner } from '../vector.ts'

/** Receipts: every object with an `encoded` form, alone or in a list. */
export const receiptsRunner: VectorRunner = {
  name: 'receipts',
  matches: (folder, json) =>
    folder === 'protocol' && isFields(json) && Object.values(json).some((value) => isReceiptSection(value)),
  run: async (json, report) => {
    if (!isFields(json)) return
    for (const [section, value] of Object.entries(json)) {
      if (typeof value !== 'object' || value === null) continue
      const rows = Array.isArray(value) ? list(json, section) : [value as Fields]
      for (const [index, one] of rows.entries()) {
        const name = Array.isArray(value) ? `${section}[${index}] ${String(one['era'] ?? '')}`.trim() : section
        await report.check(name, () => checkReceipt(one))
      }
    }
  },
}

function isReceiptSection(value: unknown): boolean {
  return Array.isArray(value)
    ? value.some((one) => hasAny(one, 'encoded')) && !hasAny(value[0], 'outputRoot')
    : hasAny(value, 'encoded')
}

function checkReceipt(one: Fields): void {
  requireKnown(one, [
    'era',
    'type',
    'status',
    'cumulativeGasUsed',
    'bloom',
    'logs',
    'encoded',
    'depositNonce',
    'depositReceiptVersion',
    'trieLeaf',
    'receiptsRootOfThisOne',
  ])
  const encoded = bytes(one['encoded'])
  const receipt = decodeReceipt(encoded)
  expectEqual(bytesToHex(encodeStoredReceipt(receipt)), bytesToHex(encoded), 'encoded again')
  if (one['type'] !== undefined) expectEqual(BigInt(receipt.type), integer(one['type']), 'type')
  if (one['status'] !== undefined) checkStatus(receipt.status, one['status'])
  if (one['cumulativeGasUsed'] !== undefined) {
    expectEqual(receipt.cumulativeGasUsed, integer(one['cumulativeGasUsed']), 'cumulative gas')
  }
  if (one['logs'] !== undefined) expectEqual(receipt.logs, list(one, 'logs').map(logOf), 'logs')
  checkBloom(receipt.bloom, receipt.logs, one['bloom'])
  for (const key of ['depositNonce', 'depositReceiptVersion'] as const) {
    if (one[key] === undefined) continue
    expectEqual(receipt[key], one[key] === null ? undefined : integer(one[key]), key)
  }
  const leaf = encodeReceipt(receipt)
  if (one['trieLeaf'] !== undefined) expectEqual(bytesToHex(leaf), one['trieLeaf'], 'trie leaf')
  if (one['receiptsRootOfThisOne'] !== undefined) {
    expectEqual(bytesToHex(orderedTrieRoot([leaf])), one['receiptsRootOfThisOne'], 'receipts root')
  }
}

/** 0, 1, or `post-state 0x03…00`: the ends of a 32-byte root. */
function checkStatus(actual: 0 | 1 | Uint8Array, expected: unknown): void {
  if (typeof actual === 'number') {
    expectEqual(BigInt(actual), integer(expected), 'status')
    return
  }
  const [start, end] = text(expected, 'status').replace('post-state ', '').split('…')
  const root = bytesToHex(actual)
  const matches =
    start !== undefined && root.startsWith(start) && (end === undefined ? root === start : root.endsWith(end))
  if (!matches) throw new Error(`status: got ${root}, expected ${String(expected)}`)
}

/** Where a vector says nothing, the bloom is that of the logs; `zero` is what some hand-made receipts have instead. */
function checkBloom(actual: Uint8Array, logs: readonly Log[], expected: unknown): void {
  if (expected === 'zero')
    expectEqual(
      actual.every((byte) => byte === 0),
      true,
      'bloom is zero',
    )
  else expectEqual(bytesToHex(actual), expected ?? bytesToHex(logsBloom(logs)), 'bloom')
}

function logOf(one: Fields): Log {
  requireKnown(one, ['address', 'topics', 'data'])
  return {
    address: bytes(one['address']),
    topics: (one['topics'] as unknown[]).map((topic) => bytes(topic)),
    data: bytes(one['data']),
  }
}
