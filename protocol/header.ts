import { FormatError } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpEncode, rlpUint } from './rlp.ts'

/** A block header of L1 or L2; fields from `baseFeePerGas` on appear in fork order and none may be skipped. */
export type Header = {
  readonly parentHash: Uint8Array
  readonly ommersHash: Uint8Array
  readonly coinbase: Uint8Array
  readonly stateRoot: Uint8Array
  readonly transactionsRoot: Uint8Array
  readonly receiptsRoot: Uint8Array
  readonly logsBloom: Uint8Array
  readonly difficulty: bigint
  readonly number: bigint
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  readonly timestamp: bigint
  readonly extraData: Uint8Array
  /** mixHash; PREVRANDAO since the merge. */
  readonly prevRandao: Uint8Array
  /** 8 bytes. */
  readonly nonce: Uint8Array
  readonly baseFeePerGas?: bigint | undefined
  readonly withdrawalsRoot?: Uint8Array | undefined
  readonly blobGasUsed?: bigint | undefined
  readonly excessBlobGas?: bigint | undefined
  readonly parentBeaconBlockRoot?: Uint8Array | undefined
  readonly requestsHash?: Uint8Array | undefined
}

/** RLP of a header. Throws {@link FormatError} where a later optional field is set and an earlier one is not. */
export function encodeHeader(header: Header): Uint8Array {
  const fields: RlpItem[] = [
    header.parentHash,
    header.ommersHash,
    header.coinbase,
    header.stateRoot,
    header.transactionsRoot,
    header.receiptsRoot,
    header.logsBloom,
    rlpUint(header.difficulty),
    rlpUint(header.number),
    rlpUint(header.gasLimit),
    rlpUint(header.gasUsed),
    rlpUint(header.timestamp),
    header.extraData,
    header.prevRandao,
    header.nonce,
  ]
  const optional = [
    uintField(header.baseFeePerGas),
    header.withdrawalsRoot,
    uintField(header.blobGasUsed),
    uintField(header.excessBlobGas),
    header.parentBeaconBlockRoot,
    header.requestsHash,
  ]
  let ended = false
  for (const field of optional) {
    if (field === undefined) ended = true
    else if (ended) throw new FormatError('header has a gap in its optional fields')
    else fields.push(field)
  }
  return rlpEncode(fields)
}

/** Parses header RLP. Throws {@link FormatError}. */
export function decodeHeader(raw: Uint8Array): Header {
  const fields = asList(rlpDecode(raw), 'header')
  if (fields.length < 15 || fields.length > 21) throw new FormatError(`header has ${fields.length} fields`)
  const bytes = (index: number, length: number) => asBytes(fields[index], `header field ${index}`, length)
  const uint = (index: number, max = 8) => asUint(fields[index], `header field ${index}`, max)
  const has = (index: number) => fields.length > index
  return {
    parentHash: bytes(0, 32),
    ommersHash: bytes(1, 32),
    coinbase: bytes(2, 20),
    stateRoot: bytes(3, 32),
    transactionsRoot: bytes(4, 32),
    receiptsRoot: bytes(5, 32),
    logsBloom: bytes(6, 256),
    difficulty: uint(7, 32),
    number: uint(8),
    gasLimit: uint(9),
    gasUsed: uint(10),
    timestamp: uint(11),
    extraData: asBytes(fields[12], 'extra data'),
    prevRandao: bytes(13, 32),
    nonce: bytes(14, 8),
    ...(has(15) ? { baseFeePerGas: uint(15, 32) } : {}),
    ...(has(16) ? { withdrawalsRoot: bytes(16, 32) } : {}),
    ...(has(17) ? { blobGasUsed: uint(17) } : {}),
    ...(has(18) ? { excessBlobGas: uint(18) } : {}),
    ...(has(19) ? { parentBeaconBlockRoot: bytes(19, 32) } : {}),
    ...(has(20) ? { requestsHash: bytes(20, 32) } : {}),
  }
}

/** keccak256 of the header's RLP: the block hash. */
export function headerHash(header: Header): Uint8Array {
  return keccak256(encodeHeader(header))
}

function uintField(value: bigint | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : rlpUint(value)
}
