import type { Hex } from '../../protocol/bytes.ts'
import type { PromptCitation } from '../combined/citations.ts'
import type { KeptSpan } from '../suffix/kept-spans.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { rangeOf, type TextPart, type TextRange, type TokenBytes, textOf } from './token-text.ts'

/** Where tokens stand in the text of an index. */
export type ExplainedPlace = {
  readonly index: Hex
  readonly contribId: bigint
  readonly position: number
  /** In the contribution's content; undefined where the tokenizer is not at hand. */
  readonly range: TextRange | undefined
}

/** A span of an answer that counts. */
export type ExplainedSpan = {
  /** Tokens of the answer. */
  readonly start: number
  readonly length: number
  /** In 1/256 bit. */
  readonly weight: number
  /** Undefined where the tokenizer is not at hand. */
  readonly text: TextPart | undefined
  readonly places: readonly ExplainedPlace[]
  /** Contributions that earn by it, equal parts of its weight each; none where it is common speech. */
  readonly earners: readonly bigint[]
}

/** A passage that the prompt quotes. */
export type ExplainedCitation = {
  /** From 1 on, the longest first. */
  readonly rank: number
  /** Tokens of the prompt. */
  readonly start: number
  readonly length: number
  readonly text: TextPart | undefined
  readonly place: ExplainedPlace
}

/** `output`: tokens that the span is of. */
export function explainSpan(
  set: readonly SuffixIndex[],
  output: Uint32Array,
  { start, length, weight, places }: KeptSpan,
  earners: readonly bigint[],
  tokenBytes: TokenBytes | undefined,
): ExplainedSpan {
  return {
    ...{ start, length, weight, earners },
    text: tokenBytes && textOf(output, start, length, tokenBytes),
    places: places.map((place) => explainPlace(set[place.index] as SuffixIndex, place, length, tokenBytes)),
  }
}

/** `prompt`: tokens that the citation is of; `rank`: from 1 on. */
export function explainCitation(
  set: readonly SuffixIndex[],
  prompt: Uint32Array,
  { start, length, index, position, contribId }: PromptCitation,
  rank: number,
  tokenBytes: TokenBytes | undefined,
): ExplainedCitation {
  return {
    ...{ rank, start, length },
    text: tokenBytes && textOf(prompt, start, length, tokenBytes),
    place: explainPlace(set[index] as SuffixIndex, { position, contribId }, length, tokenBytes),
  }
}

function explainPlace(
  index: SuffixIndex,
  { position, contribId }: { readonly position: number; readonly contribId: bigint },
  length: number,
  tokenBytes: TokenBytes | undefined,
): ExplainedPlace {
  const { tokens: table, starts } = index.tables
  const begin = starts[index.documentAt(position)] as number
  const read = () => Uint32Array.from({ length: position + length - begin }, (_, i) => table.at(begin + i))
  const range = tokenBytes && rangeOf(read(), position - begin, length, tokenBytes)
  return { index: index.id, contribId, position, range }
}
