import { beforeEach, expect, test } from 'vitest'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { creditRow } from '../../protocol/payout-epoch.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { type BuiltBatch, type BuiltReceipt, batchOf, siblingsOf } from '../fakes/money-batch.ts'
import { type Actor, clocks, open } from '../fakes/money-chain.ts'
import { type CommittedBatch, MoneyWorld } from '../fakes/money-world.ts'
import { at } from '../fakes/proven-tree.ts'
import { stake } from '../fakes/standing-model.ts'

/** Of a whole transaction, with every contract that it moves. */
const challengeGasMax = 1_000_000n
const deposit = 10n * open
const staked = 1_000n * open

let world: MoneyWorld
let worker: Actor
let payer: Actor
let sponsor: Actor
let watcher: Actor
let supply: bigint

beforeEach(async () => {
  world = await MoneyWorld.create()
  ;[worker, payer, sponsor, watcher] = ['worker', 'payer', 'sponsor', 'watcher'].map((name) =>
    world.chain.actor(name),
  ) as [Actor, Actor, Actor, Actor]
  await stake(world.chain, worker, staked)
  for (const each of [payer, sponsor]) await world.deposit(each, worker, deposit)
  supply = world.chain.supply()
})

const plans = () => [payer, payer, sponsor].map((each, i) => world.plan(each, worker, 40 + i, 5))

async function commit(change: (receipts: BuiltReceipt[]) => void, spoil = (built: BuiltBatch) => built) {
  const receipts = [...world.build(worker, plans()).receipts]
  change(receipts)
  return (await world.commit(worker, spoil(batchOf(worker.address, receipts, 0, world.chain.now + 600n)))).batch
}

/** The middle receipt counts a token that it was not paid for. */
const miscount = (receipts: BuiltReceipt[]) => {
  const one = at(receipts, 1)
  receipts[1] = { ...one, receipt: { ...one.receipt, tin: one.receipt.tin + 1 } }
}

const accuse = async (batch: CommittedBatch, index = 1) =>
  await world.chain.send(watcher, 'DisputeGame', 'badReceipt', [
    world.openedReceipt(batch, index),
    batch.built.segments,
  ])
const refusal = async (batch: CommittedBatch, index = 1) =>
  (
    await world.chain.fails(watcher, 'DisputeGame', 'badReceipt', [
      world.openedReceipt(batch, index),
      batch.built.segments,
    ])
  ).error
const stakeOf = async () => await world.chain.read('WorkerRegistry', 'stakeOf', [worker.address])
const balanceOf = async (channel: Hex) =>
  ((await world.chain.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }).balance
const subjectIn = (events: readonly { readonly args: Readonly<Record<string, unknown>> }[]) =>
  events.find(({ args }) => args['subject'] !== undefined)?.args['subject'] as Hex

test('a void receipt goes back to its payer, its worker pays for it, the watcher is rewarded', async () => {
  const batch = await commit(miscount)
  const { fee } = at(batch.built.receipts, 1).receipt
  const { channel } = at(batch.built.segments, 0)
  const { gas, events } = await accuse(batch)
  expect(gas).toBeLessThanOrEqual(challengeGasMax)
  expect(await stakeOf()).toBe(staked - fee)
  expect(await refusal(batch)).toBe('ReceiptIsVoid')
  expect(await refusal(batch, 0)).toBe('NoFault')

  const before = await balanceOf(channel)
  world.chain.advance(clocks.window)
  await world.mature([batch])
  await world.chain.send(watcher, 'InferenceMarket', 'settleRefund', [batch.header.batchId, channel])
  expect(await balanceOf(channel)).toBe(before + fee)

  world.chain.advance(102)
  const subject = subjectIn(events)
  const rich = world.chain.balance(watcher)
  await world.chain.send(watcher, 'DisputeGame', 'payReward', [subject, watcher.address])
  expect(world.chain.balance(watcher)).toBe(rich + fee / 2n)
  expect(world.chain.balance('DisputeGame')).toBe(0n)
  expect(world.chain.supply()).toBe(supply)
})

test('what is mature is settled', async () => {
  const batch = await commit(miscount)
  world.chain.advance(clocks.window)
  await world.mature([batch])
  expect(await refusal(batch)).toBe('AlreadyMature')
})

