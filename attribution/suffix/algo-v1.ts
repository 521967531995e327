import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { log2Table } from './log2.ts'
import { orderTokens } from './suffix-sort.ts'

/** Constants of the rules that stand under `algoHash` v1. docs/ATTRIBUTION.md §3 and §4. */
export const algoV1 = {
  /** Shorter spans say nothing. */
  tokensMin: 5,
  /** What stands oftener is common speech. */
  countMax: 10,
  /** One span is kept for so many tokens of the answer. */
  tokensPerSpan: 20,
  /** Contributions with an entry. */
  contributionsMax: 64,
  /** Tokens of an answer that are looked at: its evidence must fit a transaction. */
  answerTokensMax: 2048,
  /** Divisible by every number of contributions that a span may stand in. */
  spanParts: 2520,
} as const

/** What the rules differ in about spans: the first byte of their evidence, and the places of a span at most. */
export type SpanRule = { readonly version: number; readonly placesMax: number }

export const spansV1: SpanRule = { version: 1, placesMax: algoV1.countMax }

/** What `algoHashV1` of protocol/attribution-rule.ts is the keccak hash of. */
export function algoV1Preimage(): Uint8Array {
  return concatBytes(
    Uint8Array.of(0x0d, 0, 1, algoV1.tokensMin, algoV1.countMax, orderTokens),
    Uint8Array.of(algoV1.tokensPerSpan, algoV1.contributionsMax),
    uintBytes(algoV1.answerTokensMax, 2),
    ...log2Table.map((entry) => uintBytes(entry, 4)),
  )
}
