import { bytesToBigint, concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { maximalSpans } from '../suffix/find-spans.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { algoV2 } from './algo-v2.ts'

/** A passage of a Datanet that the prompt quotes: `length` tokens from `start` on, as they stand at `position` of an index. */
export type PromptCitation = {
  readonly start: number
  readonly length: number
  /** Place of the index in the set. */
  readonly index: number
  readonly position: number
  readonly contribId: bigint
}

/**
 * The passages that a prompt quotes, longest first: what somebody retrieved for it, since the payer signed the prompt. Each is the
 * longest that overlaps none before it, of the contribution with the smallest id that has it. docs/ATTRIBUTION.md §7.
 */
export function citationsOf(indexes: readonly SuffixIndex[], prompt: ArrayLike<number>): PromptCitation[] {
  if (indexes.length === 0) return []
  const tokens = Array.from({ length: Math.min(prompt.length, algoV2.promptTokensMax) }, (_, i) => prompt[i] as number)
  const limits = { tokensMin: algoV2.citationTokensMin, placesMax: algoV2.placesMax }
  const quoted = maximalSpans(indexes, tokens, limits).filter(({ places }) => places.length <= algoV2.placesMax)
  quoted.sort(byRank)
  const citations: PromptCitation[] = []
  for (const { start, length, places } of quoted) {
    if (citations.length === algoV2.citationsMax) break
    if (citations.some((cited) => overlaps(cited, { start, length }))) continue
    const named = places.map(({ index, position }) => ({
      ...{ index, position, contribId: (indexes[index] as SuffixIndex).contributionAt(position) },
    }))
    const [first] = named.sort((a, b) => (precedes(a, b) ? -1 : 1))
    if (first !== undefined) citations.push({ start, length, ...first })
  }
  return citations
}

/** `01 ‖ citations × (start u16 ‖ length u16 ‖ index u8 ‖ position u32 ‖ contribId u64)`. */
export function encodeCitations(citations: readonly PromptCitation[]): Uint8Array {
  return concatBytes(
    Uint8Array.of(1),
    ...citations.map(({ start, length, index, position, contribId }) =>
      concatBytes(
        ...[start, length].map((value) => uintBytes(value, 2)),
        Uint8Array.of(index),
        uintBytes(position, 4),
        uintBytes(contribId, 8),
      ),
    ),
  )
}

/** Throws {@link SuffixError} `format` for what its bytes alone show to be no citations. */
export function decodeCitations(bytes: Uint8Array, indexes: number, promptTokens: number): PromptCitation[] {
  const count = (bytes.length - 1) / citationBytes
  const isFramed = bytes[0] === 1 && Number.isInteger(count) && count >= 1 && count <= algoV2.citationsMax
  if (!isFramed) throw new SuffixError('format', 'citations: not framed')
  const citations = Array.from({ length: count }, (_, i): PromptCitation => {
    const uint = (at: number, size: number) => {
      const from = 1 + i * citationBytes + at
      return bytesToBigint(bytes.subarray(from, from + size))
    }
    const [start, length, index, position] = [uint(0, 2), uint(2, 2), uint(4, 1), uint(5, 4)].map(Number) as Numbers
    return { start, length, index, position, contribId: uint(9, 8) }
  })
  const limit = Math.min(promptTokens, algoV2.promptTokensMax)
  for (const [i, { start, length, index }] of citations.entries()) {
    const before = citations[i - 1]
    const isRanked = before === undefined || outranks(before, { start, length })
    const isApart = citations.slice(0, i).every((other) => !overlaps(other, { start, length }))
    if (length < algoV2.citationTokensMin || start + length > limit || index >= indexes || !isRanked || !isApart)
      throw new SuffixError('format', `citations: place ${i}`)
  }
  return citations
}

type Numbers = [start: number, length: number, index: number, position: number]
export type Extent = { readonly start: number; readonly length: number }

export function overlaps(a: Extent, b: Extent): boolean {
  return a.start < b.start + b.length && b.start < a.start + a.length
}

/** Whether a passage stands before another in the order of ranks. */
export function outranks(a: Extent, b: Extent): boolean {
  return byRank(a, b) < 0
}

function byRank(a: Extent, b: Extent): number {
  return b.length - a.length || a.start - b.start
}

type Quoted = Pick<PromptCitation, 'contribId' | 'index' | 'position'>

/** Whether a place of a passage is cited rather than another. */
export function precedes(a: Quoted, b: Quoted): boolean {
  if (a.contribId !== b.contribId) return a.contribId < b.contribId
  return a.index < b.index || (a.index === b.index && a.position < b.position)
}

const citationBytes = 17
