import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { type ShownSignatures, sketchedAt, sketchKey } from '../../chain/indexes/shown-signatures.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { JobError } from '../jobs/job-error.ts'
import { byTraining, requireIndexes } from './contributions.ts'

export type SourcesV2 = {
  readonly rpc: L2Rpc
  readonly indexes: Pick<IndexFolder, 'place'>
  readonly spans: Pick<SpanThread, 'attributeV2'>
  readonly signatures: Pick<ShownSignatures, 'at'>
}

/** An answer, and when its batch is committed, Unix seconds. */
export type AnswerV2 = {
  readonly request: InferenceRequest
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  /** Whether an index of the set counts for nothing then. */
  readonly isDead: boolean
  readonly time: bigint
}

/**
 * What an answer's contributors' pool goes to under algoHash v2. Throws JobError `unknown-model` where a table of influences is in
 * force, which this worker does not attribute by, or an index is not here.
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

/** Undefined of a model without indexes. */
export async function attributedV2(
  { indexIds }: ModelTerms,
  { request, prompt, output, isDead, time }: AnswerV2,
  { rpc, spans, signatures }: SourcesV2,
) {
  const key = sketchKey(request.modelVersion, request.adapters)
  if (key !== undefined && (await sketchedAt(rpc, time)).has(key)) {
    throw new JobError('unknown-model', 'answers of the model are attributed by a table of influences too')
  }
  if (indexIds.length === 0) return undefined
  return await spans.attributeV2({ ids: indexIds, output, prompt, isDead, signatures: await signatures.at(time) })
}
