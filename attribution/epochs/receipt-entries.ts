import { type EntryClass, entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { type FeeParts, weightTotal } from '../../protocol/fee.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { royaltyKinds, royaltyWeight } from '../../protocol/royalty-vector.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { BatchEntry } from './batch-rows.ts'
import { ReceiptError } from './receipt-error.ts'

/** What the contributors' pool of a receipt goes to; the payees follow from the chain. */
export type Contribution = Pick<BatchEntry, 'id' | 'class' | 'weight' | 'evidenceHash'>

/** All of the contributors' pool to a Datanet's unit holders. */
export function unitsOf(datanet: bigint): Contribution {
  return { class: entryClasses.U, id: datanet, weight: BigInt(weightTotal), evidenceHash: zeroHash }
}

/**
 * Entries of a receipt: the model's by its royalty vector, the worker's, the app's where there is a builder's part, and the
 * contributors'; each paid to who the chain says at `time`. docs/MONEY.md §4. Throws {@link ReceiptError} `payee`.
 */
export async function receiptEntries(
  { worker, royaltyHash }: Pick<InferenceReceipt, 'worker' | 'royaltyHash'>,
  { appCode }: Pick<InferenceRequest, 'appCode'>,
  parts: FeeParts,
  contributions: readonly Contribution[],
  time: bigint,
  facts: BatchFacts,
): Promise<BatchEntry[]> {
  const rows = await facts.royaltyRows(royaltyHash)
  const model = rows.map(async (row, i) => {
    const payee = row.kind === royaltyKinds.address ? row.id : await facts.modelPayee(BigInt(row.id), time)
    return entryOf(entryClasses.M, BigInt(i), payee, BigInt(royaltyWeight(row)))
  })
  const whole = BigInt(weightTotal)
  const app = parts.builder === 0n ? [] : [entryOf(entryClasses.A, 0n, await facts.codePayee(appCode, time), whole)]
  const contributors = contributions.map(async (each) => ({ ...each, payee: await payeeOf(each, time, facts) }))
  return [
    ...(await Promise.all(model)),
    entryOf(entryClasses.W, 0n, worker, whole),
    ...app,
    ...(await Promise.all(contributors)),
  ]
}

async function payeeOf({ class: kind, id }: Contribution, time: bigint, facts: BatchFacts): Promise<Hex> {
  if (kind === entryClasses.U) return poolPayee(payeePools.units, id)
  const payee = await facts.contributionPayee(id, time)
  if (payee === zeroAddress) throw new ReceiptError('payee', `there is no contribution ${id}`)
  return payee
}

function entryOf(kind: EntryClass, id: bigint, payee: Hex, weight: bigint): BatchEntry {
  return { payee, id, class: kind, evidenceHash: zeroHash, weight }
}
