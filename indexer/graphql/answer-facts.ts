import type { AnswerQuestion } from '../../attribution/explain/answer-explainer.ts'
import type { SketchSource } from '../../attribution/influences/query-maker.ts'
import { decodeSignature } from '../../attribution/near-duplicates/signature.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { Row, Store } from '../store/store.ts'

/** A receipt whose answer is to be explained. */
export type ReceiptRow = {
  readonly row: Row
  readonly request: InferenceRequest
  /** Of its batch, Unix seconds. */
  readonly committedAt: number
  /** What is known at this block. */
  readonly until: number
}

/** Signatures and tables count from multiples of this on, Unix seconds. */
const daySeconds = 86_400

/** What the chain says that a receipt's answer is attributed by, but for signatures. */
export function answeredBy(
  store: Store,
  known: ReceiptRow,
  rule: 1 | 2,
): Pick<AnswerQuestion, 'ids' | 'isDead' | 'trainedOn' | 'sketched'> {
  const { row, committedAt, until } = known
  const [model, version] = [row['model'] ?? null, row['model_version'] ?? null]
  const indexes = store.get('select index_ids from model_indexes where model = ? and version = ?', model, version)
  const ids = JSON.parse(String(indexes?.['index_ids'] ?? '[]')) as Hex[]
  const dead = store.all(
    `select 1 from text_index where key in (select value from json_each(?)) and block <= ? and (dead_from <= ? or exists (
       select 1 from json_each(lapses) lapse where lapse.value ->> 0 <= ? and ? < lapse.value ->> 1))`,
    ...[JSON.stringify(ids), until, committedAt, committedAt, committedAt],
  )
  const datanets = store.all('select datanet, weight_bps from model_datanet where model = ?', model)
  return {
    ...{ ids, isDead: dead.length > 0 },
    trainedOn: datanets.map((each) => ({
      datanet: BigInt(String(each['datanet'])),
      tokens: Number(each['weight_bps']),
    })),
    sketched: rule === 1 ? undefined : sketchedBy(store, known),
  }
}

/** The table of influences in force when the batch was committed; of a request with several adapters none is. */
function sketchedBy(store: Store, { row, request, committedAt, until }: ReceiptRow): SketchSource | undefined {
  const { adapters, modelVersion } = request
  if (adapters.length > 1) return undefined
  const adapter = adapters[0]?.root ?? zeroHash
  const day = dayOf(committedAt)
  const table = store.get(
    `select root, size, row_count from sketch_table where key = ? and block <= ? and from_time <= ?
     and (until_time is null or until_time > ?)`,
    ...[`${modelVersion}-${adapter}`, until, day, day],
  )
  const published = store.get(
    'select weights_manifest from model_version where model = ? and version = ?',
    ...[row['model'] ?? null, row['model_version'] ?? null],
  )
  if (table === undefined || published === undefined) return undefined
  return {
    ...{ model: String(published['weights_manifest']) as Hex, adapter, table: String(table['root']) as Hex },
    ...{ size: Number(table['size']), rows: Number(table['row_count']) },
  }
}

/** MinHash signatures of contributions that stood on chain when the day of the batch began. */
export function countedSignatures(
  store: Store,
  { committedAt, until }: ReceiptRow,
  contributions: readonly bigint[],
): ReadonlyMap<bigint, Uint32Array> {
  const shown = store.all(
    `select key, signature from shown_signature where key in (select value from json_each(?)) and shown_at < ? and block <= ?`,
    ...[JSON.stringify(contributions.map(Number)), dayOf(committedAt), until],
  )
  return new Map(
    shown.map((row) => [BigInt(String(row['key'])), decodeSignature(hexToBytes(String(row['signature']) as Hex))]),
  )
}

function dayOf(time: number): number {
  return time - (time % daySeconds)
}
