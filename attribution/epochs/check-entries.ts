import { entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroAddress } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyKinds, royaltyWeight } from '../../protocol/royalty-vector.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { BatchEntry, BatchReceipt } from './batch-rows.ts'
import { entryTree, type OpenBatch } from './batch-trees.ts'
import { challenge, demand, type Verdict } from './challenge.ts'
import { u128At, viewOf } from './epoch-rows.ts'
import type { RowTree } from './row-tree.ts'

/** Shares of a receipt that its entries draw on, by their places in its sums: model, worker, builder, contributors. */
const shares = [5, 7, 8, 9] as const
const [modelPool, workerPool, builderPool, contributorsPool] = [0, 1, 2, 3] as const

/**
 * What contracts/src/ol/EntryJudge.sol would find wrong with the entries of receipt `i`, which is right else. Whether a text
 * deserves its entry is not judged here.
 */
export async function checkEntries(
  batch: OpenBatch,
  segments: readonly Segment[],
  i: number,
  facts: BatchFacts,
): Promise<Verdict | undefined> {
  const one = batch.receipt(i)
  const { receipt, request, entries } = one
  const wrong = (name: string, ...evidence: readonly unknown[]) =>
    challenge(name, batch.openReceipt(i), segments, ...evidence)
  const tree = entries.length === 0 ? undefined : entryTree(batch.entryRows(i))
  if (tree === undefined || bytesToHex(tree.root) !== receipt.attrRoot) {
    return demand('requestEntry', batch.openReceipt(i), receipt.attrEntries - 1)
  }
  const weights = weightsOf(tree)
  if (tree.count !== receipt.attrEntries || !poolsRight(weights, one)) {
    return wrong('badPools', tree.count, weights, bytesToHex(tree.top.subarray(0, 32)))
  }
  for (const [k, entry] of entries.entries()) {
    const before = entries[k - 1]
    if (before !== undefined && orderOf(before) >= orderOf(entry)) {
      return wrong('badEntryOrder', batch.openEntry(i, k - 1), batch.openEntry(i, k))
    }
    const { worker, committedAt } = batch.header
    if (!(await entryRight(entry, worker, committedAt, facts))) return wrong('badEntry', batch.openEntry(i, k))
    if (entry.class === entryClasses.A && entry.payee !== (await facts.codePayee(request.appCode, committedAt))) {
      return wrong('badAppEntry', batch.openEntry(i, k), openedRequest(request))
    }
    if (entry.class === entryClasses.M) {
      const rows = await facts.royaltyRows(receipt.royaltyHash)
      const row = rows[Number(entry.id)]
      if (row === undefined || !(await royaltyRight(entry, row, committedAt, facts))) {
        return wrong('badRoyaltyEntry', batch.openEntry(i, k), rows)
      }
    }
  }
  return undefined
}

function weightsOf(tree: RowTree): bigint[] {
  const totals = viewOf(tree.totals)
  return shares.map((_, pool) => u128At(totals, 16 * pool))
}

/** Each pool's weights add up to the whole, or to nothing where the pool may be absent. */
function poolsRight(weights: readonly bigint[], { sums }: BatchReceipt): boolean {
  const whole = BigInt(weightTotal)
  const share = (pool: 0 | 1 | 2 | 3) => sums[shares[pool]] ?? 0n
  const wholeOrNone = (pool: 0 | 1) => weights[pool] === whole || (weights[pool] === 0n && share(pool) === 0n)
  return (
    wholeOrNone(modelPool) &&
    wholeOrNone(workerPool) &&
    weights[builderPool] === (share(builderPool) > 0n ? whole : 0n) &&
    weights[contributorsPool] === whole
  )
}

/** Its class is known, it weighs something, and it pays who its class and id say; of M and A only what needs no more. */
async function entryRight(
  { payee, id, class: kind, weight }: BatchEntry,
  worker: Hex,
  committedAt: bigint,
  facts: BatchFacts,
): Promise<boolean> {
  if (weight === 0n) return false
  switch (kind) {
    case entryClasses.M:
      return true
    case entryClasses.A:
      return id === 0n
    case entryClasses.W:
      return id === 0n && payee === worker
    case entryClasses.U:
      return id > 0n && id <= (await facts.datanets()) && payee === poolPayee(payeePools.units, id)
    case entryClasses.S:
    case entryClasses.G:
    case entryClasses.R: {
      const payout = await facts.contributionPayee(id, committedAt)
      return payout !== zeroAddress && payee === payout
    }
    default:
      return false
  }
}

async function royaltyRight(
  { payee, weight }: BatchEntry,
  row: RoyaltyRow,
  committedAt: bigint,
  facts: BatchFacts,
): Promise<boolean> {
  if (weight !== BigInt(royaltyWeight(row))) return false
  return payee === (row.kind === royaltyKinds.address ? row.id : await facts.modelPayee(BigInt(row.id), committedAt))
}

/** Entries ascend by class, then id. */
function orderOf({ class: kind, id }: BatchEntry): bigint {
  return (BigInt(kind) << 64n) | id
}
