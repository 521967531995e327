import { decodeBatchFile, rowBytes, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { ExplainedReceipt } from '../../attribution/explain/explain-payout.ts'
import type { ExplainedEntry } from '../../attribution/explain/explain-receipt.ts'
import { explainSpans, type TokenBytes } from '../../attribution/explain/explain-spans.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import type { Row } from '../store/store.ts'
import type { QueryContext } from './context.ts'

/** Indexes by id and tokenizers by the hash of their section, as far as the operator keeps them. */
export type WordsAtHand = {
  readonly indexes: ReadonlyMap<Hex, SuffixIndex>
  readonly tokenizers: ReadonlyMap<Hex, { readonly tokenBytes: TokenBytes }>
}

/** Receipts of a request whose answers are looked up in indexes: each is searched while other queries wait. */
export const spanReceiptsMax = 5
/** Tokens of such an answer. */
export const spanTokensMax = 4_096
/** Bytes of the batch file that is read for it. */
export const spanFileBytesMax = 4 * 1024 * 1024
/** Spans of a receipt that are shown, and places of a span. */
export const spansShownMax = 200
export const placesShownMax = 20

/**
 * Which words of an answer came from the payee's contributions, found anew in the indexes at hand; where that cannot be done,
 * `why`. docs/ATTRIBUTION.md §3.
 */
export function explainedSpans(context: QueryContext, receipt: ExplainedReceipt, until: number) {
  const found = search(context, receipt, until)
  if (typeof found === 'string') return { ...nothing, why: found }
  const { spans, matched, tokens, figures } = found
  const own = new Set(receipt.entries.map(({ id }) => id))
  const ofPayee = spans
    .map((span) => ({ ...span, places: span.places.filter(({ contribId }) => own.has(contribId)) }))
    .filter(({ places }) => places.length > 0)
  return {
    ...{ why: null, matched, tokens, figures, spanCount: ofPayee.length },
    spans: ofPayee.slice(0, spansShownMax).map(({ start, length, weight, text, places }) => ({
      ...{ start, end: start + length, weight, text: text?.words ?? null, placeCount: places.length },
      places: places.slice(0, placesShownMax).map(({ index, contribId, position, range }) => ({
        ...{ index, contribution: contribId, position: String(position) },
        characters: range?.characters ?? null,
        bytes: range?.bytes ?? null,
      })),
    })),
  }
}

const nothing = { matched: 0, tokens: 0, figures: [], spanCount: 0, spans: [] }

/** The spans, or why there are none. */
function search(context: QueryContext, { batchId, index, entries: _ }: ExplainedReceipt, until: number) {
  const { store, content, words } = context
  const row = store.get('select * from receipt where batch = ? and idx = ?', Number(batchId), index)
  const batch = store.get('select committed_at from receipt_batch where key = ?', Number(batchId))
  if (row === undefined || batch === undefined) return 'the data of the batch is not there'
  const version = [row['model'] ?? null, row['model_version'] ?? null]
  const ids = indexIds(store.get('select index_ids from model_indexes where model = ? and version = ?', ...version))
  if (ids.length === 0) return 'its model has no index: nothing is attributed by words'
  const set = ids.flatMap((id) => words.indexes.get(id) ?? [])
  if (set.length < ids.length) return 'the indexer does not keep the indexes of its model'
  if (context.spans.receiptsLeft === 0)
    return `a request shows the words of ${spanReceiptsMax} receipts; ask for this one by itself`
  const file = store.get("select hash from ledger_file where kind = 'batch' and key = ?", Number(batchId))
  const place = content?.place(String(file?.['hash']))
  if (content === undefined || place === undefined) return 'the data of the batch is not there'
  if (place.bytes > spanFileBytesMax)
    return 'the file of its batch is too large to be read here: openledger explain does'
  context.spans.receiptsLeft--
  const bytes = content.get(String(file?.['hash']))
  if (bytes === undefined) return 'the data of the batch is not there'
  const { receipt, request, entries, output } = receiptOf(bytes, index)
  if (receipt.algoHash !== algoHashV1) return 'words are shown under algoHash v1'
  if (request.modelVersion !== modelVersionHash(BigInt(Number(version[0])), Number(version[1])))
    return 'another receipt'
  if (output.length > spanTokensMax)
    return `its answer is longer than ${spanTokensMax} tokens: openledger explain shows it`
  const dead = store.all(
    'select 1 from text_index where key in (select value from json_each(?)) and dead_from <= ? and block <= ?',
    ...[JSON.stringify(ids), batch['committed_at'] ?? null, until],
  )
  const tokenizer = words.tokenizers.get(set[0]?.record.tokenizerHash ?? zeroHash)
  const shown = entries as readonly ExplainedEntry[]
  return explainSpans(set, output, shown, { isDead: dead.length > 0, tokenBytes: tokenizer?.tokenBytes })
}

/** Of a file that opened its root when it came. */
function receiptOf(bytes: Uint8Array, index: number) {
  const file = decodeBatchFile(bytes)
  if (index >= file.receipts.length / rowBytes.receipts) throw new Error(`a checked file has no receipt ${index}`)
  return batchReceipt(file, rowStarts(file.receipts), index)
}

function indexIds(row: Row | undefined): readonly Hex[] {
  return JSON.parse(String(row?.['index_ids'] ?? '[]')) as Hex[]
}
