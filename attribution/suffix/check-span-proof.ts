import { GasMeter, Revert } from '../../precompiles-sim/precompile.ts'
import { provesCount } from '../../precompiles-sim/span-proof.ts'
import { bytesToBigint, concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { algoV1 } from './algo-v1.ts'
import type { IndexRecord } from './index-record.ts'
import type { SpanPlace } from './kept-spans.ts'
import { OpenedChunks } from './opened-chunks.ts'
import { type AnchoredSpan, anchorPlacesMax, readAround } from './span-around.ts'
import { SuffixError } from './suffix-error.ts'
import { queryOf } from './suffix-index.ts'
import { orderTokens } from './suffix-sort.ts'

/** A span that was shown to stand at these places and no others, and to be maximal. */
export type ProvenSpan = { readonly start: number; readonly length: number; readonly places: readonly SpanPlace[] }

/**
 * Reads a span proof against the records of a set's indexes, in its order, and the answer's tokens. Throws {@link SuffixError}: `format`
 * for bytes of another form, `root` for openings that do not lead to the records' roots, `unproven` where they do not show it. Behind `tokensMax` tokens nothing stands.
 */
export function checkSpanProof(
  set: readonly IndexRecord[],
  output: ArrayLike<number>,
  proof: Uint8Array,
  tokensMax: number = algoV1.answerTokensMax,
): ProvenSpan {
  const answer = queryOf(Array.from(output).slice(0, tokensMax))
  const bytes = new ProofBytes(proof)
  const [start, length, anchor, anchorLength] = [bytes.uint(2), bytes.uint(2), bytes.uint(2), bytes.uint(1)]
  const span = { start, length, anchor, anchorLength }
  const isInside = anchor >= start && anchor + anchorLength <= start + length && start + length <= answer.length
  if (!isInside || length < 1 || !isProversAnchor(answer, span))
    throw new SuffixError('format', 'the span or its anchor')
  if (bytes.uint(1) !== set.length) throw new SuffixError('format', `a proof over other than ${set.length} indexes`)
  const places = set.flatMap((record, index) => placesIn(record, index, answer, span, bytes))
  bytes.end()
  if (places.length === 0) throw new SuffixError('unproven', 'the span stands nowhere')
  return { start, length, places }
}

/** As long as it may be, and the first of its kind in the span: another would show the same by bytes that nobody writes. */
function isProversAnchor(answer: Uint32Array, { start, length, anchor, anchorLength }: AnchoredSpan): boolean {
  if (anchorLength !== Math.min(length, orderTokens)) return false
  for (let at = start; at < anchor; at++) {
    if (answer.subarray(at, at + anchorLength).every((token, i) => token === answer[anchor + i])) return false
  }
  return true
}

function placesIn(
  record: IndexRecord,
  index: number,
  answer: Uint32Array,
  span: AnchoredSpan,
  bytes: ProofBytes,
): SpanPlace[] {
  const [lo, hi, openingsBytes, aroundBytes] = [bytes.uint(4), bytes.uint(4), bytes.uint(4), bytes.uint(4)]
  const openings = bytes.take(openingsBytes)
  const around = bytes.take(aroundBytes)
  checkCount(record, answer.subarray(span.anchor, span.anchor + span.anchorLength), lo, hi, openings)
  if (hi - lo > anchorPlacesMax) throw new SuffixError('format', `an anchor at ${hi - lo} places`)
  const chunks = new OpenedChunks(record, around)
  const places: SpanPlace[] = []
  for (let place = lo; place < hi; place++) {
    const found = readAround((position) => chunks.token(position), chunks.suffix(place), answer, span)
    if (found.kind === 'part') continue
    if (found.kind === 'extended') throw new SuffixError('unproven', 'the span stands with one more token')
    places.push({ index, position: found.position, contribId: chunks.contributionAt(found.position) })
  }
  return places.sort((a, b) => a.position - b.position)
}

function checkCount(record: IndexRecord, anchor: Uint32Array, lo: number, hi: number, openings: Uint8Array): void {
  const roots = {
    tokenRoot: hexToBytes(record.tokenRoot),
    suffixRoot: hexToBytes(record.suffixRoot),
    n: BigInt(record.n),
  }
  const query = concatBytes(...Array.from(anchor, (token) => uintBytes(token, 4)))
  let isProven: boolean
  try {
    isProven = provesCount(roots, query, BigInt(lo), BigInt(hi), openings, new GasMeter(2n ** 62n))
  } catch (error) {
    if (error instanceof Revert) throw new SuffixError('format', 'the openings of a count', { cause: error })
    throw error
  }
  if (!isProven) throw new SuffixError('unproven', 'the count of the anchor')
}

/** Reads a proof from its front. */
class ProofBytes {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new SuffixError('format', 'the proof is cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint(length: number): number {
    return Number(bytesToBigint(this.take(length)))
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new SuffixError('format', 'bytes behind the proof')
  }
}
