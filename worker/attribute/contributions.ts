import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { SpanThread } from '../../attribution/indexes/span-thread.ts'
import type { Attribution } from '../../attribution/suffix/attribute.ts'
import { sharesOf, trainingTokens } from '../../attribution/suffix/shares.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { JobError } from '../jobs/job-error.ts'

/** Tells which indexes are at hand. */
export type Indexes = Pick<IndexFolder, 'place'>
/** Attributes beside the worker's other work. */
export type Spans = Pick<SpanThread, 'attribute'>

/** Throws JobError `unknown-model` for a model whose answers cannot be attributed here: without its indexes nothing is signed. */
export function requireIndexes({ indexIds, trainedOn }: ModelTerms, indexes: Indexes): void {
  const missing = indexIds.filter((id) => indexes.place(id) === undefined)
  if (missing.length > 0) throw new JobError('unknown-model', `the index ${missing[0]} of the model is not here`)
  if (indexIds.length === 0 && trainedOn.length === 0) {
    throw new JobError(
      'unknown-model',
      'the model names neither indexes nor Datanets: nobody could be paid for its answers',
    )
  }
}

/**
 * What the contributors' pool of an answer goes to: by the model's indexes (docs/ATTRIBUTION.md), or, of a model without, to the unit
 * holders of the Datanets that it says it was trained on, by their weights. Throws as {@link requireIndexes}.
 */
export async function contributionsOf(
  terms: ModelTerms,
  { indexes, spans }: { readonly indexes: Indexes; readonly spans: Spans },
  output: Uint32Array,
): Promise<Contribution[]> {
  requireIndexes(terms, indexes)
  const { indexIds, trainedOn } = terms
  return indexIds.length === 0 ? byTraining(trainedOn) : contributionsBy(await spans.attribute(indexIds, output))
}

/** The same of an answer whose model's indexes count for nothing any more: all goes to the units. */
export async function contributionsOfDead({ indexIds }: ModelTerms, spans: Spans): Promise<Contribution[]> {
  return contributionsBy(await spans.attribute(indexIds, new Uint32Array(), true))
}

function contributionsBy({ shares, evidenceHash }: Pick<Attribution, 'shares' | 'evidenceHash'>): Contribution[] {
  return shares.map(({ class: letter, id, weight }) => ({
    class: entryClasses[letter],
    id,
    weight: BigInt(weight),
    evidenceHash,
  }))
}

/** Of a model without indexes. */
export function byTraining(trainedOn: ModelTerms['trainedOn']): Contribution[] {
  return contributionsBy({ shares: sharesOf(0, [], trainingTokens(trainedOn)), evidenceHash: zeroHash })
}
