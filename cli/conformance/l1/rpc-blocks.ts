import { checkBlock, checkHeader } from '../../../node/l1/l1-block-check.ts'
import { bytesToHex, emptyBytes, hexToBytes } from '../../../protocol/bytes.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { decodeTransaction, encodeTransaction, transactionSender } from '../../../protocol/transaction.ts'
import {
  address,
  bytes,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  hash,
  integer,
  list,
  requireKnown,
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** Blocks as an L1 RPC answers them, true and tampered with. */
export const rpcBlocksRunner: VectorRunner = {
  name: 'L1 RPC blocks',
  matches: (folder, json) => folder === 'l1' && hasAny(json, 'headers', 'blocks'),
  run: async (json, report) => {
    failUnknownSections(json, ['headers', 'blocks'], report)
    for (const one of list(json, 'headers')) {
      await report.check(`header ${String(one['name'])}`, () => checkVerdict(one, checkHeader))
    }
    for (const one of list(json, 'blocks')) {
      await report.check(`block ${String(one['name'])}`, () => checkVerdict(one, checkBlock))
    }
  },
}

/** A raw blob transaction. */
export const blobTxRunner: VectorRunner = {
  name: 'L1 transaction',
  matches: (folder, json) => folder === 'l1' && hasAny(json, 'rawTx'),
  run: async (json, report) => {
    await report.check('rawTx', () => checkRawTx(json as Fields))
  },
}

function checkVerdict(one: Fields, check: (json: unknown, options: { trust: boolean }) => unknown): void {
  requireKnown(one, ['valid', 'reason', 'block'])
  const verify = () => check(one['block'], { trust: false })
  if (one['valid'] === false) {
    expectThrows(verify, String(one['reason'] ?? 'a tampered block'))
    return
  }
  if (one['valid'] !== true) throw new Error(`a verdict this runner does not know: ${String(one['valid'])}`)
  const block = verify() as { hash: string } | undefined
  expectEqual(block?.hash, hash(child(one, 'block')['hash']), 'hash')
}

function checkRawTx(json: Fields): void {
  requireKnown(json, ['rawTx', 'expected'])
  const raw = bytes(json['rawTx'])
  const expected = child(json, 'expected')
  requireKnown(expected, ['hash', 'sender', 'to', 'chainId', 'blobVersionedHashes', 'nonce', 'type'])
  const tx = decodeTransaction(raw)
  expectEqual(bytesToHex(encodeTransaction(tx)), bytesToHex(raw), 'encoded again')
  expectEqual(keccakHex(raw), hash(expected['hash']), 'hash')
  expectEqual(bytesToHex(transactionSender(tx)), address(expected['sender']), 'sender')
  if (expected['to'] !== undefined) expectEqual(bytesToHex(tx.to ?? emptyBytes), address(expected['to']), 'to')
  if (tx.type === 0x7e) return
  if (expected['type'] !== undefined) expectEqual(BigInt(tx.type), integer(expected['type']), 'type')
  if (expected['chainId'] !== undefined) expectEqual(tx.chainId, integer(expected['chainId']), 'chain id')
  if (expected['nonce'] !== undefined) expectEqual(tx.nonce, integer(expected['nonce']), 'nonce')
  if (expected['blobVersionedHashes'] !== undefined) {
    const hashes = tx.type === 3 ? tx.blobVersionedHashes : []
    const wanted = asArray(expected['blobVersionedHashes'], 'blobVersionedHashes').map((one) => hexToBytes(hash(one)))
    expectEqual(hashes.map(bytesToHex), wanted.map(bytesToHex), 'versioned hashes')
  }
}
