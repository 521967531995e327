import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { bands, candidatesMax, nearDuplicateBps } from '../near-duplicates/near-duplicates.ts'
import { choosingRounds, shingleTerms, signatureEntries } from '../near-duplicates/signature.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { log2Table } from '../suffix/log2.ts'
import { orderTokens } from '../suffix/suffix-sort.ts'

/** Constants of the rules that stand under `algoHash` v2, beside those of v1. docs/ATTRIBUTION.md §7. */
export const algoV2 = {
  /** Places of a span, near-duplicates' included: so many copies bury no original. */
  placesMax: 32,
  /** What stands in more groups of near-duplicates is common speech and earns nobody anything. */
  groupsMax: 10,
  /** Contributions with an entry of class S. */
  spanContributionsMax: 38,
  /** Of 1,000,000: what class G has where a contribution influenced the answer. */
  sketchWeight: 300_000,
  sketchContributionsMax: 16,
  /** Of 1,000,000: what class R has where the prompt quotes a passage. */
  citationWeight: 100_000,
  citationsMax: 10,
  /** A shorter quotation is none. */
  citationTokensMin: 32,
  /** Tokens of a prompt in which passages are looked for. */
  promptTokensMax: 4_096,
} as const

/** What `algoHashV2` of protocol/attribution-rule.ts is the keccak hash of. */
export function algoV2Preimage(): Uint8Array {
  return concatBytes(
    Uint8Array.of(0x0d, 0, 2, algoV1.tokensMin, algoV2.placesMax, algoV2.groupsMax, orderTokens),
    Uint8Array.of(algoV1.tokensPerSpan, algoV2.spanContributionsMax),
    uintBytes(algoV1.answerTokensMax, 2),
    Uint8Array.of(signatureEntries, shingleTerms, choosingRounds, bands),
    ...[candidatesMax, nearDuplicateBps].map((value) => uintBytes(value, 2)),
    uintBytes(algoV2.sketchWeight, 4),
    Uint8Array.of(algoV2.sketchContributionsMax),
    uintBytes(algoV2.citationWeight, 4),
    Uint8Array.of(algoV2.citationsMax, algoV2.citationTokensMin),
    uintBytes(algoV2.promptTokensMax, 2),
    ...log2Table.map((entry) => uintBytes(entry, 4)),
  )
}
