import { concatHex, encodeAbiParameters, keccak256 } from 'viem'
import { beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { epochRecordHash } from '../../protocol/epoch-record.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { openedReceipt, openedRequest, openedRow } from '../fakes/dispute-arguments.ts'
import { answerTerms, type Committed, commit, epochReward, honestDrafts, slashReward } from '../fakes/dispute-batch.ts'
import { corruptions, faults } from '../fakes/dispute-corruptions.ts'
import { honestEpoch, mature, openedCredit, propose } from '../fakes/dispute-epoch.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import type { Actor } from '../fakes/money-chain.ts'
import { at } from '../fakes/proven-tree.ts'

const game = openLedgerPredeploys.disputeGame
const scope = { Receipt: 0, Batch: 1, Credit: 2, Payout: 3, Answer: 4 } as const

let world: DisputeWorld
let worker: Actor
let payer: Actor
let stranger: Actor

beforeEach(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  worker = world.chain.actor('worker')
  payer = world.chain.actor('payer')
  stranger = world.chain.actor('stranger')
})

const subjectOf = (which: number, id: Hex, index: bigint): Hex =>
  keccak256(encodeAbiParameters([{ type: 'uint8' }, { type: 'bytes32' }, { type: 'uint256' }], [which, id, index]))
const word = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`

/** A batch of two receipts in a channel and one opened on chain; the one at `index` is spoiled. */
async function spoiled(name: string, index: number): Promise<Committed> {
  const plans = [
    { payer, tin: 40, tout: 5 },
    { payer, tin: 1, tout: 2 },
    { payer: stranger, tin: 3, tout: 3, onChain: true },
  ]
  const drafts = honestDrafts(worker, plans, world.chain.now)
  const corruption = corruptions.find((each) => each.name === name)
  const options = corruption?.apply(at(drafts, index), { drafts, index, stranger, now: world.chain.now })
  return await commit(world, worker.address, drafts, options)
}

const termsOf = (batch: Committed, index: number) => [
  openedReceipt(batch, index),
  batch.segments,
  openedRequest(at(batch.drafts, index)),
]

test('a wrong receipt is void, its payer refunded, its worker slashed', async () => {
  const batch = await spoiled('a wei too much', 1)
  const { calls, events } = await world.challenge('badTerms', termsOf(batch, 1))
  const { receipt, sums } = at(batch.drafts, 1)
  expect(calls.map(({ name }) => name)).toEqual(['voidReceipt', 'slash'])
  const [header, index, row, channel] = at(calls, 0).args
  expect(header).toMatchObject({ batchId: 5n, receiptRoot: batch.header.receiptRoot })
  expect([index, row, channel]).toEqual([1, sums, at(batch.segments, 0).channel])
  const [slashed, fault, feeBase, beneficiary] = at(calls, 1).args as [Hex, number, bigint, Hex]
  expect([slashed.toLowerCase(), beneficiary.toLowerCase()]).toEqual([worker.address, game])
  expect([fault, feeBase]).toEqual([faults.WrongFee, receipt.fee])
  const subject = subjectOf(scope.Receipt, word(5n), 1n)
  expect(events.find(({ name }) => name === 'ReceiptDisputed')?.args).toMatchObject({ subject, reward: slashReward })
})

test('a wrong receipt of a request opened on chain is refunded to that request', async () => {
  const batch = await spoiled('other indexes', 2)
  const { calls } = await world.challenge('badTerms', termsOf(batch, 2))
  const { requestId } = at(batch.drafts, 2).receipt
  expect(at(calls, 0).args.slice(3)).toEqual([zeroHash, requestId])
})

test('a wrong segment voids the batch', async () => {
  const batch = await spoiled('a wei on another channel', 0)
  const args = [batch.header, batch.segments, 0n, openedRow(batch, 0), openedRow(batch, 1)]
  const { calls } = await world.challenge('badSegment', args)
  expect(calls.map(({ name }) => name)).toEqual(['voidBatch', 'slash'])
  expect(at(calls, 0).args[1]).toEqual(batch.segments)
  expect(at(calls, 1).args.slice(1, 3)).toEqual([faults.WrongSegment, at(batch.segments, 0).fee])
})

test('what the judge refuses changes nothing, and its reason is told', async () => {
  const batch = await spoiled('nothing', 0)
  await expect(world.challenge('badTerms', termsOf(batch, 0))).rejects.toThrow('NoFault')
  const other = { ...batch, header: { ...batch.header, worker: stranger.address } }
  await expect(world.challenge('badTerms', termsOf(other, 0))).rejects.toThrow('UnknownBatch')
  const moved = at(batch.drafts, 1)
  const args = [openedReceipt(batch, 0), batch.segments, openedRequest(moved)]
  await expect(world.challenge('badTerms', args)).rejects.toThrow('WrongRequest')
  const cheaper = batch.segments.map((segment) => ({ ...segment, fee: 0n }))
  await expect(
    world.challenge('badTerms', [openedReceipt(batch, 0), cheaper, openedRequest(at(batch.drafts, 0))]),
  ).rejects.toThrow('WrongSegments')
  const [siblings] = [openedReceipt(batch, 1).siblings]
  const swapped = { ...openedReceipt(batch, 0), siblings }
  await expect(world.challenge('badReceipt', [swapped, batch.segments])).rejects.toThrow('NotInTree')
})

test('a duplicate counts only after a live receipt of the same worker', async () => {
  const first = await spoiled('nothing', 0)
  const drafts = honestDrafts(worker, [{ payer, tin: 40, tout: 5 }], world.chain.now)
  const again = await commit(world, worker.address, drafts, { batchId: 6n })
  const duplicate = (batch: Committed, earlier: Committed) =>
    world.ask('ReceiptJudge', 'duplicateRequest', [openedReceipt(batch, 0), batch.segments, openedReceipt(earlier, 0)])
  expect(await duplicate(again, first)).toBe(faults.DuplicateRequest)
  expect(await duplicate(first, again)).toBe('NotEarlier')
  const copied = await commit(world, stranger.address, first.drafts, { batchId: 3n })
  expect(await duplicate(again, copied)).toBe('NotEarlier')
  await world.answer('isVoid', [5n, 0], true)
  expect(await duplicate(again, first)).toBe('NotEarlier')
})

async function wrongEpoch() {
  const batch = await commit(world, worker.address, honestDrafts(worker, [{ payer, tin: 8, tout: 8 }], world.chain.now))
  const receipts = await mature(world, [{ batch, voids: [] }], 0n)
  const source = { firstBatch: 5n, lastBatch: 5n, receipts, before: [] }
  const draft = honestEpoch(source)
  draft.credits[5] = { ...at(draft.credits, 5), receipt: 9 }
  const epoch = propose(source, draft)
  if (epoch === undefined) throw new Error('the ledger refuses this epoch')
  return epoch
}

test('a wrong epoch is reverted', async () => {
  const epoch = await wrongEpoch()
  const { calls, events } = await world.challenge('badCreditReceipt', [epoch.record, openedCredit(epoch, 5)])
  expect(calls.map(({ name, args }) => [name, String(args[1]).toLowerCase()])).toEqual([['revertEpoch', game]])
  const subject = subjectOf(scope.Credit, bytesToHex(epochRecordHash(epoch.record as never)), 5n)
  const event = events.find(({ name }) => name === 'EpochDisputed')
  expect(event?.args).toMatchObject({ epoch: 3n, fault: 0, subject, reward: epochReward })
})

test('an equal epoch, reverted a second time in its block, still pays the first challenger', async () => {
  const epoch = await wrongEpoch()
  const args = [epoch.record, openedCredit(epoch, 5)]
  const subject = subjectOf(scope.Credit, bytesToHex(epochRecordHash(epoch.record as never)), 5n)
  await world.challenge('badCreditReceipt', args)
  await world.challenge('badCreditReceipt', args, stranger)
  expect(await world.chain.read('DisputeGame', 'rewardOf', [subject])).toMatchObject({ amount: 2n * epochReward })
  expect(await holderOf(subject)).toBe(world.challenger.address)
})

// --- Equivocation ---

const requestId: Hex = `0x${'4e'.repeat(32)}`
const output = (byte: string): Hex => `0x${byte.repeat(32)}`

function answered(by: Actor, outputRoot: Hex, final = true, id = requestId) {
  const { r, vs } = by.sign(moneyDigest(901n, answerStructHash({ requestId: id, outputRoot, final })))
  return [
    { requestId: id, outputRoot, isFinal: final },
    { r, vs },
  ] as const
}

test('two final answers of a worker slash it once', async () => {
  const args = [worker.address, ...answered(worker, output('01')), ...answered(worker, output('02'))]
  const { calls } = await world.challenge('equivocation', args)
  expect(calls.map(({ name, args: [, fault, feeBase] }) => [name, fault, feeBase])).toEqual([['slash', 10, 0n]])
  const third = [worker.address, ...answered(worker, output('02')), ...answered(worker, output('03'))]
  await expect(world.challenge('equivocation', third)).rejects.toThrow('AlreadyProven')
})

test('retries, announcements, other requests and other signers are no equivocation', async () => {
  const refused = async (error: string, ...args: readonly unknown[]) =>
    await expect(world.challenge('equivocation', [worker.address, ...args])).rejects.toThrow(error)
  const first = answered(worker, output('01'))
  await refused('NotTwoAnswers', ...first, ...answered(worker, output('01')))
  await refused('NotTwoAnswers', ...first, ...answered(worker, output('02'), false))
  await refused('NotTwoAnswers', ...first, ...answered(worker, output('02'), true, zeroHash))
  await refused('NotSigned', ...first, ...answered(stranger, output('02')))
  const [answer] = answered(worker, output('02'))
  await refused('NotSigned', ...first, answer, { r: zeroHash, vs: zeroHash })
})

// --- Rewards ---

const salt: Hex = `0x${'5a'.repeat(32)}`
const commitment = (by: Actor, subject: Hex) => keccak256(concatHex([by.address, subject, salt]))
const blocks = (n: number) => world.chain.advance(2 * n)
const receiptSubject = subjectOf(scope.Receipt, word(5n), 0n)

async function holderOf(subject: Hex): Promise<string> {
  const { holder } = (await world.chain.read('DisputeGame', 'rewardOf', [subject])) as { holder: string }
  return holder.toLowerCase()
}

async function commitTo(subject: Hex, by: Actor): Promise<void> {
  await world.chain.send(by, 'DisputeGame', 'commitEvidence', [commitment(by, subject)])
}

async function win(by: Actor): Promise<void> {
  const batch = await spoiled('a wei too much', 0)
  await world.challenge('badTerms', termsOf(batch, 0), by)
}

test('a reward is its challenger’s after 50 blocks, once', async () => {
  await win(stranger)
  const pay = async (by: Actor) => await world.chain.fails(by, 'DisputeGame', 'payReward', [receiptSubject, by.address])
  expect((await pay(stranger)).error).toBe('RewardWaits')
  blocks(50)
  expect((await pay(stranger)).error).toBe('RewardWaits')
  blocks(1)
  expect((await pay(payer)).error).toBe('NotHolder')
  const to: Hex = `0x${'7e'.repeat(20)}`
  await world.chain.send(stranger, 'DisputeGame', 'payReward', [receiptSubject, to])
  expect(world.chain.balance(to)).toBe(slashReward)
  expect(world.chain.balance(game)).toBe(0n)
  expect((await pay(stranger)).error).toBe('NoReward')
})

test('who committed first takes the reward from a copier', async () => {
  const honest = world.challenger
  await commitTo(receiptSubject, honest)
  blocks(3)
  await win(stranger)
  blocks(50)
  await world.chain.send(honest, 'DisputeGame', 'takeOverReward', [receiptSubject, salt])
  expect(await holderOf(receiptSubject)).toBe(honest.address)
  blocks(1)
  await world.chain.send(honest, 'DisputeGame', 'payReward', [receiptSubject, honest.address])
  expect((await world.chain.fails(stranger, 'DisputeGame', 'payReward', [receiptSubject, game])).error).toBe('NoReward')
})

test('of two commitments the earlier one counts, whoever comes first', async () => {
  await commitTo(receiptSubject, payer)
  blocks(1)
  await commitTo(receiptSubject, stranger)
  blocks(1)
  await win(worker)
  await world.chain.send(stranger, 'DisputeGame', 'takeOverReward', [receiptSubject, salt])
  await world.chain.send(payer, 'DisputeGame', 'takeOverReward', [receiptSubject, salt])
  const late = await world.chain.fails(stranger, 'DisputeGame', 'takeOverReward', [receiptSubject, salt])
  expect(late.error).toBe('NoEarlierCommitment')
  expect(await holderOf(receiptSubject)).toBe(payer.address)
})

test.each([
  ['made in the challenge’s block', 0, 0, 'NoEarlierCommitment'],
  ['made 51 blocks before', 51, 0, 'NoEarlierCommitment'],
  ['shown 51 blocks after', 5, 51, 'RewardSettled'],
])('a commitment does not count when %s', async (_, before, after, error) => {
  await commitTo(receiptSubject, payer)
  if (before > 0) blocks(before)
  await win(stranger)
  if (after > 0) blocks(after)
  expect((await world.chain.fails(payer, 'DisputeGame', 'takeOverReward', [receiptSubject, salt])).error).toBe(error)
})

test('a commitment is its sender’s, to one subject, and not made younger', async () => {
  await commitTo(receiptSubject, payer)
  const again = await world.chain.fails(payer, 'DisputeGame', 'commitEvidence', [commitment(payer, receiptSubject)])
  expect(again.error).toBe('AlreadyCommitted')
  blocks(1)
  await win(stranger)
  const take = async (by: Actor, with_: Hex) =>
    (await world.chain.fails(by, 'DisputeGame', 'takeOverReward', [receiptSubject, with_])).error
  expect(await take(worker, salt)).toBe('NoEarlierCommitment')
  expect(await take(payer, zeroHash)).toBe('NoEarlierCommitment')
  const none = await world.chain.fails(payer, 'DisputeGame', 'takeOverReward', [zeroHash, salt])
  expect(none.error).toBe('NoReward')
})

test('nobody sends the game money by mistake', async () => {
  const sent = await world.chain.sendRaw(payer, game, new Uint8Array(0), { value: 1n })
  expect(sent.result.execResult.exceptionError).toBeDefined()
})
