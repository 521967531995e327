import { bytesToBigint, concatBytes, FormatError, uintBytes } from './bytes.ts'

/** What a labelled transaction is. */
export const olKinds = [
  'inferenceRequest',
  'inferenceSettle',
  'contribution',
  'trainingRun',
  'royaltyPayment',
  'agentAction',
] as const
export type OlKind = (typeof olKinds)[number]

/** The attribution label of a transaction: version 1 of the `ol` payload. Fields are absent where their flag is not set. */
export type OlPayload = {
  readonly kind: OlKind
  readonly modelId?: bigint | undefined
  readonly datanet?: { readonly id: bigint; readonly version: number } | undefined
  /** First half of the request id, 16 bytes. */
  readonly requestId?: Uint8Array | undefined
  /** 32 bytes. */
  readonly root?: Uint8Array | undefined
  /** 32 bytes. */
  readonly parentTx?: Uint8Array | undefined
  readonly weights?: readonly OlWeight[] | undefined
  /** The ids are commitments, not registry ids. */
  readonly isBlinded?: boolean | undefined
}

export type OlWeight = { readonly datanetId: bigint; readonly weightBps: number }

export const olVersion = 1
/** Entries a weight list may have. */
export const olWeightsMax = 16
const weightBpsTotal = 10_000

const flag = {
  modelId: 1,
  datanet: 2,
  requestId: 4,
  root: 8,
  parentTx: 16,
  weights: 32,
  blinded: 64,
  reserved: 128,
} as const

/** Reads a payload. Undefined for a version other than 1, which is ignored; throws {@link FormatError} for a malformed one. */
export function decodeOlPayload(bytes: Uint8Array): OlPayload | undefined {
  if (bytes.length === 0) throw new FormatError('ol payload is empty')
  if (bytes[0] !== olVersion) return undefined
  const kind = olKinds[(bytes[1] ?? 0) - 1]
  const flags = bytes[2]
  if (kind === undefined) throw new FormatError(`ol payload of kind ${bytes[1]}`)
  if (flags === undefined) throw new FormatError('ol payload is cut short')
  if ((flags & flag.reserved) !== 0) throw new FormatError('ol payload with the reserved flag')
  const reader = new Reader(bytes, 3)
  const has = (bit: number) => (flags & bit) !== 0
  const payload: OlPayload = {
    kind,
    ...(has(flag.modelId) ? { modelId: reader.uint(8) } : {}),
    ...(has(flag.datanet) ? { datanet: { id: reader.uint(8), version: Number(reader.uint(4)) } } : {}),
    ...(has(flag.requestId) ? { requestId: reader.take(16) } : {}),
    ...(has(flag.root) ? { root: reader.take(32) } : {}),
    ...(has(flag.parentTx) ? { parentTx: reader.take(32) } : {}),
    ...(has(flag.weights) ? { weights: readWeights(reader) } : {}),
    ...(has(flag.blinded) ? { isBlinded: true } : {}),
  }
  reader.end()
  return payload
}

/** The payload's bytes. Throws {@link FormatError} for what {@link decodeOlPayload} would refuse. */
export function encodeOlPayload(payload: OlPayload): Uint8Array {
  const { kind, modelId, datanet, requestId, root, parentTx, weights, isBlinded } = payload
  const parts: Uint8Array[] = []
  let flags = isBlinded === true ? flag.blinded : 0
  const add = (bit: number, bytes: Uint8Array) => {
    flags |= bit
    parts.push(bytes)
  }
  if (modelId !== undefined) add(flag.modelId, uintBytes(modelId, 8))
  if (datanet !== undefined) add(flag.datanet, concatBytes(uintBytes(datanet.id, 8), uintBytes(datanet.version, 4)))
  if (requestId !== undefined) add(flag.requestId, sized(requestId, 16, 'request id'))
  if (root !== undefined) add(flag.root, sized(root, 32, 'root'))
  if (parentTx !== undefined) add(flag.parentTx, sized(parentTx, 32, 'parent transaction'))
  if (weights !== undefined) {
    checkWeights(weights)
    const entries = weights.map((one) => concatBytes(uintBytes(one.datanetId, 8), uintBytes(one.weightBps, 2)))
    add(flag.weights, concatBytes(uintBytes(weights.length, 1), ...entries))
  }
  return concatBytes(Uint8Array.of(olVersion, olKinds.indexOf(kind) + 1, flags), ...parts)
}

function readWeights(reader: Reader): OlWeight[] {
  const count = Number(reader.uint(1))
  if (count > olWeightsMax) throw new FormatError(`ol payload with ${count} weights`)
  const weights = Array.from({ length: count }, () => ({
    datanetId: reader.uint(8),
    weightBps: Number(reader.uint(2)),
  }))
  checkWeights(weights)
  return weights
}

function checkWeights(weights: readonly OlWeight[]): void {
  if (weights.length > olWeightsMax) throw new FormatError(`ol payload with ${weights.length} weights`)
  const total = weights.reduce((sum, one) => sum + one.weightBps, 0)
  if (total !== weightBpsTotal) throw new FormatError(`ol payload's weights sum to ${total}, not ${weightBpsTotal}`)
}

function sized(bytes: Uint8Array, length: number, what: string): Uint8Array {
  if (bytes.length !== length) throw new FormatError(`${what} must be ${length} bytes, is ${bytes.length}`)
  return bytes
}

class Reader {
  readonly #bytes: Uint8Array
  #offset: number

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes
    this.#offset = offset
  }

  take(length: number): Uint8Array {
    if (this.#offset + length > this.#bytes.length) throw new FormatError('ol payload is cut short')
    this.#offset += length
    return this.#bytes.slice(this.#offset - length, this.#offset)
  }

  uint(length: number): bigint {
    return bytesToBigint(this.take(length))
  }

  end(): void {
    const rest = this.#bytes.length - this.#offset
    if (rest > 0) throw new FormatError(`ol payload with ${rest} bytes behind its fields`)
  }
}
