import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { attribute, indexSet } from '../../attribution/suffix/attribute.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { JobError } from '../jobs/job-error.ts'

/** Indexes at hand, by id. */
export type Indexes = { readonly get: (id: Hex) => SuffixIndex | undefined }

/** Throws JobError `unknown-model` for a model whose answers cannot be attributed here: without its indexes nothing is signed. */
export function requireIndexes({ indexIds, trainedOn }: ModelTerms, indexes: Indexes): void {
  const missing = indexIds.filter((id) => indexes.get(id) === undefined)
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
export function contributionsOf(terms: ModelTerms, indexes: Indexes, output: Uint32Array): Contribution[] {
  requireIndexes(terms, indexes)
  const { indexIds, trainedOn } = terms
  if (indexIds.length === 0) return byTraining(trainedOn)
  const set = indexIds.flatMap((id) => indexes.get(id) ?? [])
  const { shares, evidenceHash } = attribute(indexSet(set), output)
  return shares.map(({ class: letter, id, weight }) => ({
    class: entryClasses[letter],
    id,
    weight: BigInt(weight),
    evidenceHash,
  }))
}

function byTraining(trainedOn: ModelTerms['trainedOn']): Contribution[] {
  const sorted = [...trainedOn].sort((a, b) => (a.datanet < b.datanet ? -1 : 1))
  const weights = largestRemainder(
    sorted.map(({ weightBps }) => BigInt(weightBps)),
    weightTotal,
  )
  const entries = sorted.map(({ datanet }, i) => ({
    ...{ class: entryClasses.U, id: datanet, weight: BigInt(weights[i] ?? 0), evidenceHash: zeroHash },
  }))
  return entries.filter(({ weight }) => weight > 0n)
}
