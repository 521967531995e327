import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { attributeV2, influencesOn } from '../combined/attribute-v2.ts'
import type { SketchScore } from '../combined/evidence-v2.ts'
import type { SignatureOf } from '../combined/groups.ts'
import type { InfluenceRow } from '../combined/influence-table.ts'
import { earnersOf } from '../combined/shares-v2.ts'
import type { SketchSource } from '../influences/query-maker.ts'
import { attribute, indexSet } from '../suffix/attribute.ts'
import { contributionsIn } from '../suffix/evidence.ts'
import type { KeptSpan } from '../suffix/kept-spans.ts'
import type { DatanetTokens } from '../suffix/shares.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import type { ExplainedEntry } from './explain-receipt.ts'
import { type ExplainedCitation, type ExplainedSpan, explainCitation, explainSpan } from './explain-spans.ts'
import { influenceFigures, poolFigures, shareFigures, wordFiguresV1 } from './explain-weights.ts'
import type { Figure } from './figure.ts'
import type { TokenBytes } from './token-text.ts'

/** An answer as its receipt has it, and what it is attributed by. */
export type AnswerToExplain = {
  /** Version of the rule that the receipt names. */
  readonly rule: 1 | 2
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  /** All of the receipt. */
  readonly entries: readonly ExplainedEntry[]
  /** An index of the set was dead when the batch was committed. */
  readonly isDead: boolean
  /** The indexes of the model version; undefined where not all are at hand. */
  readonly set: readonly SuffixIndex[] | undefined
  /** By which units divide where the model has no indexes. */
  readonly trainedOn: readonly DatanetTokens[]
  readonly signatureOf: SignatureOf
  /** Where a table of influences is in force. `made`: undefined where it, or what makes the query sketch, is not at hand. */
  readonly sketch?:
    | {
        readonly source: SketchSource
        readonly made: { readonly rows: readonly InfluenceRow[]; readonly query: Int8Array } | undefined
      }
    | undefined
  readonly tokenBytes?: TokenBytes | undefined
}

/** Class G of an answer: query · row of the contributions that influenced it most. docs/GRADIENTS.md §9. */
export type ExplainedInfluences = Pick<SketchSource, 'table' | 'model' | 'adapter' | 'size' | 'rows'> & {
  /** The query sketch, a signed byte each; undefined where it could not be made. */
  readonly query: Int8Array | undefined
  /** By row of the table; `shift`: the row's numbers are times 2^shift. */
  readonly scores: readonly (SketchScore & { readonly shift: number })[]
}

export type AnswerExplanation = {
  readonly rule: 1 | 2
  /** Tokens in a span that earns, of `tokens` looked at. */
  readonly matched: number
  readonly tokens: number
  readonly spans: readonly ExplainedSpan[]
  /** Contributions of the spans that count as a copy of an earlier one, which alone earns by what both have. */
  readonly copies: readonly { readonly contribId: bigint; readonly of: bigint }[]
  readonly citations: readonly ExplainedCitation[]
  /** Undefined where no table of influences is in force. */
  readonly influences: ExplainedInfluences | undefined
  /** Pools and weights of contributors' entries by the rule, as far as they can be computed, beside the receipt's. */
  readonly figures: readonly Figure[]
  /** Contributors' entries that commit to other evidence than the answer's. */
  readonly otherEvidence: readonly number[]
}

/** What words of an answer came from where, what influenced it, what its prompt quotes, and what weights follow. Throws SuffixError for a set that is none. */
export function explainAnswer(answer: AnswerToExplain): AnswerExplanation {
  return answer.rule === 1 ? explainV1(answer) : explainV2(answer)
}

