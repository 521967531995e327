import { type AttributionV2, attributeV2 } from '../../attribution/combined/attribute-v2.ts'
import type { InfluenceTable } from '../../attribution/combined/influence-table.ts'
import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { QueryMaker } from '../../attribution/influences/query-maker.ts'
import { indexSet } from '../../attribution/suffix/attribute.ts'
import { trainingTokens } from '../../attribution/suffix/shares.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { isDeadAt } from '../../chain/indexes/published-index.ts'
import { ShownSignatures, type Signatures } from '../../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../../chain/indexes/sketch-tables.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import { UsageError } from '../../common/errors.ts'
import { type AtHand, sketchSource } from '../explain/words.ts'
import type { ChainAccess } from '../money/action.ts'

/** What an answer is attributed by, as far as it is in folders. */
export type FoldersV2 = {
  readonly indexes: AtHand['indexes']
  /** Of the models, adapters and tables of influences. */
  readonly queries: QueryMaker
}

/** An answer under algoHash v2 attributed again, with what the chain says that it is attributed by. */
export type AttributedV2 = {
  readonly terms: ModelTerms
  /** Indexes of the model, in the order of their set. */
  readonly set: readonly SuffixIndex[]
  /** Whether one of them counted for nothing when the batch was committed. */
  readonly isDead: boolean
  /** Those that count. */
  readonly signatures: Signatures
  /** Undefined where no table of influences was in force. */
  readonly sketch: { readonly table: InfluenceTable; readonly query: Int8Array } | undefined
  readonly attribution: AttributionV2
}

/**
 * Throws UsageError where the chain has no such model, or an index, model, adapter or table is not in the folders (INCOMPLETE).
 * docs/ATTRIBUTION.md §7.
 */
export async function attributionV2(
  chain: ChainAccess,
  { request, prompt, output }: Pick<BatchReceipt, 'request' | 'prompt' | 'output'>,
  committedAt: bigint,
  { indexes, queries }: FoldersV2,
): Promise<AttributedV2> {
  const terms = await modelTerms(chain, request.modelVersion)
  if (terms === undefined) throw new UsageError(`the chain has no model version ${request.modelVersion}`)
  const { indexIds, trainedOn } = terms
  const missing = indexIds.filter((id) => !indexes.has(id))
  if (missing.length > 0) throw new UsageError(`INCOMPLETE: the index ${missing.join(', ')} is not in --indexes`)
  const found = indexIds.flatMap((id) => indexes.get(id) ?? [])
  const set = found.length === 0 ? [] : indexSet(found)
  const isDead = await isDeadAt(chain, indexIds, committedAt)
  const signatures = await new ShownSignatures(chain).at(committedAt)
  const sketch = await sketchOf(chain, terms, { request, prompt, output }, committedAt, queries)
  const none = new Uint32Array()
  const attribution = attributeV2(set, isDead ? none : output, {
    ...{ prompt: isDead ? none : prompt, signatureOf: (contribId) => signatures.get(contribId) },
    sketch: sketch && { rows: sketch.table.rows, query: sketch.query },
    trainedOn: trainingTokens(trainedOn),
  })
  return { terms, set, isDead, signatures, sketch, attribution }
}

async function sketchOf(
  chain: ChainAccess,
  terms: ModelTerms,
  { request, prompt, output }: Pick<BatchReceipt, 'request' | 'prompt' | 'output'>,
  committedAt: bigint,
  queries: QueryMaker,
): Promise<AttributedV2['sketch']> {
  const source = await sketchSource(new SketchTables(chain), terms, request, committedAt)
  if (source === undefined) return undefined
  try {
    return queries.sketch(source, { prompt, output })
  } catch (cause) {
    if (!(cause instanceof IndexError) || cause.code !== 'no-file') throw cause
    throw new UsageError(`INCOMPLETE: ${cause.message}; look at --models`, { cause })
  }
}
