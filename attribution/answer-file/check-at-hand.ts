import { equalBytes, type Hex } from '../../protocol/bytes.ts'
import { attributeV2, influencesOn } from '../combined/attribute-v2.ts'
import { encodeScores } from '../combined/evidence-v2.ts'
import type { QueryMaker } from '../influences/query-maker.ts'
import { attribute, indexSet } from '../suffix/attribute.ts'
import { decodeIndexRecord, indexId } from '../suffix/index-record.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { AnswerFileError } from './answer-error.ts'
import type { VerifiedAnswer } from './verify-answer.ts'

/** What of an answer's file was computed again from more than its bytes. */
export type AtHandChecks = { readonly words: boolean; readonly gradient: boolean }

/** Of a file that is verified by its bytes alone. */
export const nothingAtHand: AtHandChecks = { words: false, gradient: false }

const none = new Uint32Array()

/** The indexes that a file names, in their order. */
export function indexesNamed({ file }: VerifiedAnswer): readonly Hex[] {
  return file.indexes.map((record) => indexId(decodeIndexRecord(record)))
}

/**
 * Attributes the words of a verified answer again, by its indexes: nothing better was left out. Throws {@link AnswerFileError} `evidence`
 * or `citations`.
 */
export function checkWordsAtHand(verified: VerifiedAnswer, indexes: readonly SuffixIndex[]): void {
  const { file, receipt: one, evidence, v2 } = verified
  if (evidence === undefined) return
  const set = indexSet(indexes)
  const isDead = evidence.scores.length === 0
  const output = isDead ? none : one.output
  if (v2 === undefined) {
    requireSame(attribute(set, output).evidence, file.evidence, 'evidence')
    return
  }
  const prompt = v2.facts.isDead ? none : one.prompt
  const { parts } = attributeV2(set, output, { prompt, signatureOf: () => undefined })
  requireSame(parts.spans, v2.parts.spans, 'evidence')
  requireSame(parts.citations, v2.parts.citations, 'citations')
}

/**
 * Computes the query sketch of a verified answer again, and all products of the table of influences in force. Throws
 * {@link AnswerFileError} `query` or `influences`, IndexError `no-file` where model, adapter or table is not at hand.
 */
export function checkGradientAtHand(
  { receipt: one, digests, v2 }: VerifiedAnswer,
  queries: Pick<QueryMaker, 'sketch'>,
): void {
  if (v2?.influences === undefined) return
  const { table, head } = v2.influences
  const { root, size, rows } = table
  const source = { model: digests.weightsManifest, adapter: head.adapter, table: root, size, rows }
  const made = queries.sketch(source, one)
  requireSame(new Uint8Array(made.query), v2.parts.query, 'query')
  requireSame(encodeScores(influencesOn(made.table.rows, made.query)), v2.parts.scores, 'influences')
}

function requireSame(right: Uint8Array, stated: Uint8Array, code: 'evidence' | 'citations' | 'query' | 'influences') {
  if (!equalBytes(right, stated)) throw new AnswerFileError(code, 'computed again it is another')
}