/** docs/ATTRIBUTION.md §3 to §5. */
function explainV1({ set: indexes = [], output, entries, isDead, tokenBytes }: AnswerToExplain): AnswerExplanation {
  if (indexes.length === 0) return { ...nothing, rule: 1 }
  const set = indexSet(indexes)
  const { spans, matched, tokens, evidenceHash } = attribute(set, isDead ? [] : output)
  const { S, U } = entryClasses
  return {
    ...{ ...nothing, rule: 1, matched, tokens },
    spans: spans.map((span) => explainSpan(set, output, span, contributionsIn([span]), tokenBytes)),
    figures: wordFiguresV1(entries, { tokens, spans, datanets: sizesOf(set) }),
    otherEvidence: otherEvidence(entries, [S, U], evidenceHash),
  }
}

/** docs/ATTRIBUTION.md §7. What cannot be computed is left out; class G then counts as the receipt states it. */
function explainV2(answer: AnswerToExplain): AnswerExplanation {
  const { output, entries, isDead, trainedOn, signatureOf, sketch, tokenBytes } = answer
  const influences = sketch && explainInfluences(sketch)
  const isSketched = sketch === undefined || sketch.made !== undefined
  if (answer.set === undefined) {
    const figures = isSketched ? influenceFigures(entries, influences?.scores ?? []) : []
    return { ...nothing, influences, figures }
  }
  const set = answer.set.length === 0 ? [] : indexSet(answer.set)
  const prompt = isDead ? none : answer.prompt
  const found = attributeV2(set, isDead ? none : output, { prompt, signatureOf, trainedOn, sketch: sketch?.made })
  const { spans, leaders, citations, tokens } = found
  const datanets = set.length === 0 ? trainedOn : sizesOf(set)
  const scores = isSketched ? found.scores : statedScores(entries)
  const shared = { tokens, spans, leaders, citations, scores, datanets }
  const contributions = contributionsIn(spans)
  const placeOf = new Map(contributions.map((id, i) => [id, i]))
  const explainedSpan = (span: KeptSpan) =>
    explainSpan(set, output, span, earnersOf(span, placeOf, leaders), tokenBytes)
  const all = [entryClasses.S, entryClasses.G, entryClasses.R, entryClasses.U]
  return {
    ...{ rule: 2, matched: found.matched, tokens, influences },
    spans: spans.map(explainedSpan),
    copies: contributions.flatMap((contribId, i) =>
      leaders[i] === i ? [] : [{ contribId, of: contributions[leaders[i] as number] as bigint }],
    ),
    citations: citations.map((citation, i) => explainCitation(set, prompt, citation, i + 1, tokenBytes)),
    figures: [...poolFigures(entries, shared, isSketched), ...shareFigures(entries, shared, isSketched)],
    otherEvidence: isSketched ? otherEvidence(entries, all, found.evidenceHash) : [],
  }
}

function explainInfluences({ source, made }: NonNullable<AnswerToExplain['sketch']>): ExplainedInfluences {
  const { table, model, adapter, size, rows } = source
  const scores = made === undefined ? [] : influencesOn(made.rows, made.query)
  return {
    ...{ table, model, adapter, size, rows, query: made?.query },
    scores: scores.map((score) => ({ ...score, shift: made?.rows[score.row]?.shift ?? 0 })),
  }
}

/** Class G as the receipt has it: where the influences cannot be computed, the other pools follow from what it states. */
function statedScores(entries: readonly ExplainedEntry[]): SketchScore[] {
  return entries
    .filter((entry) => entry.class === entryClasses.G && entry.weight > 0n && entry.weight <= weightTotal)
    .map(({ id, weight }, row) => ({ row, contribId: id, score: weight }))
}

function sizesOf(set: readonly SuffixIndex[]): DatanetTokens[] {
  return set.map(({ record, tokenCount }) => ({ datanet: record.datanet, tokens: tokenCount }))
}

function otherEvidence(entries: readonly ExplainedEntry[], classes: readonly number[], evidenceHash: Hex): number[] {
  return entries.flatMap((entry, k) =>
    classes.includes(entry.class) && entry.evidenceHash !== evidenceHash ? [k] : [],
  )
}

const none = new Uint32Array(0)
const nothing: AnswerExplanation = {
  ...{ rule: 2, matched: 0, tokens: 0, spans: [], copies: [], citations: [] },
  ...{ influences: undefined, figures: [], otherEvidence: [] },
}
