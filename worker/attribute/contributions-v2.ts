import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { type InfluenceFiles, tableRetryMs } from '../../attribution/influences/influence-files.ts'
import type { SketchSource } from '../../attribution/influences/query-maker.ts'
import { trainingTokens } from '../../attribution/suffix/shares.ts'
import type { ShownSignatures } from '../../chain/indexes/shown-signatures.ts'
import { type SketchTables, sketchKey } from '../../chain/indexes/sketch-tables.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { JobError } from '../jobs/job-error.ts'
import { byTraining, requireIndexes } from './contributions.ts'

export type SourcesV2 = {
  readonly indexes: Pick<IndexFolder, 'place'>
  readonly influences: Pick<InfluenceFiles, 'has' | 'want'>
  readonly spans: Pick<SpanThread, 'attributeV2'>
  readonly signatures: Pick<ShownSignatures, 'at'>
  readonly tables: Pick<SketchTables, 'at'>
}

/** An answer, and when its batch is committed, Unix seconds. */
export type AnswerV2 = {
  readonly request: Pick<InferenceRequest, 'modelVersion' | 'adapters'>
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  /** Whether an index of the set counts for nothing then. */
  readonly isDead: boolean
  readonly time: bigint
}

/**
 * What an answer's contributors' pool goes to under algoHash v2. Throws JobError `unknown-model` where an index, or the table of
 * influences in force or what it is of, is not here: the answer waits for it.
 */
export async function contributionsV2(
  terms: ModelTerms,
  answer: AnswerV2,
  sources: SourcesV2,
): Promise<Contribution[]> {
  requireIndexes(terms, sources.indexes)
  const attributed = await attributedV2(terms, answer, sources)
  if (attributed === undefined) return byTraining(terms.trainedOn)
  const { shares, evidenceHash } = attributed
  return shares.map(({ class: letter, id, weight }) => ({
    ...{ class: entryClasses[letter], id, weight: BigInt(weight), evidenceHash },
  }))
}

/** Undefined of a model without indexes and without a table in force. Throws as {@link contributionsV2}. */
export async function attributedV2(terms: ModelTerms, answer: AnswerV2, sources: SourcesV2) {
  const { indexIds, trainedOn } = terms
  const { request, prompt, output, isDead, time } = answer
  const sketched = await sketchedBy(terms, request, time, sources)
  if (indexIds.length === 0 && sketched === undefined) return undefined
  const signatures = await sources.signatures.at(time)
  const question = { ids: indexIds, output, prompt, isDead, signatures, sketched, trainedOn: trainingTokens(trainedOn) }
  try {
    return await sources.spans.attributeV2(question)
  } catch (error) {
    if (!(error instanceof IndexError) || error.code !== 'no-file') throw error
    throw new JobError('unknown-model', error.message)
  }
}

/** By which table class G of a request is computed; undefined where none is in force. Throws JobError `unknown-model` for one not here. */
export async function sketchedBy(
  { root: model }: Pick<ModelTerms, 'root'>,
  { modelVersion, adapters }: AnswerV2['request'],
  time: bigint,
  { tables, influences }: Pick<SourcesV2, 'tables' | 'influences'>,
): Promise<SketchSource | undefined> {
  const key = sketchKey(modelVersion, adapters)
  const table = key === undefined ? undefined : (await tables.at(time)).get(key)
  if (table === undefined) return undefined
  const { root, adapterRoot, size, rows } = table
  if (influences.has(root)) return { model, adapter: adapterRoot, table: root, size, rows }
  influences.want(root)
  const message = `the table of influences ${root} of the model is not here`
  throw new JobError('unknown-model', message, { retryAfterMs: tableRetryMs })
}
