import { type EntryLetter, entryClasses, entryLetters } from '../../protocol/attribution-entry.ts'
import { algoHashV1, indexSetHash } from '../../protocol/attribution-rule.ts'
import { bytesToBigint, FormatError, type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { BatchReceipt } from '../epochs/batch-rows.ts'
import { GradientError } from '../gradients/gradient-error.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { checkSpanProof, type ProvenSpan } from '../suffix/check-span-proof.ts'
import { decodeEvidence, type Evidence, evidenceHash } from '../suffix/evidence.ts'
import { decodeIndexRecord, type IndexRecord, indexId } from '../suffix/index-record.ts'
import { log2Fixed } from '../suffix/log2.ts'
import { openTable } from '../suffix/opened-chunks.ts'
import { sharesOf } from '../suffix/shares.ts'
import { tokenScore } from '../suffix/span-scores.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { chunkEntries } from '../suffix/table.ts'
import { AnswerFileError } from './answer-error.ts'
import type { AnswerFile } from './answer-file.ts'

/** What of an answer stands in which contribution, shown by the indexes that its model pins. */
export type CheckedWords = { readonly records: readonly IndexRecord[]; readonly evidence: Evidence | undefined }

type Words = Pick<AnswerFile, 'indexes' | 'evidence' | 'spans' | 'scores'>

/**
 * Spans, scores and weights of the receipt's S and U entries, against the records of its indexes. That no span was left out is
 * for the batch's challenge window. Throws {@link AnswerFileError}.
 */
export function checkWords(file: Words, one: BatchReceipt): CheckedWords {
  const records = recordsOf(file, one)
  requireRule(one, algoHashV1)
  const { S, U } = entryClasses
  const shared = one.entries.filter(({ class: kind }) => kind >= S)
  const ofNone = shared.find(({ class: kind }) => kind !== U && (kind !== S || records.length === 0))
  if (ofNone !== undefined)
    throw new AnswerFileError(
      'evidence',
      `class ${entryLetters[ofNone.class]} is not shown by the file of such a model`,
    )
  if (records.length === 0) {
    const isEmpty = file.evidence.length === 0 && file.spans.length === 0 && file.scores.length === 0
    if (!isEmpty) throw new AnswerFileError('evidence', 'words are attributed without an index')
    return { records, evidence: undefined }
  }
  const evidence = named('evidence', () => decodeEvidence(file.evidence))
  const hash = evidenceHash(file.evidence)
  if (shared.some((entry) => entry.evidenceHash !== hash) || shared.length === 0)
    throw new AnswerFileError('evidence', 'it is not what the entries name')
  const output = one.output.subarray(0, evidence.scores.length)
  const looked = Math.min(one.output.length, algoV1.answerTokensMax)
  // An index that was dead when the batch was committed leaves nothing to look at.
  if (evidence.scores.length !== looked && evidence.scores.length !== 0)
    throw new AnswerFileError('evidence', `${evidence.scores.length} tokens of ${looked}`)
  checkScores(file.scores, records, output, evidence)
  checkSpans(file.spans, records, one.output, evidence)
  checkWeights(shared, records, evidence)
  return { records, evidence }
}

/** Another rule's weights are shown by another version of the file. */
export function requireRule({ receipt: { algoHash } }: BatchReceipt, rule: Hex): void {
  if (algoHash !== rule) throw new AnswerFileError('evidence', `a file of this version shows no rule ${algoHash}`)
}

/** The indexes of the receipt. Throws {@link AnswerFileError} `indexes`. */
export function recordsOf({ indexes }: Pick<Words, 'indexes'>, { receipt }: BatchReceipt): IndexRecord[] {
  const records = indexes.map((bytes) => named('indexes', () => decodeIndexRecord(bytes)))
  const hash = records.length === 0 ? zeroHash : named('indexes', () => indexSetHash(records.map(indexId)))
  if (hash !== receipt.indexSetHash) throw new AnswerFileError('indexes', 'they are not those of the receipt')
  return records
}

/** Scores follow from how often each token stands in the texts; `output`: the tokens looked at. */
export function checkScores(
  openings: readonly Uint8Array[],
  records: readonly IndexRecord[],
  output: Uint32Array,
  { scores }: Evidence,
) {
  if (openings.length !== records.length) throw new AnswerFileError('scores', 'not one part an index')
  const counts = records.map((record, i) => unigramsOf(openings[i] as Uint8Array, record, output))
  const whole = log2Fixed(records.reduce((sum, { n, documents }) => sum + n - documents, 0))
  for (const [i, score] of scores.entries()) {
    const count = counts.reduce((sum, of) => sum + of(output[i] as number), 0)
    if (tokenScore(whole, count) !== score) throw new AnswerFileError('scores', `token ${i} has another`)
  }
}

/** The chunks of unigrams that the tokens stand in, ascending, no other ones. */
function unigramsOf(bytes: Uint8Array, record: IndexRecord, output: Uint32Array): (token: number) => number {
  const wanted = [
    ...new Set(
      Array.from(output)
        .filter((token) => token < record.vocab)
        .map(chunkOf),
    ),
  ].sort((a, b) => a - b)
  const { chunks, end } = named('scores', () => openTable(record.unigramRoot, record.vocab, 4, bytes, 0, wanted.length))
  const isWanted = end === bytes.length && wanted.every((chunk) => chunks.has(chunk))
  if (!isWanted) throw new AnswerFileError('scores', 'other unigrams than those of the answer')
  return (token) => {
    const at = 4 * (token % chunkEntries)
    const chunk = token < record.vocab ? chunks.get(chunkOf(token)) : undefined
    return chunk === undefined ? 0 : Number(bytesToBigint(chunk.subarray(at, at + 4)))
  }
}

export function chunkOf(token: number): number {
  return Math.floor(token / chunkEntries)
}

/** Each proof shows its span's place in the answer and its places in the indexes. */
export function checkSpans(
  proofs: readonly Uint8Array[],
  records: readonly IndexRecord[],
  output: Uint32Array,
  { spans }: Evidence,
) {
  if (proofs.length !== spans.length)
    throw new AnswerFileError('span', `${proofs.length} proofs of ${spans.length} spans`)
  for (const [i, span] of spans.entries()) {
    const proven = named('span', () => checkSpanProof(records, output, proofs[i] as Uint8Array))
    if (!isSame(proven, span)) throw new AnswerFileError('span', `span ${i} is not the one that was proven`)
  }
}

function isSame(proven: ProvenSpan, span: Evidence['spans'][number]): boolean {
  return (
    proven.start === span.start &&
    proven.length === span.length &&
    proven.places.length === span.places.length &&
    proven.places.every((place, i) => {
      const stated = span.places[i]
      return place.index === stated?.index && place.position === stated.position && place.contribId === stated.contribId
    })
  )
}

function checkWeights(
  shared: BatchReceipt['entries'],
  records: readonly IndexRecord[],
  { scores, spans }: Evidence,
): void {
  const indexed = records.map(({ datanet, n, documents }) => ({ datanet, tokens: n - documents }))
  const right = sharesOf(scores.length, spans, indexed)
  requireShares(right, shared)
}

/** The entries are these shares, in their order. Throws {@link AnswerFileError} `weights`. */
export function requireShares(
  right: readonly { readonly class: EntryLetter; readonly id: bigint; readonly weight: number }[],
  entries: BatchReceipt['entries'],
): void {
  const isRight =
    right.length === entries.length &&
    right.every(({ class: letter, id, weight }, i) => {
      const entry = entries[i]
      return entry?.class === entryClasses[letter] && entry.id === id && entry.weight === BigInt(weight)
    })
  if (!isRight) throw new AnswerFileError('weights', 'they are not what the evidence gives')
}

/** An error of the part as the file's. */
export function named<T>(code: AnswerFileError['code'], check: () => T): T {
  try {
    return check()
  } catch (cause) {
    if (!(cause instanceof SuffixError || cause instanceof FormatError || cause instanceof GradientError)) throw cause
    throw new AnswerFileError(code, cause.message, { cause })
  }
}
