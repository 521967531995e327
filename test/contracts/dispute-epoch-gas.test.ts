import { beforeAll, expect, test } from 'vitest'
import { bytesToHex, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { type Credit, creditRow, type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import { openedEntry, openedReceipt } from '../fakes/dispute-arguments.ts'
import { answerTerms, type Committed, commit, honestDrafts } from '../fakes/dispute-batch.ts'
import { creditCut, openedCredit, openedPayout, type Proposed, parentCut } from '../fakes/dispute-epoch.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { at, ProvenTree } from '../fakes/proven-tree.ts'

/** Of a whole transaction. */
const challengeGasMax = 1_000_000n
/** Epochs of a million credits and more have eight levels more than this one; each opening pays for every level. */
const leaves = 2 ** 14 - 1
const moreLevels = 8n
/** A sibling's calldata at EIP-7623's rate, 48 bytes of 40 gas, and its hash. */
const levelGas = 48n * 40n + 900n
/** What reverting an epoch takes, which is answered here: its record, two sendings and a burn. */
const revertGas = 150_000n

let world: DisputeWorld
let batch: Committed
let epoch: Proposed

/** Payees in order, without zero bytes. */
const payee = (i: number): Hex =>
  bytesToHex(uintBytes(BigInt(`0x11${'7b'.repeat(16)}000000`) + BigInt(257 * i + 0x111111), 20))

beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  const [worker, payer] = [world.chain.actor('worker'), world.chain.actor('payer')]
  batch = await commit(world, worker.address, honestDrafts(worker, [{ payer, tin: 99, tout: 99 }], world.chain.now))
  await world.answer('receiptsThrough', [4n], 1_000_000n)
  await world.answer('receiptsThrough', [5n], 1_000_001n)
  const amount = 0x7faaaaaaaaaaaaan
  const credits = Array.from({ length: leaves }, (_, i): Credit => ({ payee: payee(i), receipt: 0, entry: 3, amount }))
  const payouts = Array.from({ length: leaves }, (_, i): Payout => ({ payee: payee(i), cumulative: 3n * amount }))
  const creditsTree = new ProvenTree(
    credits.map((credit, i) => creditRow(i, credit)),
    [creditRow(leaves, at(credits, 0))],
  )
  const payoutsTree = new ProvenTree(
    payouts.map((payout, i) => payoutRow(i, payout)),
    [payoutRow(leaves, at(payouts, 0))],
  )
  const header = {
    epoch: 3n,
    parentRoot: new ProvenTree(payouts.map((payout, i) => payoutRow(i, payout))).root,
    firstBatch: 5n,
    lastBatch: 5n,
    creditsRoot: creditsTree.root,
    creditsSum: at(creditsTree.sums, 0),
    creditsCount: leaves,
    payoutRoot: payoutsTree.root,
    payoutSum: at(payoutsTree.sums, 0),
    payoutCount: leaves,
    dataHash: payee(1).padEnd(66, '7') as Hex,
    algoHash: payee(1).padEnd(66, '7') as Hex,
  }
  const totals = { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n }
  const record = { header, proposer: payee(0), proposedAt: 1n, bond: 10n ** 18n, totals }
  const draft = { credits, payouts, hiddenCredits: [], hiddenPayouts: [] }
  const source = { firstBatch: 5n, lastBatch: 5n, receipts: [{ batch, index: 0, isVoid: false }], before: payouts }
  epoch = { source, draft, record, creditsTree, payoutsTree }
}, 60_000)

const middle = leaves >> 1

/** Each challenge with the number of leaves it opens. */
const challenges: readonly (readonly [string, bigint, () => readonly unknown[]])[] = [
  ['badAmount', 1n, () => [openedCredit(epoch, middle), openedReceipt(batch, 0), openedEntry(at(batch.drafts, 0), 3)]],
  [
    'badCumulative',
    7n,
    () => {
      const { payee: who } = at(epoch.draft.payouts, middle)
      const cuts = [creditCut(epoch, (each) => each >= who), creditCut(epoch, (each) => each > who)]
      return [openedPayout(epoch, middle), parentCut(epoch.source.before, who), ...cuts]
    },
  ],
  [
    'badCreditsTotal',
    1n,
    () => {
      const { hash, sums } = epoch.creditsTree.row(leaves - 1)
      return [hash, at(sums, 0), epoch.creditsTree.siblings(leaves - 1)]
    },
  ],
]

test.each(challenges)('%s takes at most 1,000,000 gas of millions of leaves', async (name, openings, args) => {
  const { gas } = await world.challenge(name, [epoch.record, ...args()])
  expect(gas + openings * moreLevels * levelGas + revertGas).toBeLessThanOrEqual(challengeGasMax)
})

test('a receipt of the largest batch adds what the gas of badAmount leaves room for', async () => {
  const { gas } = await world.challenge('badAmount', [epoch.record, ...at(challenges, 0)[2]()])
  /** Sixteen levels of receipts, 192 bytes a sibling, and seven of entries, 96 bytes. */
  const deeper = 16n * (192n * 40n + 900n) + 7n * (96n * 40n + 900n)
  expect(gas + moreLevels * levelGas + deeper + revertGas).toBeLessThanOrEqual(challengeGasMax)
})
