import { CodedError } from '../../common/errors.ts'
import { concatBytes, equalBytes, FormatError, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { ChunkProof } from '../../protocol/content-hash.ts'
import { stopBytes, stopHash, stopsMax } from '../answer/stops.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { rowLeafBytes } from '../model-file.ts'
import { decodeTraceHead, encodeTraceHead, type TraceHead, traceHeadBytes } from './head.ts'
import type { TraceExtent, TraceLayout } from './layout.ts'
import type { RecordSource } from './opening.ts'

/** `truncated`: bytes are missing. `oversized`: more than belong to it. `tampered`: not what the trace commits to. */
export class ProofError extends CodedError<'truncated' | 'oversized' | 'tampered'> {}

/** An answer's tokens under a head; a proof of any class begins with them. */
export type ProvenTokens = {
  readonly head: TraceHead
  readonly input: readonly number[]
  readonly output: readonly number[]
}

/** Leaves of a token's row of the embedding, each with its way to the root of the embedding's weights. */
export type RowProof = readonly ChunkProof[]

/** What any file of an answer tells: its tokens, and the strings under the request's stopHash. */
export type ProvenAnswer = ProvenTokens & { readonly stops: readonly Uint8Array[] }

/** All that a checker without weights needs of an answer of class EXACT. docs/canonical-inference.md §12.5. */
export type ExactProof = ProvenAnswer & {
  /** Slabs 1, 2, … of the linear tree, each its records one after another. */
  readonly slabs: readonly Uint8Array[]
  /** Of every token that is run. */
  readonly rows: ReadonlyMap<number, RowProof>
}

const magic = new TextEncoder().encode('OLPROOF1')

export function encodeExactProof(
  layout: TraceLayout,
  answer: ProvenAnswer,
  record: RecordSource,
  rowOf: (token: number) => RowProof,
): Uint8Array {
  const { head } = answer
  const slabs = linearSlabs(layout, head)
    .filter(({ bytes }) => bytes > 0)
    .flatMap(({ slab, from }) =>
      Array.from({ length: head.positions - from }, (_, i) => record('linear', slab, from + i)),
    )
  return concatBytes(encodeTokens(answer), ...slabs, ...encodeRows(answer, rowOf), encodeStops(answer.stops))
}

/** What a receipt and its request commit to of a file. */
export type ProofCommitment = { readonly traceRoot: Hex; readonly stopHash: Hex }

/** Throws {@link ProofError} for what is not a proof of that trace; rows are still to be held against the model's root. */
export function decodeExactProof(layout: TraceLayout, bytes: Uint8Array, committed: ProofCommitment): ExactProof {
  const reader = new ProofReader(bytes)
  const tokens = decodeTokens(reader, layout.config, committed.traceRoot)
  const { head } = tokens
  const slabs = linearSlabs(layout, head).map(({ bytes: size }) => reader.take(size))
  const rows = decodeRows(reader, layout.config, tokens)
  const stops = decodeStops(reader, committed.stopHash)
  reader.end()
  return { ...tokens, slabs, rows, stops }
}

/** Slabs of the linear tree from 1 on: the first position that each has, and its bytes. */
export function linearSlabs(
  layout: TraceLayout,
  extent: TraceExtent,
): { readonly slab: number; readonly from: number; readonly bytes: number }[] {
  return Array.from({ length: layout.slabs.linear - 1 }, (_, i) => {
    const [slab, last] = [i + 1, extent.positions - 1]
    const from = slab > layout.config.layers ? extent.tin - 1 : 0
    return { slab, from, bytes: (extent.positions - from) * layout.recordBytes('linear', slab, last, extent) }
  })
}

/** `OLPROOF1 ‖ head ‖ tout u32 ‖ input and output tokens u32 …`. */
export function encodeTokens({ head, input, output }: ProvenTokens): Uint8Array {
  const numbers = [output.length, ...input, ...output].map((number) => uintBytes(number, 4))
  return concatBytes(magic, encodeTraceHead(head), ...numbers)
}

export function decodeTokens(reader: ProofReader, { context, vocab }: ModelConfig, traceRoot: Hex): ProvenTokens {
  if (!equalBytes(reader.take(magic.length), magic)) throw new ProofError('tampered', 'not a proof of an answer')
  const head = headOf(reader.take(traceHeadBytes), traceRoot)
  const tout = reader.number()
  const { tin, positions } = head
  if (positions !== tin + tout - 1 || tin < 1 || tout < 1 || positions >= context) {
    throw new ProofError('tampered', `a trace of ${positions} positions of ${tin} + ${tout} tokens`)
  }
  const tokens = (count: number) => Array.from({ length: count }, () => reader.number())
  const [input, output] = [tokens(tin), tokens(tout)]
  if ([...input, ...output].some((token) => token >= vocab)) throw new ProofError('tampered', 'not tokens of the model')
  return { head, input, output }
}

/** Rows of the distinct tokens that are run, ascending: the row, then of each of its leaves the siblings. */
export function encodeRows(tokens: ProvenTokens, rowOf: (token: number) => RowProof): Uint8Array[] {
  return runTokens(tokens).flatMap((token) => {
    const leaves = rowOf(token)
    return [...leaves.map(({ chunk }) => chunk), ...leaves.flatMap(({ siblings }) => siblings)]
  })
}

export function decodeRows(
  reader: ProofReader,
  { dim, vocab }: ModelConfig,
  tokens: ProvenTokens,
): ReadonlyMap<number, RowProof> {
  const size = rowLeafBytes(dim)
  const perRow = dim / size
  const count = vocab * perRow
  const depth = Math.ceil(Math.log2(count))
  const rows = runTokens(tokens).map((token) => {
    const leaves = Array.from({ length: perRow }, () => reader.take(size))
    const row = leaves.map((chunk, i): ChunkProof => {
      const siblings = Array.from({ length: depth }, () => reader.take(32))
      return { index: token * perRow + i, count, chunk, siblings }
    })
    return [token, row] as const
  })
  return new Map(rows)
}

/** A file ends with the request's stop strings, where it has some. */
export function encodeStops(stops: readonly Uint8Array[]): Uint8Array {
  return stops.length === 0 ? new Uint8Array(0) : stopBytes(stops)
}

export function decodeStops(reader: ProofReader, wanted: Hex): readonly Uint8Array[] {
  if (wanted === zeroHash) return []
  const length = () => reader.take(1)[0] ?? 0
  const count = length()
  const stops = Array.from({ length: Math.min(count, stopsMax) }, () => reader.take(length()).slice())
  if (count > stopsMax || hashOfStops(stops) !== wanted)
    throw new ProofError('tampered', 'not the stop strings of the request')
  return stops
}

function hashOfStops(stops: readonly Uint8Array[]): Hex | undefined {
  try {
    return stopHash(stops)
  } catch (error) {
    if (error instanceof InferenceError) return undefined
    throw error
  }
}

/** Takes a proof apart from its beginning to its end. */
export class ProofReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    const end = this.#offset + length
    if (end > this.#bytes.length)
      throw new ProofError('truncated', `${this.#bytes.length} bytes, at least ${end} expected`)
    const part = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return part
  }

  number(): number {
    const bytes = this.take(4)
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  }

  end(): void {
    const [read, length] = [this.#offset, this.#bytes.length]
    if (read < length) throw new ProofError('oversized', `${length} bytes, ${read} expected`)
  }
}

function headOf(bytes: Uint8Array, traceRoot: Hex): TraceHead {
  try {
    return decodeTraceHead(bytes, traceRoot)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new ProofError('tampered', `not of the trace ${traceRoot}`, { cause: error })
  }
}

/** The last output token is not run. */
function runTokens({ input, output }: ProvenTokens): number[] {
  return [...new Set([...input, ...output.slice(0, -1)])].sort((a, b) => a - b)
}