test('a receipt is void even where its fee is more than the stake that is left', async () => {
  const batch = await commit(miscount)
  await equivocate(60)
  await accuse(batch)
  expect(await stakeOf()).toBe(0n)
  expect(await world.chain.read('InferenceMarket', 'isVoid', [batch.header.batchId, 1])).toBe(true)
})

test('a batch that debits the wrong channel is void, and each channel has what it was debited', async () => {
  const charge = (built: BuiltBatch): BuiltBatch => {
    const [one, other] = [at(built.segments, 0), at(built.segments, 1)]
    return {
      ...built,
      segments: [
        { ...one, fee: one.fee - 9n },
        { ...other, fee: other.fee + 9n },
      ],
    }
  }
  // The sponsor's last voucher allows more than its receipt costs.
  const receipts = (list: BuiltReceipt[]) => {
    const before = at(list, 2)
    const [plan] = [{ ...world.plan(sponsor, worker, 42, 5), maxFee: before.receipt.fee + 9n }]
    list[2] = at(world.build(worker, [plan]).receipts, 0)
  }
  const batch = await commit(receipts, charge)
  const row = (index: number) => {
    const { receipt, paymentHash, sums } = at(batch.built.receipts, index)
    const hash = bytesToHex(receiptRow(receipt, paymentHash, sums).subarray(0, 32))
    return { hash, sums, siblings: siblingsOf(batch.built.tree, index) }
  }
  const args = [batch.header, batch.built.segments, 1n, row(2), row(2)]
  const { gas } = await world.chain.send(watcher, 'DisputeGame', 'badSegment', args)
  expect(gas).toBeLessThanOrEqual(challengeGasMax)
  for (const { channel } of batch.built.segments) expect(await balanceOf(channel)).toBe(deposit)
  expect(await refusal(batch)).toBe('NoFault')
  expect(world.chain.supply()).toBe(supply)
})

test('a wrong epoch is reverted and its bond lost', async () => {
  const batch = await commit(() => undefined)
  world.chain.advance(clocks.window)
  await world.mature([batch])
  const honest = world.buildEpoch([batch])
  const credits = [...honest.credits]
  const last = credits.length - 1
  credits[last] = { ...at(credits, last), receipt: 9 }
  const creditsTree = new SumTree(credits.map((credit, i) => creditRow(i, credit)))
  const { epoch } = await world.propose([batch], { ...honest, credits, creditsTree })
  const opened = { credit: { index: last, ...at(credits, last) }, siblings: siblingsOf(creditsTree, last) }
  const { gas, events } = await world.chain.send(watcher, 'DisputeGame', 'badCreditReceipt', [epoch.record, opened])
  expect(gas).toBeLessThanOrEqual(challengeGasMax)
  expect(await world.chain.read('AttributionLedger', 'lastEpoch')).toBe(0n)
  const reward = await world.chain.read('DisputeGame', 'rewardOf', [subjectIn(events)])
  expect(reward).toMatchObject({ amount: epoch.record.bond / 2n })
  expect(world.chain.balance('DisputeGame')).toBe(epoch.record.bond / 2n)
  expect(world.chain.supply()).toBe(supply)
})

test('two final answers cost 30 % of the stake', async () => {
  const { gas } = await equivocate(1)
  expect(gas).toBeLessThanOrEqual(challengeGasMax)
  expect(await stakeOf()).toBe((staked * 7n) / 10n)
})

/** Answers so many requests in two ways each. */
async function equivocate(times: number) {
  const answered = (requestId: Hex, byte: string) => {
    const outputRoot: Hex = `0x${byte.repeat(32)}`
    const { r, vs } = worker.sign(moneyDigest(901n, answerStructHash({ requestId, outputRoot, final: true })))
    return [
      { requestId, outputRoot, isFinal: true },
      { r, vs },
    ] as const
  }
  let gas = 0n
  for (let i = 0; i < times; i++) {
    const id: Hex = `0x${i.toString(16).padStart(64, '0')}`
    const args = [worker.address, ...answered(id, '01'), ...answered(id, '02')]
    gas = (await world.chain.send(watcher, 'DisputeGame', 'equivocation', args)).gas
  }
  return { gas }
}
