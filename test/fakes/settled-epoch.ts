import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BuiltEpoch, buildEpoch } from '../../attribution/epochs/build-epoch.ts'
import { noEpoch as noParent } from '../../attribution/epochs/epoch-task.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { type EpochRecord, noEpoch, type Totals } from '../../protocol/epoch-record.ts'
import type { LedgerChain } from './ledger-chain.ts'
import { clocks } from './money-chain.ts'

/** A batch with its file and the numbers of its void receipts. */
export type SettledBatch = { readonly batchId: bigint; readonly file: Uint8Array; readonly voided: readonly number[] }

/** Makes the first epoch of a chain final: the honest one of mature batches, the last included. */
export async function settleFirstEpoch(
  chain: LedgerChain,
  batches: readonly SettledBatch[],
  algoHash: Hex = algoHashV1,
): Promise<BuiltEpoch> {
  const attributor = chain.actor('attributor')
  const epoch = buildEpoch({
    epoch: 1n,
    parent: noParent,
    lastBatch: batches.at(-1)?.batchId ?? 0n,
    batches: batches.map(({ batchId, file, voided }) => ({ batchId, file: decodeBatchFile(file), voided })),
    algoHash,
  })
  const bond = (await chain.read('AttributionLedger', 'requiredBond', [epoch.header.creditsSum])) as bigint
  const tops = [epoch.credits, epoch.payouts].map(({ top }) => bytesToHex(top.subarray(0, 32)))
  const value = bond * 2n
  await chain.send(attributor, 'AttributionLedger', 'proposeEpoch', [epoch.header, ...tops, noEpoch], { value })
  const [, totals] = (await chain.read('InferenceMarket', 'maturedTotals')) as [bigint, Totals]
  const proposedAt = chain.chain.latest().header.timestamp
  const record: EpochRecord = { header: epoch.header, proposer: attributor.address, proposedAt, bond: value, totals }
  chain.advance(clocks.window)
  await chain.send(attributor, 'AttributionLedger', 'finalizeEpoch', [record, noEpoch])
  return epoch
}
