import { bytesToBigint, bytesToHex, FormatError, hexToBytes, uintBytes } from './bytes.ts'
import type { ExecutionPayload } from './engine-api.ts'

/** Versions of the payload on the wire: Bedrock, Canyon (withdrawals), Ecotone (blob gas), Isthmus (withdrawals root). */
export type PayloadVersion = 1 | 2 | 3 | 4

/** Bytes in front of the variable parts, by version. Spec: protocol/rollup-node-p2p.md, "Block encoding". */
const fixedBytes: Record<PayloadVersion, number> = { 1: 508, 2: 512, 3: 528, 4: 560 }
/** Header extra data is at most 32 bytes. */
const extraDataBytesMax = 32
/** Position of the offset of the extra data, the first variable part, which tells the version. */
const extraDataOffsetAt = 436

/** SSZ of a payload. Throws {@link FormatError} where it lacks a field of the version. */
export function encodePayloadSsz(payload: ExecutionPayload, version: PayloadVersion): Uint8Array {
  const fixed = fixedBytes[version]
  const transactionBytes = payload.transactions.reduce((sum, tx) => sum + 4 + tx.length, 0)
  const transactionsAt = fixed + payload.extraData.length
  const bytes = new Uint8Array(transactionsAt + transactionBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(hexToBytes(payload.parentHash), 0)
  bytes.set(hexToBytes(payload.feeRecipient), 32)
  bytes.set(hexToBytes(payload.stateRoot), 52)
  bytes.set(hexToBytes(payload.receiptsRoot), 84)
  bytes.set(payload.logsBloom, 116)
  bytes.set(hexToBytes(payload.prevRandao), 372)
  view.setBigUint64(404, payload.blockNumber, true)
  view.setBigUint64(412, payload.gasLimit, true)
  view.setBigUint64(420, payload.gasUsed, true)
  view.setBigUint64(428, payload.timestamp, true)
  view.setUint32(extraDataOffsetAt, fixed, true)
  bytes.set(uintBytes(payload.baseFeePerGas, 32).toReversed(), 440)
  bytes.set(hexToBytes(payload.blockHash), 472)
  view.setUint32(504, transactionsAt, true)
  if (version >= 2) {
    required(payload.withdrawals, 'withdrawals')
    view.setUint32(508, bytes.length, true)
  }
  if (version >= 3) {
    view.setBigUint64(512, required(payload.blobGasUsed, 'blobGasUsed'), true)
    view.setBigUint64(520, required(payload.excessBlobGas, 'excessBlobGas'), true)
  }
  if (version >= 4) bytes.set(hexToBytes(required(payload.withdrawalsRoot, 'withdrawalsRoot')), 528)
  bytes.set(payload.extraData, fixed)
  writeTransactions(bytes, view, transactionsAt, payload.transactions)
  return bytes
}

/** Reads the SSZ of a payload; strict, and without withdrawals, which no L2 has. Throws {@link FormatError}. */
export function decodePayloadSsz(bytes: Uint8Array, version: PayloadVersion): ExecutionPayload {
  const fixed = fixedBytes[version]
  if (bytes.length < fixed)
    throw new FormatError(`payload of ${bytes.length} bytes, version ${version} has at least ${fixed}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const hash = (at: number) => bytesToHex(bytes.subarray(at, at + 32))
  const extraDataAt = view.getUint32(extraDataOffsetAt, true)
  const transactionsAt = view.getUint32(504, true)
  const withdrawalsAt = version >= 2 ? view.getUint32(508, true) : bytes.length
  if (extraDataAt !== fixed || transactionsAt < extraDataAt || withdrawalsAt < transactionsAt) {
    throw new FormatError('payload offsets out of order')
  }
  if (transactionsAt - extraDataAt > extraDataBytesMax) throw new FormatError('payload extra data too long')
  if (withdrawalsAt !== bytes.length) throw new FormatError('payload with withdrawals')
  return {
    parentHash: hash(0),
    feeRecipient: bytesToHex(bytes.subarray(32, 52)),
    stateRoot: hash(52),
    receiptsRoot: hash(84),
    logsBloom: bytes.slice(116, 372),
    prevRandao: hash(372),
    blockNumber: view.getBigUint64(404, true),
    gasLimit: view.getBigUint64(412, true),
    gasUsed: view.getBigUint64(420, true),
    timestamp: view.getBigUint64(428, true),
    extraData: bytes.slice(extraDataAt, transactionsAt),
    baseFeePerGas: bytesToBigint(bytes.slice(440, 472).reverse()),
    blockHash: hash(472),
    transactions: readTransactions(bytes, view, transactionsAt, withdrawalsAt),
    ...(version >= 2 ? { withdrawals: [] as const } : {}),
    ...(version >= 3 ? { blobGasUsed: view.getBigUint64(512, true), excessBlobGas: view.getBigUint64(520, true) } : {}),
    ...(version >= 4 ? { withdrawalsRoot: hash(528) } : {}),
  }
}

/** The version an SSZ payload has, told by where its variable parts begin; undefined for none. */
export function payloadSszVersion(bytes: Uint8Array): PayloadVersion | undefined {
  if (bytes.length < fixedBytes[1]) return undefined
  const offset = new DataView(bytes.buffer, bytes.byteOffset).getUint32(extraDataOffsetAt, true)
  return ([1, 2, 3, 4] as const).find((version) => fixedBytes[version] === offset)
}

/** An SSZ list of byte lists: offsets from its own start, then the items. */
function writeTransactions(bytes: Uint8Array, view: DataView, at: number, transactions: readonly Uint8Array[]): void {
  let offset = 4 * transactions.length
  transactions.forEach((tx, index) => {
    view.setUint32(at + 4 * index, offset, true)
    bytes.set(tx, at + offset)
    offset += tx.length
  })
}

function readTransactions(bytes: Uint8Array, view: DataView, at: number, end: number): Uint8Array[] {
  const length = end - at
  if (length === 0) return []
  if (length < 4) throw new FormatError('payload transactions are cut short')
  const first = view.getUint32(at, true)
  if (first === 0 || first % 4 !== 0 || first > length) throw new FormatError('payload transactions: first offset')
  const count = first / 4
  const transactions: Uint8Array[] = []
  for (let index = 0; index < count; index++) {
    const from = view.getUint32(at + 4 * index, true)
    const to = index + 1 < count ? view.getUint32(at + 4 * index + 4, true) : length
    if (from > to || to > length) throw new FormatError(`payload transaction ${index}: offsets out of order`)
    transactions.push(bytes.slice(at + from, at + to))
  }
  return transactions
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new FormatError(`payload without ${what}`)
  return value
}
