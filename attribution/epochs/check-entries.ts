import { entryClasses, payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroAddress } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyKinds, royaltyWeight } from '../../protocol/royalty-vector.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { BatchEntry } from './batch-rows.ts'
import { joined, weightSums } from './batch-trees.ts'
import { challenge, demand, type Verdict } from './challenge.ts'
import type { Wanted } from './demand-order.ts'
import { u128At, viewOf } from './epoch-rows.ts'
import type { KnownBatch, KnownEntries, KnownEntry, KnownReceipt } from './known-batch.ts'
import { sumsBeside } from './partial-tree.ts'

/** Shares of a receipt that its entries draw on, by their places in its sums: model, worker, builder, contributors. */
const shares = [5, 7, 8, 9] as const
const [modelPool, workerPool, builderPool, contributorsPool] = [0, 1, 2, 3] as const

/**
 * What contracts/src/ol/EntryJudge.sol would find wrong with the entries of receipt `i`, which is right else; where some are
 * not known, those. Whether a text deserves its entry is not judged here.
 */
export async function checkEntries(
  batch: KnownBatch,
  i: number,
  one: KnownReceipt,
  facts: BatchFacts,
): Promise<Verdict | readonly Wanted[]> {
  const entries = batch.entries(i, one.receipt)
  const wrong = (name: string, ...evidence: readonly unknown[]) =>
    challenge(name, batch.openReceipt(i), batch.segments, ...evidence)
  const top = entries.tree.top
  if (entries.miscounted !== undefined)
    return wrong('badPools', ...poolsOf(entries.miscounted.count, entries.miscounted.top))
  if (top !== undefined && !poolsRight(weightsOf(top), one.sums))
    return wrong('badPools', ...poolsOf(entries.tree.count, top))
  const hidden = hiddenWeight(entries)
  if (hidden !== undefined) return wrong('badEntryTotal', ...hidden)
  for (let k = 0; k < entries.tree.count; k++) {
    const at = entries.at(k)
    if (at === undefined) continue
    const before = k > 0 ? entries.at(k - 1) : undefined
    if (before !== undefined && orderOf(before.entry) >= orderOf(at.entry)) {
      return wrong('badEntryOrder', entries.open(k - 1), entries.open(k))
    }
    const fault = await entryFault(at, batch.header, one, facts)
    if (fault !== undefined) return wrong(fault.name, entries.open(k), ...fault.evidence)
  }
  return wantedEntries(batch, i, entries, one.receipt.attrRoot)
}

/** The demands for all entries of receipt `i` that nobody has shown. */
export function wantedEntries(batch: KnownBatch, i: number, entries: KnownEntries, attrRoot: Hex): Wanted[] {
  const { tree } = entries
  const wanted: Wanted[] = []
  for (let k = 0; k < tree.count; k++) {
    if (entries.at(k) !== undefined) continue
    wanted.push({
      leaf: { kind: 'entry', root: attrRoot, count: tree.count, index: k },
      distance: tree.seenHeight(k) / (tree.depth + 1),
      ask: () => demand('requestEntry', batch.openReceipt(i), k),
    })
  }
  return wanted
}

/** Arguments of `badEntryTotal` where rows behind the last entry weigh something. */
function hiddenWeight({ tree }: KnownEntries): readonly unknown[] | undefined {
  const last = tree.opened(tree.count - 1)
  if (last === undefined || sumsBeside(last, tree.count - 1, 'behind', shares.length).every((sum) => sum === 0n)) {
    return undefined
  }
  return [tree.count, bytesToHex(last.row.subarray(0, 32)), weightsOf(last.row), joined(last.siblings)]
}

/** Which challenge shows an entry wrong, and with what beside the entry. */
async function entryFault(
  at: KnownEntry,
  { worker, committedAt }: BatchHeader,
  { receipt, request }: KnownReceipt,
  facts: BatchFacts,
): Promise<{ readonly name: string; readonly evidence: readonly unknown[] } | undefined> {
  const { entry } = at
  if (!(await entryRight(at, worker, committedAt, facts))) return { name: 'badEntry', evidence: [] }
  if (entry.class === entryClasses.A && entry.payee !== (await facts.codePayee(request.appCode, committedAt))) {
    return { name: 'badAppEntry', evidence: [openedRequest(request)] }
  }
  if (entry.class === entryClasses.M) {
    const rows = await facts.royaltyRows(receipt.royaltyHash)
    const row = rows[Number(entry.id)]
    if (row === undefined || !(await royaltyRight(entry, row, committedAt, facts))) {
      return { name: 'badRoyaltyEntry', evidence: [rows] }
    }
  }
  return undefined
}

/** Count, weights and hash that a root commits to. */
function poolsOf(count: number, top: Uint8Array): readonly unknown[] {
  return [count, weightsOf(top), bytesToHex(top.subarray(0, 32))]
}

/** Weights by pool in a row of the tree. */
function weightsOf(row: Uint8Array): bigint[] {
  const view = viewOf(row)
  return shares.map((_, pool) => u128At(view, 32 + 16 * pool))
}

/** Each pool's weights add up to the whole, or to nothing where the pool may be absent. */
function poolsRight(weights: readonly bigint[], sums: readonly bigint[]): boolean {
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
  { entry: { payee, id, class: kind, weight }, sums }: KnownEntry,
  worker: Hex,
  committedAt: bigint,
  facts: BatchFacts,
): Promise<boolean> {
  const due = weightSums(kind, weight)
  if (weight === 0n || sums.some((sum, pool) => sum !== due[pool])) return false
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
