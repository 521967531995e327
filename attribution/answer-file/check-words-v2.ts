import { entryClasses } from '../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { algoV2 } from '../combined/algo-v2.ts'
import { spansV2 } from '../combined/attribute-v2.ts'
import { decodeCitations, type PromptCitation, precedes } from '../combined/citations.ts'
import { decodeParts, type EvidenceParts, evidenceHashV2, noParts } from '../combined/evidence-v2.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { checkSpanProof } from '../suffix/check-span-proof.ts'
import { decodeEvidence, type Evidence } from '../suffix/evidence.ts'
import type { IndexRecord } from '../suffix/index-record.ts'
import type { SpanPlace } from '../suffix/kept-spans.ts'
import { AnswerFileError } from './answer-error.ts'
import type { AnswerFile, RuleV2 } from './answer-file.ts'
import { checkScores, checkSpans, named, recordsOf, requireRule } from './check-words.ts'

/** What of an answer and of its prompt stands in which contribution, and what its entries commit to. */
export type CheckedWordsV2 = {
  readonly records: readonly IndexRecord[]
  /** Undefined of a model without indexes. */
  readonly evidence: Evidence | undefined
  readonly citations: readonly PromptCitation[]
  readonly parts: EvidenceParts
}

type Words = Pick<AnswerFile, 'indexes' | 'evidence' | 'spans' | 'scores'>

/**
 * Spans and scores of the answer and quotations of the prompt, against the records of the model's indexes. That none was left out is for
 * others. Throws {@link AnswerFileError}.
 */
export function checkWordsV2(file: Words, { citations: proofs }: RuleV2, one: BatchReceipt): CheckedWordsV2 {
  requireRule(one, algoHashV2)
  const records = recordsOf(file, one)
  const parts = file.evidence.length === 0 ? noParts : named('evidence', () => decodeParts(file.evidence))
  const shared = one.entries.filter(({ class: kind }) => kind >= entryClasses.S)
  const hash = evidenceHashV2(parts)
  // No bytes stand for no parts.
  const isOne = (hash === zeroHash) === (file.evidence.length === 0)
  if (!isOne || shared.length === 0 || shared.some((entry) => entry.evidenceHash !== hash))
    throw new AnswerFileError('evidence', 'it is not what the entries name')
  const evidence = spansOf(records, parts, one)
  if (evidence === undefined) {
    if (file.spans.length + file.scores.length > 0)
      throw new AnswerFileError('evidence', 'words are shown without an index')
  } else {
    checkScores(file.scores, records, one.output.subarray(0, evidence.scores.length), evidence)
    checkSpans(file.spans, records, one.output, evidence)
  }
  return { records, evidence, parts, citations: citationsOf(proofs, records, parts, one) }
}

function spansOf(records: readonly IndexRecord[], parts: EvidenceParts, one: BatchReceipt): Evidence | undefined {
  if (records.length === 0) {
    if (parts.spans.length > 0 || parts.groups.length > 0 || parts.citations.length > 0)
      throw new AnswerFileError('evidence', 'words are attributed without an index')
    return undefined
  }
  const evidence = named('evidence', () => decodeEvidence(parts.spans, spansV2))
  const looked = Math.min(one.output.length, algoV1.answerTokensMax)
  // An index that was dead when the batch was committed leaves nothing to look at.
  if (evidence.scores.length !== looked && evidence.scores.length !== 0)
    throw new AnswerFileError('evidence', `${evidence.scores.length} tokens of ${looked}`)
  return evidence
}

/** Each proof shows where a quotation stands, of which the smallest contribution is the one that is cited. */
function citationsOf(
  proofs: readonly Uint8Array[],
  records: readonly IndexRecord[],
  { citations: stated }: EvidenceParts,
  { prompt }: BatchReceipt,
): readonly PromptCitation[] {
  const wrong = (why: string) => new AnswerFileError('citations', why)
  const citations =
    stated.length === 0 ? [] : named('citations', () => decodeCitations(stated, records.length, prompt.length))
  if (proofs.length !== citations.length) throw wrong(`${proofs.length} proofs of ${citations.length} quotations`)
  for (const [i, cited] of citations.entries()) {
    const proof = proofs[i] as Uint8Array
    const proven = named('citations', () => checkSpanProof(records, prompt, proof, algoV2.promptTokensMax))
    const isThere =
      proven.start === cited.start &&
      proven.length === cited.length &&
      proven.places.length <= algoV2.placesMax &&
      isSame(firstOf(proven.places), cited)
    if (!isThere) throw wrong(`quotation ${i} is not the one that was proven`)
  }
  return citations
}

/** Of a quotation's places the one that is cited. */
function firstOf([first, ...others]: readonly SpanPlace[]): SpanPlace | undefined {
  return others.reduce((best, place) => (best === undefined || precedes(place, best) ? place : best), first)
}

function isSame(place: SpanPlace | undefined, cited: PromptCitation): boolean {
  return (
    place !== undefined &&
    place.index === cited.index &&
    place.position === cited.position &&
    place.contribId === cited.contribId
  )
}
