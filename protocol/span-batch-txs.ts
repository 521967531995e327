import { bitAt, encodeBitlist, readBitlist } from './bitlist.ts'
import { bigintToBytes, concatBytes, emptyBytes, FormatError, uintBytes } from './bytes.ts'
import { rlpDecodeAt, rlpEncode, rlpHeaderAt, rlpUint } from './rlp.ts'
import {
  accessListItems,
  authorizationItems,
  decodeAccessList,
  decodeAuthorizationList,
  decodeTransaction,
  type SignedTx,
  txType,
} from './transaction.ts'
import { encodeUvarint, readUvarint } from './uvarint.ts'

/** Bytes the list of one transaction may have: op-node reads it with `MaxSpanBatchElementCount` as the limit of its stream. */
const spanTxDataBytesMax = 10_000_000

/** The transactions of a span, field by field. Spec: protocol/delta/span-batches.md, "txs". */
export type SpanTxColumns = {
  readonly count: number
  readonly contractCreationBits: Uint8Array
  readonly yParityBits: Uint8Array
  /** r and s, 64 bytes a transaction. */
  readonly signatures: Uint8Array
  /** 20 bytes for each transaction that creates no contract. */
  readonly tos: Uint8Array
  /** For typed transactions with the type byte in front. */
  readonly datas: readonly Uint8Array[]
  readonly nonces: readonly bigint[]
  readonly gases: readonly bigint[]
  /** One bit for each legacy transaction. */
  readonly protectedBits: Uint8Array
}

/** Reads the columns of `count` transactions at `offset`. Throws {@link FormatError}. */
export function readSpanTxColumns(
  bytes: Uint8Array,
  offset: number,
  count: number,
): { readonly columns: SpanTxColumns; readonly end: number } {
  let position = offset
  const take = (length: number) => {
    if (position + length > bytes.length) throw new FormatError('span batch is cut short')
    const part = bytes.subarray(position, position + length)
    position += length
    return part
  }
  const takeBits = (length: number) => {
    const bits = readBitlist(bytes, position, length)
    position += bits.length
    return bits
  }
  const takeUvarints = () => {
    const values: bigint[] = []
    for (let i = 0; i < count; i++) {
      const { value, end } = readUvarint(bytes, position)
      values.push(value)
      position = end
    }
    return values
  }
  const contractCreationBits = takeBits(count)
  const yParityBits = takeBits(count)
  const signatures = take(64 * count)
  let creations = 0
  for (let i = 0; i < count; i++) creations += bitAt(contractCreationBits, i)
  const tos = take(20 * (count - creations))
  const datas: Uint8Array[] = []
  let legacy = 0
  for (let i = 0; i < count; i++) {
    const data = readTxData(bytes, position)
    if (isLegacyData(data)) legacy++
    datas.push(data)
    position += data.length
  }
  const nonces = takeUvarints()
  const gases = takeUvarints()
  const protectedBits = takeBits(legacy)
  const columns = { count, contractCreationBits, yParityBits, signatures, tos, datas, nonces, gases, protectedBits }
  return { columns, end: position }
}

/** The columns' bytes, in the order they are read. */
export function encodeSpanTxColumns(columns: SpanTxColumns): Uint8Array {
  return concatBytes(
    columns.contractCreationBits,
    columns.yParityBits,
    columns.signatures,
    columns.tos,
    ...columns.datas,
    ...columns.nonces.map(encodeUvarint),
    ...columns.gases.map(encodeUvarint),
    columns.protectedBits,
  )
}

/** Signed transactions (EIP-2718 bytes, no deposits) to columns. Throws {@link FormatError}. */
export function spanTxColumns(transactions: readonly Uint8Array[], chainId: bigint): SpanTxColumns {
  const txs = transactions.map((raw) => signedTransaction(raw, chainId))
  return {
    count: txs.length,
    contractCreationBits: encodeBitlist(txs.map((tx) => tx.to === undefined)),
    yParityBits: encodeBitlist(txs.map((tx) => tx.yParity)),
    signatures: concatBytes(...txs.flatMap((tx) => [uintBytes(tx.r, 32), uintBytes(tx.s, 32)])),
    tos: concatBytes(...txs.map((tx) => tx.to ?? emptyBytes)),
    datas: txs.map(txData),
    nonces: txs.map((tx) => tx.nonce),
    gases: txs.map((tx) => tx.gasLimit),
    protectedBits: encodeBitlist(txs.flatMap((tx) => (tx.type === txType.legacy ? [tx.chainId !== undefined] : []))),
  }
}

/** The signed transactions of the columns, as EIP-2718 bytes. Throws {@link FormatError}. */
export function rebuildSpanTxs(columns: SpanTxColumns, chainId: bigint): Uint8Array[] {
  const rebuilder = new Rebuilder(columns, chainId)
  return Array.from({ length: columns.count }, (_, i) => rebuilder.next(i))
}

/**
 * One transaction's data: a list, behind a type byte unless it is legacy. Which types there are is asked when it is
 * rebuilt: a wrong type loses its span, a fault of the layout loses the rest of the channel, as in op-node.
 */
