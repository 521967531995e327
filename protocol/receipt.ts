import { concatBytes, FormatError } from './bytes.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpEncode, rlpUint } from './rlp.ts'

/** An event: address 20 bytes, 0 to 4 topics of 32 bytes. */
export type Log = { readonly address: Uint8Array; readonly topics: readonly Uint8Array[]; readonly data: Uint8Array }

/** A consensus receipt. Deposits carry a nonce from Regolith and a version from Canyon on. */
export type Receipt = {
  readonly type: number
  /** 0 or 1; before Byzantium a 32-byte post-state root. */
  readonly status: 0 | 1 | Uint8Array
  readonly cumulativeGasUsed: bigint
  readonly bloom: Uint8Array
  readonly logs: readonly Log[]
  readonly depositNonce?: bigint | undefined
  /** 1 from Canyon. Absent (Regolith): the nonce is stored and shown, but is no part of the trie leaf. */
  readonly depositReceiptVersion?: bigint | undefined
}

/** The receipt's trie leaf. Spec: protocol/deposits.md, "Deposit Receipt". */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encode(receipt, receipt.depositReceiptVersion !== undefined)
}

/** The stored and transported form, which keeps Regolith's deposit nonce. */
export function encodeStoredReceipt(receipt: Receipt): Uint8Array {
  return encode(receipt, receipt.depositNonce !== undefined)
}

/** Decodes either form. An unknown type of 0x05 to 0x7d is read as a plain typed receipt. Throws {@link FormatError}. */
export function decodeReceipt(raw: Uint8Array): Receipt {
  const first = raw[0]
  if (first === undefined) throw new FormatError('receipt is empty')
  const type = first >= 0xc0 ? 0 : first
  const fields = asList(rlpDecode(first >= 0xc0 ? raw : raw.subarray(1)), 'receipt')
  const isDeposit = type === 0x7e
  if (fields.length !== 4 && !(isDeposit && (fields.length === 5 || fields.length === 6))) {
    throw new FormatError(`receipt has ${fields.length} fields`)
  }
  return {
    type,
    status: decodeStatus(asBytes(fields[0], 'receipt status')),
    cumulativeGasUsed: asUint(fields[1], 'cumulative gas', 8),
    bloom: asBytes(fields[2], 'bloom', 256),
    logs: asList(fields[3], 'logs').map(decodeLog),
    ...(fields.length > 4 ? { depositNonce: asUint(fields[4], 'deposit nonce', 8) } : {}),
    ...(fields.length > 5 ? { depositReceiptVersion: asUint(fields[5], 'deposit receipt version', 8) } : {}),
  }
}

/** The RLP form of a log. */
export function logItems(log: Log): RlpItem {
  return [log.address, [...log.topics], log.data]
}

function encode(receipt: Receipt, withNonce: boolean): Uint8Array {
  const status = typeof receipt.status === 'number' ? rlpUint(receipt.status) : receipt.status
  const fields: RlpItem[] = [status, rlpUint(receipt.cumulativeGasUsed), receipt.bloom, receipt.logs.map(logItems)]
  if (withNonce && receipt.depositNonce !== undefined) fields.push(rlpUint(receipt.depositNonce))
  if (receipt.depositReceiptVersion !== undefined) fields.push(rlpUint(receipt.depositReceiptVersion))
  const body = rlpEncode(fields)
  return receipt.type === 0 ? body : concatBytes(Uint8Array.of(receipt.type), body)
}

function decodeStatus(bytes: Uint8Array): 0 | 1 | Uint8Array {
  if (bytes.length === 0) return 0
  if (bytes.length === 1 && bytes[0] === 1) return 1
  if (bytes.length === 32) return bytes
  throw new FormatError('receipt status')
}

function decodeLog(item: RlpItem): Log {
  const [address, topics, data] = asList(item, 'log', 3)
  return {
    address: asBytes(address, 'log address', 20),
    topics: asList(topics, 'log topics').map((topic) => asBytes(topic, 'log topic', 32)),
    data: asBytes(data, 'log data'),
  }
}
