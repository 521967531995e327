import { entryPools, poolOf, weightsOf } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { amountOf, receiptSumNames } from '../../protocol/fee.ts'
import { type Credit, creditRow, type EpochHeader, type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import { type Challenge, openedEntry, openedReceipt } from './dispute-arguments.ts'
import type { Committed } from './dispute-batch.ts'
import type { DisputeWorld } from './dispute-world.ts'
import { at, ProvenTree } from './proven-tree.ts'

/** A receipt of an epoch, by its number. */
export type Numbered = { readonly batch: Committed; readonly index: number; readonly isVoid: boolean }

/** What an epoch is built of. */
export type EpochSource = {
  readonly firstBatch: bigint
  readonly lastBatch: bigint
  readonly receipts: readonly Numbered[]
  readonly before: readonly Payout[]
}

/** What an epoch commits to, to be changed before it is proposed. */
export type EpochDraft = {
  readonly credits: Credit[]
  readonly payouts: Payout[]
  hiddenCredits: Uint8Array[]
  hiddenPayouts: Uint8Array[]
}

export type Proposed = {
  readonly source: EpochSource
  readonly draft: EpochDraft
  readonly record: { readonly header: EpochHeader } & Readonly<Record<string, unknown>>
  readonly creditsTree: ProvenTree
  readonly payoutsTree: ProvenTree
}

const sumOf = (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n)
const byPayee = <T extends { readonly payee: Hex }>(a: T, b: T) => (a.payee < b.payee ? -1 : a.payee > b.payee ? 1 : 0)

/** The canonical epoch. MONEY §6. */
export function honestEpoch({ receipts, before }: EpochSource): EpochDraft {
  const credits = receipts.flatMap(({ batch, index, isVoid }, receipt): Credit[] => {
    const { entries, sums } = at(batch.drafts, index)
    if (isVoid) return []
    return entries.map(({ payee, class: cls, weight }, entry) => {
      const pool = poolOf(cls)
      const share = at(sums, receiptSumNames.indexOf(pool))
      return { payee, receipt, entry, amount: amountOf(share, weight, weightsOf(entries, pool)) }
    })
  })
  credits.sort((a, b) => byPayee(a, b) || a.receipt - b.receipt || a.entry - b.entry)
  const cumulative = new Map(before.map((payout) => [payout.payee, payout.cumulative]))
  for (const { payee, amount } of credits) cumulative.set(payee, (cumulative.get(payee) ?? 0n) + amount)
  const payouts = [...cumulative].map(([payee, sum]): Payout => ({ payee, cumulative: sum })).sort(byPayee)
  return { credits, payouts, hiddenCredits: [], hiddenPayouts: [] }
}

/** The epoch as it would be proposed; undefined where the ledger refuses it. MONEY §6, "Checked at proposal". */
export function propose(source: EpochSource, draft: EpochDraft, bond = 10n ** 18n): Proposed | undefined {
  const { receipts, before, firstBatch, lastBatch } = source
  const live = receipts.filter(({ isVoid }) => !isVoid).map(({ batch, index }) => at(batch.drafts, index))
  const creditsTree = new ProvenTree(
    draft.credits.map((credit, i) => creditRow(i, credit)),
    draft.hiddenCredits,
  )
  const payoutsTree = new ProvenTree(
    draft.payouts.map((payout, i) => payoutRow(i, payout)),
    draft.hiddenPayouts,
  )
  const [creditsSum, payoutSum] = [at(creditsTree.sums, 0), at(payoutsTree.sums, 0)]
  const pools = entryPools.map((name) => receiptSumNames.indexOf(name))
  const pool = sumOf(live.flatMap(({ sums }) => pools.map((place) => at(sums, place))))
  const refused =
    draft.credits.length !== live.reduce((sum, { entries }) => sum + entries.length, 0) ||
    payoutSum !== sumOf(before.map(({ cumulative }) => cumulative)) + creditsSum ||
    creditsSum > pool
  if (refused) return undefined
  const header: EpochHeader = {
    epoch: 3n,
    parentRoot: before.length === 0 ? zeroHash : parentTree(before).root,
    firstBatch,
    lastBatch,
    creditsRoot: creditsTree.root,
    creditsSum,
    creditsCount: draft.credits.length,
    payoutRoot: payoutsTree.root,
    payoutSum,
    payoutCount: draft.payouts.length,
    dataHash: zeroHash,
    algoHash: zeroHash,
  }
  const totals = { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n }
  const record = { header, proposer: `0x${'9'.repeat(40)}`, proposedAt: 1n, bond, totals }
  return { source, draft, record, creditsTree, payoutsTree }
}

/** Has the market number the receipts and know which are void. `ids`: batches in order, of no receipts where void. */
export async function mature(
  world: DisputeWorld,
  batches: readonly { readonly batch: Committed; readonly voids: readonly number[] | 'all' }[],
  firstReceipt: bigint,
): Promise<Numbered[]> {
  const receipts: Numbered[] = []
  const first = batches[0]?.batch.header.batchId ?? 1n
  await world.answer('receiptsThrough', [first - 1n], firstReceipt)
  for (const { batch, voids } of batches) {
    const { batchId, count } = batch.header
    for (let index = 0; index < count && voids !== 'all'; index++) {
      const isVoid = voids.includes(index)
      receipts.push({ batch, index, isVoid })
      if (isVoid) await world.answer('isVoid', [batchId, index], true)
    }
    await world.answer('receiptsThrough', [batchId], firstReceipt + BigInt(receipts.length))
  }
  return receipts
}

// --- Arguments of challenges ---

export function openedCredit({ draft, creditsTree }: Proposed, index: number) {
  return { credit: { index, ...at(draft.credits, index) }, siblings: creditsTree.siblings(index) }
}

export function openedPayout({ draft, payoutsTree }: Proposed, index: number) {
  return { payout: { index, ...at(draft.payouts, index) }, siblings: payoutsTree.siblings(index) }
}

/** Every challenge that can be put to an epoch whose credits and payouts are known. */
export function challengesOfEpoch(epoch: Proposed): Challenge[] {
  const { credits, payouts } = epoch.draft
  const list: (readonly [string, ...unknown[]])[] = [
    ...credits.flatMap((_, k) => challengesOfCredit(epoch, k)),
    ...payouts.flatMap((_, k) => challengesOfPayout(epoch, k)),
    ['badCreditsTotal', ...lastRow(epoch.creditsTree)],
    ['badPayoutsTotal', ...lastRow(epoch.payoutsTree)],
  ]
  return list.map(([name, ...args]) => ({ judge: 'EpochJudge', name, args: [epoch.record, ...args] }))
}

function challengesOfCredit(epoch: Proposed, k: number): (readonly [string, ...unknown[]])[] {
  const { receipt: number, entry } = at(epoch.draft.credits, k)
  const credit = openedCredit(epoch, k)
  const receipt = epoch.source.receipts[number]
  const list: (readonly [string, ...unknown[]])[] = [['badCreditReceipt', credit]]
  if (k + 1 < epoch.draft.credits.length) list.push(['creditsUnsorted', credit, openedCredit(epoch, k + 1)])
  if (receipt === undefined) return list
  const { batch, index } = receipt
  const opened = openedReceipt(batch, index)
  const draft = at(batch.drafts, index)
  list.push(['badVoidCredit', credit, batch.header.batchId], ['badCreditEntry', credit, opened])
  if (entry < draft.entries.length) list.push(['badAmount', credit, opened, openedEntry(draft, entry)])
  return list
}

function challengesOfPayout(epoch: Proposed, k: number): (readonly [string, ...unknown[]])[] {
  const payout = openedPayout(epoch, k)
  const { payee } = payout.payout
  const [lower, upper] = [creditCut(epoch, (each) => each >= payee), creditCut(epoch, (each) => each > payee)]
  const list: (readonly [string, ...unknown[]])[] = [
    ['badCumulative', payout, parentCut(epoch.source.before, payee), lower, upper],
  ]
  if (k + 1 < epoch.draft.payouts.length) list.push(['payoutUnsorted', payout, openedPayout(epoch, k + 1)])
  return list
}

const nobody: Hex = `0x${'0'.repeat(40)}`
const noCredit = { credit: { index: 0, payee: nobody, receipt: 0, entry: 0, amount: 0n }, siblings: '0x' }
const noPayout = { payout: { index: 0, payee: nobody, cumulative: 0n }, siblings: '0x' }

/** The cut before the first credit of a payee that is `behind`. */
export function creditCut(epoch: Proposed, behind: (payee: Hex) => boolean) {
  const { credits } = epoch.draft
  const found = credits.findIndex(({ payee }) => behind(payee))
  const place = found === -1 ? credits.length : found
  return {
    at: place,
    before: place > 0 ? openedCredit(epoch, place - 1) : noCredit,
    behind: place < credits.length ? openedCredit(epoch, place) : noCredit,
  }
}

/** Where a payee stands, or would, among the parent's payouts. */
export function parentCut(before: readonly Payout[], payee: Hex) {
  if (before.length === 0) return { n: 0, at: 0, before: noPayout, behind: noPayout }
  const tree = parentTree(before)
  const found = before.findIndex((payout) => payout.payee >= payee)
  const place = found === -1 ? before.length : found
  const opened = (index: number) => ({ payout: { index, ...at(before, index) }, siblings: tree.siblings(index) })
  return {
    n: before.length,
    at: place,
    before: place > 0 ? opened(place - 1) : noPayout,
    behind: place < before.length ? opened(place) : noPayout,
  }
}

function parentTree(before: readonly Payout[]): ProvenTree {
  return new ProvenTree(before.map((payout, i) => payoutRow(i, payout)))
}

function lastRow(tree: ProvenTree): [Hex, bigint, Hex] {
  const { hash, sums } = tree.row(tree.count - 1)
  return [hash, at(sums, 0), tree.siblings(tree.count - 1)]
}