function readTxData(bytes: Uint8Array, offset: number): Uint8Array {
  const first = bytes[offset]
  if (first === undefined) throw new FormatError('span batch is cut short')
  const listAt = first >= 0x80 ? offset : offset + 1
  const { isList, end } = rlpHeaderAt(bytes, listAt)
  if (!isList) throw new FormatError('span batch transaction data is no list')
  if (end - listAt > spanTxDataBytesMax) throw new FormatError(`span batch transaction of ${end - listAt} bytes`)
  if (end > bytes.length) throw new FormatError('span batch is cut short')
  return bytes.subarray(offset, end)
}

/** A type byte of 0 counts here, as in op-node; no such transaction can be rebuilt. */
const isLegacyData = (data: Uint8Array): boolean => data[0] === txType.legacy || (data[0] ?? 0) >= 0xc0

function signedTransaction(raw: Uint8Array, chainId: bigint): SignedTx {
  const tx = decodeTransaction(raw)
  if (tx.type === txType.deposit || tx.type === txType.blob) {
    throw new FormatError(`a transaction of type ${tx.type} cannot be in a batch`)
  }
  if (tx.chainId !== undefined && tx.chainId !== chainId)
    throw new FormatError(`transaction of chain ${tx.chainId}, not ${chainId}`)
  return tx
}

function txData(tx: SignedTx): Uint8Array {
  const value = rlpUint(tx.value)
  switch (tx.type) {
    case 0:
      return rlpEncode([value, rlpUint(tx.gasPrice), tx.data])
    case 1:
      return typed(1, [value, rlpUint(tx.gasPrice), tx.data, accessListItems(tx.accessList)])
    case 2:
      return typed(2, [...feeMarketHead(tx.value, tx), tx.data, accessListItems(tx.accessList)])
    case 4:
      return typed(4, [
        ...feeMarketHead(tx.value, tx),
        tx.data,
        accessListItems(tx.accessList),
        authorizationItems(tx.authorizationList),
      ])
    default:
      throw new FormatError(`a transaction of type ${tx.type} cannot be in a batch`)
  }
}

function feeMarketHead(value: bigint, tx: { readonly maxPriorityFeePerGas: bigint; readonly maxFeePerGas: bigint }) {
  return [rlpUint(value), rlpUint(tx.maxPriorityFeePerGas), rlpUint(tx.maxFeePerGas)]
}

function typed(type: number, fields: Parameters<typeof rlpEncode>[0]): Uint8Array {
  return concatBytes(Uint8Array.of(type), rlpEncode(fields))
}

/** Bounds of one RLP item in the data of a transaction, header included. */
type Bounds = { readonly from: number; readonly to: number }

/**
 * Writes transactions from columns. Fields that stay as they are (value, fees, data, lists) are copied as RLP bytes
 * and never decoded: this loop is the cost of deriving a span batch.
 */
class Rebuilder {
  readonly #columns: SpanTxColumns
  readonly #chainId: bigint
  readonly #chainIdRlp: Uint8Array
  #legacy = 0
  #calls = 0
  #buffer = new Uint8Array(4096)
  #length = 0

  constructor(columns: SpanTxColumns, chainId: bigint) {
    this.#columns = columns
    this.#chainId = chainId
    this.#chainIdRlp = rlpEncode(bigintToBytes(chainId))
  }

  next(index: number): Uint8Array {
    const data = this.#columns.datas[index] ?? emptyBytes
    const first = data[0] ?? 0
    const isLegacy = first >= 0xc0
    const fieldCount = isLegacy ? 3 : fieldCounts[first]
    if (fieldCount === undefined) throw new FormatError(`span batch transaction of type ${first}`)
    const fields = listFields(data, isLegacy ? 0 : 1, fieldCount)
    this.#length = 0
    if (isLegacy) this.#legacyTx(index, data, fields)
    else this.#typedTx(index, first, data, fields)
    return this.#finish(isLegacy ? undefined : first)
  }

