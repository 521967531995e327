import type { Hex } from '../../protocol/bytes.ts'
import { algoV1, type SpanRule } from '../suffix/algo-v1.ts'
import { contributionsIn, encodeEvidence } from '../suffix/evidence.ts'
import { type KeptSpan, keptSpans } from '../suffix/kept-spans.ts'
import { type DatanetTokens, matchedTokens } from '../suffix/shares.ts'
import { tokenScores } from '../suffix/span-scores.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { algoV2 } from './algo-v2.ts'
import { citationsOf, encodeCitations, type PromptCitation } from './citations.ts'
import {
  type EvidenceParts,
  encodeGroups,
  encodeParts,
  encodeScores,
  evidenceHashV2,
  type SketchScore,
} from './evidence-v2.ts'
import { leadersOf, type SignatureOf } from './groups.ts'
import { type InfluenceRow, scoreOf } from './influence-table.ts'
import { type ShareV2, sharesOfV2, spanPoints } from './shares-v2.ts'

export const spansV2: SpanRule = { version: 2, placesMax: algoV2.placesMax }

/** What an answer is attributed by, beside its output. */
export type AnswerFacts = {
  readonly prompt: ArrayLike<number>
  readonly signatureOf: SignatureOf
  /** Of a model version with a table in force: its rows, and the answer's query sketch. */
  readonly sketch?: { readonly rows: readonly InfluenceRow[]; readonly query: Int8Array } | undefined
  /** What U is split by where the model has no indexes. */
  readonly trainedOn?: readonly DatanetTokens[]
}

/** What an answer owes whom under algoHash v2. */
export type AttributionV2 = {
  readonly spans: readonly KeptSpan[]
  readonly leaders: readonly number[]
  readonly scores: readonly SketchScore[]
  readonly citations: readonly PromptCitation[]
  /** Tokens in a span that earns, of `tokens` looked at. */
  readonly matched: number
  readonly tokens: number
  readonly shares: readonly ShareV2[]
  readonly parts: EvidenceParts
  /** What is shown where somebody asks. */
  readonly evidence: Uint8Array
  readonly evidenceHash: Hex
}

/** Attributes an answer over a model version's indexes, in their order; none where it has none. docs/ATTRIBUTION.md §7. */
export function attributeV2(
  indexes: readonly SuffixIndex[],
  output: ArrayLike<number>,
  { prompt, signatureOf, sketch, trainedOn = [] }: AnswerFacts,
): AttributionV2 {
  const hasIndexes = indexes.length > 0
  const tokens = hasIndexes ? Math.min(output.length, algoV1.answerTokensMax) : 0
  const answer = Array.from({ length: tokens }, (_, i) => output[i] as number)
  const tokenScore = hasIndexes ? tokenScores(indexes, answer) : []
  const spans = hasIndexes ? keptSpans(indexes, answer, tokenScore, spansV2) : []
  const leaders = leadersOf(contributionsIn(spans), signatureOf)
  const scores = sketch === undefined ? [] : influencesOn(sketch.rows, sketch.query)
  const citations = citationsOf(indexes, prompt)
  const datanets = hasIndexes
    ? indexes.map((index) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
    : trainedOn
  const parts: EvidenceParts = {
    spans: hasIndexes ? encodeEvidence({ scores: tokenScore, spans }, spansV2) : none,
    groups: encodeGroups(leaders),
    query: sketch === undefined ? none : new Uint8Array(sketch.query),
    scores: encodeScores(scores),
    citations: citations.length === 0 ? none : encodeCitations(citations),
  }
  return {
    ...{ spans, leaders, scores, citations, tokens, parts },
    matched: matchedTokens(spanPoints({ spans, leaders }).earning),
    shares: sharesOfV2({ tokens, spans, leaders, scores, citations, datanets }),
    evidence: encodeParts(parts),
    evidenceHash: evidenceHashV2(parts),
  }
}

/** The contributions that influenced an answer most, by row. Negatives count for nothing. */
export function influencesOn(rows: readonly InfluenceRow[], query: Int8Array): SketchScore[] {
  const positive = rows
    .map((each, row): SketchScore => ({ row, contribId: each.contribId, score: scoreOf(each, query) }))
    .filter(({ score }) => score > 0n)
  positive.sort((a, b) => (a.score === b.score ? a.row - b.row : a.score > b.score ? -1 : 1))
  return positive.slice(0, algoV2.sketchContributionsMax).sort((a, b) => a.row - b.row)
}
const none = new Uint8Array(0)
