import { type AttributionEntry, entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { indexesMax } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { algoV1 } from './algo-v1.ts'
import { encodeEvidence, evidenceHash } from './evidence.ts'
import { type KeptSpan, keptSpans } from './kept-spans.ts'
import { matchedTokens, type Share, sharesOf } from './shares.ts'
import { tokenScores } from './span-scores.ts'
import { SuffixError } from './suffix-error.ts'
import type { SuffixIndex } from './suffix-index.ts'

/** What an answer owes whom under algoHash v1. */
export type Attribution = {
  readonly spans: readonly KeptSpan[]
  /** Tokens in a kept span, of `tokens` looked at: their ratio is the match rate. */
  readonly matched: number
  readonly tokens: number
  readonly shares: readonly Share[]
  /** What the weights were made of, and its hash. */
  readonly evidence: Uint8Array
  readonly evidenceHash: Hex
}

/** The indexes of a set in its order. Throws {@link SuffixError} for none, too many or twice one. */
export function indexSet(indexes: readonly SuffixIndex[]): readonly SuffixIndex[] {
  if (indexes.length === 0 || indexes.length > indexesMax) {
    throw new SuffixError('size', `a set of ${indexes.length} indexes`)
  }
  const sorted = [...indexes].sort((a, b) => (a.id < b.id ? -1 : 1))
  if (sorted.some(({ id }, i) => id === sorted[i - 1]?.id))
    throw new SuffixError('order', 'an index is twice in the set')
  return sorted
}

/** Attributes the tokens of an answer over a model version's indexes, see {@link indexSet}. docs/ATTRIBUTION.md. */
export function attribute(indexes: readonly SuffixIndex[], output: ArrayLike<number>): Attribution {
  const answer = Array.from({ length: Math.min(output.length, algoV1.answerTokensMax) }, (_, i) => output[i] as number)
  const scores = tokenScores(indexes, answer)
  const spans = keptSpans(indexes, answer, scores)
  const evidence = encodeEvidence({ scores, spans })
  const indexed = indexes.map((index) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
  return {
    spans,
    matched: matchedTokens(spans),
    tokens: answer.length,
    shares: sharesOf(answer.length, spans, indexed),
    evidence,
    evidenceHash: evidenceHash(evidence),
  }
}

/** The entries of the contributors' pool. `payoutOf`: a contribution's payout address in force at the batch's block. */
export function contributorEntries(
  { shares, evidenceHash: hash }: Pick<Attribution, 'shares' | 'evidenceHash'>,
  payoutOf: (contribId: bigint) => Hex,
): AttributionEntry[] {
  return shares.map(({ class: letter, id, weight }) => ({
    payee: letter === 'S' ? payoutOf(id) : poolPayee(payeePools.units, id),
    id,
    class: entryClasses[letter],
    evidenceHash: hash,
    weight,
  }))
}
