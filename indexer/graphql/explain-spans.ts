import { decodeBatchFile, rowBytes, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { AnswerQuestion, ExplainedAnswer } from '../../attribution/explain/answer-explainer.ts'
import type { ExplainedReceipt } from '../../attribution/explain/explain-payout.ts'
import { contributionsOf, type ExplainedEntry } from '../../attribution/explain/explain-receipt.ts'
import type { ExplainedPlace } from '../../attribution/explain/explain-spans.ts'
import { tokensMissing } from '../../attribution/explain/tokens-missing.ts'
import { errorMessage } from '../../common/errors.ts'
import { algoHashV1, algoHashV2 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { Row } from '../store/store.ts'
import { answeredBy, countedSignatures, type ReceiptRow } from './answer-facts.ts'
import type { QueryContext } from './context.ts'

/** Receipts of a request whose answers are explained. */
export const spanReceiptsMax = 5
/** Tokens of such an answer. */
export const spanTokensMax = 4_096
/** Bytes of the batch file that is read for it. */
export const spanFileBytesMax = 4 * 1024 * 1024
/** Spans of a receipt that are shown, and places of a span. */
export const spansShownMax = 200
export const placesShownMax = 20

/**
 * Which words of an answer came from the payee's contributions, what influenced it and what its prompt quotes, found anew by what the operator
 * keeps; where that cannot be done, `why`. docs/ATTRIBUTION.md §3, §7.
 */
export async function explainedSpans(context: QueryContext, receipt: ExplainedReceipt, until: number) {
  const found = await explainedAnswer(context, receipt, until)
  if (typeof found === 'string') return { ...nothing, why: found }
  const { rule, spans, matched, tokens, figures, copies, citations, influences, isPrivate, missing } = found
  const own = contributionsOf(receipt.entries)
  const ofPayee = spans
    .map((span) => ({ ...span, places: span.places.filter(({ contribId }) => own.has(contribId)) }))
    .filter(({ places }) => places.length > 0)
  return {
    ...{ rule, matched, tokens, figures, isPrivate, spanCount: ofPayee.length },
    why: missing.length === 0 ? null : `INCOMPLETE: ${missing.join('; ')}`,
    spans: ofPayee.slice(0, spansShownMax).map(({ start, length, weight, text, places, earners }) => ({
      ...{ start, end: start + length, weight, text: text?.words ?? null, placeCount: places.length, earners },
      places: places.slice(0, placesShownMax).map(shownPlace),
    })),
    copies: copies.map(({ contribId, of }) => ({ contribution: contribId, of })),
    citations: citations.map(({ rank, start, length, text, place }) => ({
      ...{ rank, start, end: start + length, text: text?.words ?? null, place: shownPlace(place) },
    })),
    influences: influences === undefined ? null : shownInfluences(influences),
  }
}

const nothing = {
  ...{ rule: null, matched: 0, tokens: 0, figures: [], isPrivate: false, spanCount: 0, spans: [] },
  ...{ copies: [], citations: [], influences: null },
}

function shownPlace({ index, contribId, position, range }: ExplainedPlace) {
  return {
    ...{ index, contribution: contribId, position: String(position) },
    ...{ characters: range?.characters ?? null, bytes: range?.bytes ?? null },
  }
}

function shownInfluences({ query, scores, rows, ...source }: NonNullable<ExplainedAnswer['influences']>) {
  const bytes = query && new Uint8Array(query)
  return {
    ...{ ...source, rowCount: rows },
    queryHash: bytes === undefined ? null : keccakHex(bytes),
    query: bytes === undefined ? null : bytesToHex(bytes),
    scores: scores.map(({ row, contribId, shift, score }) => ({ row, contribution: contribId, shift, score })),
  }
}

/** The explanation, or why there is none. */
async function explainedAnswer(context: QueryContext, { batchId, index }: ExplainedReceipt, until: number) {
  const { store, words } = context
  const row = store.get('select * from receipt where batch = ? and idx = ?', Number(batchId), index)
  const batch = store.get('select committed_at from receipt_batch where key = ?', Number(batchId))
  if (row === undefined || batch === undefined) return notThere
  const read = readAnswer(context, row, Number(batchId), index)
  if (typeof read === 'string') return read
  const { rule, one } = read
  const { request, prompt, output, entries } = one
  const known: ReceiptRow = { row, request, committedAt: Number(batch['committed_at']), until }
  const { ids, isDead, trainedOn, sketched } = answeredBy(store, known, rule)
  if (rule === 1 && ids.length === 0) return 'its model has no index: nothing is attributed by words'
  try {
    const contributions = rule === 1 ? [] : await words.contributions({ ids, output, isDead })
    const question: AnswerQuestion = {
      ...{ rule, ids, isDead, prompt, output, trainedOn, sketched },
      entries: entries as readonly ExplainedEntry[],
      signatures: countedSignatures(store, known, contributions),
    }
    const answer = await words.explain(question)
    return answer.figures.length === 0 && answer.missing.length > 0
      ? `INCOMPLETE: ${answer.missing.join('; ')}`
      : answer
  } catch (error) {
    return `it cannot be explained now: ${errorMessage(error)}`
  }
}

const notThere = 'the data of the batch is not there'

/** A receipt with its tokens of its batch's file, within the limits of a request; or why not. */
function readAnswer(context: QueryContext, row: Row, batchId: number, index: number) {
  const { store, content } = context
  if (context.spans.receiptsLeft === 0)
    return `a request shows the words of ${spanReceiptsMax} receipts; ask for this one by itself`
  const file = store.get("select hash from ledger_file where kind = 'batch' and key = ?", batchId)
  const place = content?.place(String(file?.['hash']))
  if (content === undefined || place === undefined) return notThere
  if (place.bytes > spanFileBytesMax)
    return 'the file of its batch is too large to be read here: openledger explain does'
  context.spans.receiptsLeft--
  const bytes = content.get(String(file?.['hash']))
  if (bytes === undefined) return notThere
  const one = receiptOf(bytes, index)
  const rule = rules.get(one.receipt.algoHash)
  if (rule === undefined) return `it is under algoHash ${one.receipt.algoHash}, which is not known here`
  if (one.request.modelVersion !== modelVersionHash(BigInt(Number(row['model'])), Number(row['model_version'])))
    return 'another receipt'
  if (one.output.length > spanTokensMax)
    return `its answer is longer than ${spanTokensMax} tokens: openledger explain shows it`
  const missing = tokensMissing(one, rule)
  return missing === undefined ? { rule, one } : `INCOMPLETE: ${missing}`
}

const rules: ReadonlyMap<Hex, 1 | 2> = new Map([
  [algoHashV1, 1],
  [algoHashV2, 2],
])

/** Of a file that opened its root when it came. */
function receiptOf(bytes: Uint8Array, index: number) {
  const file = decodeBatchFile(bytes)
  if (index >= file.receipts.length / rowBytes.receipts) throw new Error(`a checked file has no receipt ${index}`)
  return batchReceipt(file, rowStarts(file.receipts), index)
}