  #legacyTx(index: number, data: Uint8Array, fields: readonly Bounds[]): void {
    const isProtected = bitAt(this.#columns.protectedBits, this.#legacy++) === 1
    const parity = BigInt(bitAt(this.#columns.yParityBits, index))
    this.#uint(this.#columns.nonces[index])
    this.#copyUint(data, fields[1])
    this.#uint(this.#columns.gases[index])
    this.#to(index)
    this.#copyUint(data, fields[0])
    this.#copyString(data, fields[2])
    this.#uint(isProtected ? 2n * this.#chainId + 35n + parity : 27n + parity)
    this.#signature(index)
  }

  #typedTx(index: number, type: number, data: Uint8Array, fields: readonly Bounds[]): void {
    const fees = type === txType.accessList ? 1 : 2
    this.#bytes(this.#chainIdRlp)
    this.#uint(this.#columns.nonces[index])
    for (let i = 1; i <= fees; i++) this.#copyUint(data, fields[i])
    this.#uint(this.#columns.gases[index])
    if (type === txType.setCode && bitAt(this.#columns.contractCreationBits, index) === 1) {
      throw new FormatError('a set-code transaction cannot create a contract')
    }
    this.#to(index)
    this.#copyUint(data, fields[0])
    this.#copyString(data, fields[fees + 1])
    this.#copyList(data, fields[fees + 2], decodeAccessList)
    if (type === txType.setCode) this.#copyList(data, fields[fees + 3], decodeAuthorizationList)
    this.#uint(BigInt(bitAt(this.#columns.yParityBits, index)))
    this.#signature(index)
  }

  #to(index: number): void {
    if (bitAt(this.#columns.contractCreationBits, index) === 1) {
      this.#byte(0x80)
      return
    }
    const at = 20 * this.#calls++
    this.#byte(0x80 + 20)
    this.#bytes(this.#columns.tos.subarray(at, at + 20))
  }

  #signature(index: number): void {
    const { signatures } = this.#columns
    this.#trimmed(signatures, 64 * index, 64 * index + 32)
    this.#trimmed(signatures, 64 * index + 32, 64 * index + 64)
  }

  /** A big-endian integer as an RLP string without its leading zeros. */
  #trimmed(bytes: Uint8Array, from: number, to: number): void {
    let start = from
    while (start < to && bytes[start] === 0) start++
    const length = to - start
    if (length !== 1 || (bytes[start] ?? 0) >= 0x80) this.#byte(0x80 + length)
    this.#copy(bytes, start, to)
  }

  #uint(value: bigint | undefined): void {
    const integer = value ?? 0n
    if (integer < 0x80n) this.#byte(integer === 0n ? 0x80 : Number(integer))
    else if (integer <= safeIntegerMax) this.#number(Number(integer))
    else {
      const bytes = bigintToBytes(integer)
      this.#byte(0x80 + bytes.length)
      this.#bytes(bytes)
    }
  }

  /** From 0x80 on: without a detour through bigints, which costs more than all the rest of a transaction's integers. */
  #number(value: number): void {
    const length = byteLength(value)
    this.#byte(0x80 + length)
    for (let i = length - 1; i >= 0; i--) this.#byte(Math.floor(value / 256 ** i) % 256)
  }

  #copyUint(data: Uint8Array, bounds: Bounds | undefined): void {
    if (bounds === undefined) throw new FormatError('span batch transaction lacks a field')
    const { isList, start, end } = rlpHeaderAt(data, bounds.from)
    if (isList || end - start > 32 || (end > start && data[start] === 0))
      throw new FormatError('span batch transaction integer')
    this.#copy(data, bounds.from, bounds.to)
  }

  #copyString(data: Uint8Array, bounds: Bounds | undefined): void {
    if (bounds === undefined || (data[bounds.from] ?? 0) >= 0xc0) throw new FormatError('span batch transaction data')
    this.#copy(data, bounds.from, bounds.to)
  }

  #copyList(
    data: Uint8Array,
    bounds: Bounds | undefined,
    check: (item: ReturnType<typeof rlpDecodeAt>['item']) => unknown,
  ): void {
    if (bounds === undefined) throw new FormatError('span batch transaction lacks a list')
    if (bounds.to !== bounds.from + 1 || data[bounds.from] !== 0xc0) check(rlpDecodeAt(data, bounds.from).item)
    this.#copy(data, bounds.from, bounds.to)
  }

  #byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  #bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #copy(bytes: Uint8Array, from: number, to: number): void {
    this.#bytes(bytes.subarray(from, to))
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + extra))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }

  /** The written fields with their list header, and the type byte in front of it. */
  #finish(type: number | undefined): Uint8Array {
    const head = listHeader(this.#length, type)
    const raw = new Uint8Array(head.length + this.#length)
    raw.set(head)
    raw.set(this.#buffer.subarray(0, this.#length), head.length)
    return raw
  }
}

/** Fields of the data of each typed transaction. */
const fieldCounts: Readonly<Record<number, number>> = { 1: 4, 2: 5, 4: 6 }

const safeIntegerMax = BigInt(Number.MAX_SAFE_INTEGER)

function listHeader(length: number, type: number | undefined): number[] {
  const head = type === undefined ? [] : [type]
  if (length < 56) head.push(0xc0 + length)
  else {
    const lengthBytes = byteLength(length)
    head.push(0xf7 + lengthBytes)
    for (let i = lengthBytes - 1; i >= 0; i--) head.push(Math.floor(length / 256 ** i) % 256)
  }
  return head
}

/** Bytes that a safe integer needs. */
function byteLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 256; rest = Math.floor(rest / 256)) length++
  return length
}

function listFields(data: Uint8Array, at: number, count: number): Bounds[] {
  const list = rlpHeaderAt(data, at)
  const fields: Bounds[] = []
  let position = list.start
  while (position < list.end) {
    const { end } = rlpHeaderAt(data, position)
    if (end > list.end) throw new FormatError('span batch transaction field crosses its list')
    fields.push({ from: position, to: end })
    position = end
  }
  if (fields.length !== count) throw new FormatError(`span batch transaction has ${fields.length} fields`)
  return fields
}
