import fc from 'fast-check'
import { type Abi, encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { weightTotal } from '../../protocol/fee.ts'
import { sumTreeRoot } from '../../protocol/sum-tree.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { claimOf } from '../fakes/money-batch.ts'
import { type Actor, addressOf, clocks, type MoneyContract, open } from '../fakes/money-chain.ts'
import { MoneyLaws } from '../fakes/money-laws.ts'
import { MoneyWorld, type ProposedEpoch } from '../fakes/money-world.ts'
import { lonePayout } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'
import { stake } from '../fakes/standing-model.ts'
import { deploy } from './chain.ts'

const moods = { takes: 0, callsBack: 1, refuses: 2, burnsGas: 3, babbles: 4 } as const

let world: MoneyWorld
let laws: MoneyLaws
let worker: Actor
let payer: Actor
beforeEach(async () => {
  world = await MoneyWorld.create()
  laws = new MoneyLaws(world.chain)
  worker = world.chain.actor('worker')
  payer = world.chain.actor('payer')
  laws.learn((await stake(world.chain, worker)).events)
  laws.learn((await world.deposit(payer, worker, 50n * open)).events)
})

const callData = (contract: MoneyContract, functionName: string, args: readonly unknown[]): Hex =>
  encodeFunctionData({ abi: loadArtifact(contract).abi as unknown as Abi, functionName, args })

/** A contract that answers payments as it is told to. */
async function hostile(address: Hex) {
  const target = await deploy(world.chain.evm, 'HostileRecipient', address)
  const call = (functionName: string, args: readonly unknown[] = [], value = 0n) =>
    world.chain.evm.call(target, functionName, args, { from: payer.address, value })
  return {
    address,
    act: (contract: MoneyContract, functionName: string, args: readonly unknown[], value = 0n) =>
      call('act', [addressOf(contract), callData(contract, functionName, args)], value),
    arm: (mood: keyof typeof moods, contract: MoneyContract = 'RoyaltyVault', data: Hex = '0x') =>
      call('arm', [moods[mood], addressOf(contract), data]),
    attempts: () => call('attempts'),
    successes: () => call('successes'),
  }
}

/** A final epoch in which these accounts share the contributors' pool of one receipt. */
async function epochFor(payees: readonly Hex[]): Promise<ProposedEpoch> {
  const entries = payees.map((payee, i): AttributionEntry => {
    const share = Math.floor(weightTotal / payees.length)
    const weight = i === 0 ? weightTotal - share * (payees.length - 1) : share
    return { payee, id: BigInt(i + 1), class: entryClasses.S, evidenceHash: zeroHash, weight }
  })
  const { batch, sent } = await world.commit(worker, world.build(worker, [world.plan(payer, worker, 999, 77, entries)]))
  laws.learn(sent.events)
  world.chain.advance(clocks.window)
  laws.learn((await world.mature([batch])).events)
  const proposed = await world.propose([batch])
  laws.learn(proposed.sent.events)
  world.chain.advance(clocks.window)
  laws.learn((await world.finalize(proposed.epoch)).events)
  return proposed.epoch
}

const owed = ({ built }: ProposedEpoch, payee: Hex) =>
  built.payouts.find((payout) => payout.payee === payee)?.cumulative ?? 0n

describe('whoever is paid and calls back', () => {
  test('cannot claim again from within a claim', async () => {
    const thief = await hostile(`0x${'7f'.repeat(20)}`)
    const epoch = await epochFor([thief.address, `0x${'cc'.repeat(20)}`])
    const claim = claimOf(1n, epoch.built, thief.address)
    await thief.arm('callsBack', 'RoyaltyVault', callData('RoyaltyVault', 'claim', [claim]))
    const before = world.chain.balance('RoyaltyVault')
    await thief.act('RoyaltyVault', 'claim', [claim])
    expect(await thief.attempts()).toBe(1n)
    expect(world.chain.balance(thief.address)).toBe(owed(epoch, thief.address))
    expect(before - world.chain.balance('RoyaltyVault')).toBe(owed(epoch, thief.address))
  })

  test('cannot take a channel twice', async () => {
    const thief = await hostile(`0x${'7f'.repeat(20)}`)
    await thief.act('InferenceMarket', 'deposit', [worker.address], 2n * open)
    await thief.act('InferenceMarket', 'requestWithdrawal', [worker.address, 2n * open])
    world.chain.advance(clocks.withdrawalDelay)
    const withdraw = [worker.address, thief.address] as const
    await thief.arm('callsBack', 'InferenceMarket', callData('InferenceMarket', 'withdraw', withdraw))
    await thief.act('InferenceMarket', 'withdraw', withdraw)
    expect([await thief.attempts(), await thief.successes()]).toEqual([1n, 0n])
    expect(world.chain.balance(thief.address)).toBe(2n * open)
    expect(world.chain.balance('InferenceMarket')).toBe(50n * open)
  })
})

describe('recipients that refuse, burn their gas or babble', () => {
  test('are skipped by claimMany, at a bounded cost, and lose nothing; the others are paid', async () => {
    const addresses = ['71', '72', '73'].map((byte): Hex => `0x${byte.repeat(20)}`)
    const bad = await Promise.all(addresses.map(hostile))
    for (const [i, mood] of (['refuses', 'burnsGas', 'babbles'] as const).entries()) await bad[i]?.arm(mood)
    const good: Hex = `0x${'90'.repeat(20)}`
    const all = [...addresses, good]
    const epoch = await epochFor(all)
    const operator = world.chain.actor('operator')
    const claims = all.map((payee) => claimOf(1n, epoch.built, payee))
    const sent = await world.chain.send(operator, 'RoyaltyVault', 'claimMany', [all, claims])
    laws.learn(sent.events)
    expect(world.chain.balance(good)).toBe(owed(epoch, good))
    expect(sent.gas).toBeLessThan(700_000n)
    await laws.check()
    for (const each of bad) await each.arm('takes')
    laws.learn((await world.chain.send(operator, 'RoyaltyVault', 'claimMany', [all, claims])).events)
    for (const payee of addresses) expect(world.chain.balance(payee)).toBe(owed(epoch, payee))
    await laws.check()
  })

  test('hold up nobody’s withdrawal but their own', async () => {
    const bad = await hostile(`0x${'71'.repeat(20)}`)
    await bad.act('InferenceMarket', 'deposit', [worker.address], open)
    await bad.act('InferenceMarket', 'requestWithdrawal', [worker.address, open])
    await world.chain.send(payer, 'InferenceMarket', 'requestWithdrawal', [worker.address, open])
    world.chain.advance(clocks.withdrawalDelay)
    await bad.arm('refuses')
    const own = [worker.address, bad.address]
    await expect(bad.act('InferenceMarket', 'withdraw', own)).rejects.toThrow()
    await world.chain.send(payer, 'InferenceMarket', 'withdraw', [worker.address, payer.address])
    await bad.arm('takes')
    await bad.act('InferenceMarket', 'withdraw', own)
    expect(world.chain.balance(bad.address)).toBe(open)
  })
})

describe('rounding', () => {
  test('what rounding leaves of the pools is less than a wei an entry, and goes to the stakers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 2, max: 13 }), async (tout, n) => {
        world = await MoneyWorld.create()
        await stake(world.chain, world.chain.actor('worker'))
        await world.deposit(world.chain.actor('payer'), worker, 90n * open)
        const weight = Math.floor(weightTotal / n)
        const entries = Array.from(
          { length: n },
          (_, i): AttributionEntry => ({
            payee: `0x${(i + 1).toString(16).padStart(40, 'c')}`,
            id: BigInt(i + 1),
            class: entryClasses.S,
            evidenceHash: zeroHash,
            weight: i === 0 ? weightTotal - weight * (n - 1) : weight,
          }),
        )
        const built = world.build(worker, [world.plan(payer, worker, 1, tout, entries)])
        const { batch } = await world.commit(worker, built)
        const [receipt] = built.receipts
        if (receipt === undefined) throw new Error('a batch has receipts')
        world.chain.advance(clocks.window)
        await world.mature([batch])
        const { epoch } = await world.propose([batch])
        world.chain.advance(clocks.window)
        const { events } = await world.finalize(epoch)
        const { model, worker: own, builder, contributors, platform, stakers } = receipt.parts
        const dust = model + own + builder + contributors - epoch.built.creditsSum
        expect(dust >= 0n && dust < BigInt(receipt.entries.length)).toBe(true)
        const credited = events.find(({ name }) => name === 'EpochCredited')?.args
        expect(credited).toEqual({ credits: epoch.built.creditsSum, platform, stakers: stakers + dust })
        expect(platform + stakers + dust + epoch.built.creditsSum).toBe(receipt.receipt.fee)
      }),
      { numRuns: 8 },
    )
  })
})

describe('self-dealing', () => {
  test('an operator who pays itself for its own model and its own data loses the platform’s and the stakers’ part', async () => {
    const { chain } = world
    const operator = chain.actor('model owner')
    await stake(chain, operator)
    const before = chain.balance(operator)
    await world.deposit(operator, operator, 40n * open)
    const contributor = [
      { payee: operator.address, id: 1n, class: entryClasses.S, evidenceHash: zeroHash, weight: weightTotal },
    ]
    const plans = [1, 2, 3].map((n) => world.plan(operator, operator, 500 * n, 300 * n, contributor))
    const { batch } = await world.commit(operator, world.build(operator, plans))
    const epoch = await world.settle([batch])
    await world.claim(operator, epoch)
    const channel = channelOf(operator.address, operator.address)
    const { balance } = (await chain.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }
    await chain.send(operator, 'InferenceMarket', 'requestWithdrawal', [operator.address, balance])
    chain.advance(clocks.withdrawalDelay)
    await chain.send(operator, 'InferenceMarket', 'withdraw', [operator.address, operator.address])
    const part = (name: 'platform' | 'stakers') =>
      batch.built.receipts.reduce((sum, { parts }) => sum + parts[name], 0n)
    const lost = before - chain.balance(operator)
    expect(lost).toBeGreaterThanOrEqual(part('platform') + part('stakers'))
    expect(lost - part('platform') - part('stakers')).toBeLessThan(10n)
  })
})

describe('griefing by size', () => {
  test('a batch of the most receipts and entries matures for the gas of one of a single receipt', async () => {
    const gasOf = async (count: number) => {
      const on = new MoneyWorld(await world.chain.fork(), world.terms, world.royaltyRows)
      const built = on.build(worker, [on.plan(payer, worker)])
      const sums = (built.input['sums'] as bigint[]).map((sum, i) => (i === 3 ? 128n * BigInt(count) : sum))
      const segments = built.segments.map((segment) => ({ ...segment, count }))
      const top = concatBytes(hexToBytes(built.input['topHash'] as Hex), ...sums.map((sum) => uintBytes(sum, 16)))
      const input = { ...built.input, count, sums, receiptRoot: bytesToHex(sumTreeRoot(count, top)) }
      const { batch, sent } = await on.commit(worker, { ...built, segments, input })
      on.chain.advance(clocks.window)
      return { commit: Number(sent.gas), mature: Number((await on.mature([batch])).gas) }
    }
    const [one, most] = [await gasOf(1), await gasOf(65_536)]
    // The numbers themselves have more bytes.
    expect(most.commit - one.commit).toBeLessThan(500)
    expect(most.mature - one.mature).toBeLessThan(500)
  })

  test('payees without end cost a claimer the levels of a tree: at most 32', async () => {
    const { chain } = world
    const random = new Random(5)
    const payee: Hex = `0x${'c7'.repeat(20)}`
    const claimGas = async (epoch: bigint, count: number, cumulative: bigint) => {
      const { root, claim } = lonePayout(epoch, count, { payee, cumulative }, random)
      chain.evm.state.account(addressOf('RoyaltyVault')).balance += open
      await chain.send(addressOf('AttributionLedger'), 'RoyaltyVault', 'publishRoot', [epoch, root, 0n])
      const { result, gas } = await chain.send(payer, 'RoyaltyVault', 'claimFor', [payee, claim])
      expect(result).toBe(open)
      return Number(gas)
    }
    await claimGas(1n, 1, open)
    const [some, most] = [await claimGas(2n, 100_000, 2n * open), await claimGas(3n, 2 ** 32 - 1, 3n * open)]
    expect((most - some) / 15).toBeLessThan(1_500)
    expect(most).toBeLessThan(110_000)
  })

  test('a demand for data is paid more than its answer costs, however the base fee stands', async () => {
    const { batch } = await world.commit(worker, world.build(worker, [world.plan(payer, worker)]))
    const { receipt, request, voucher, signature, sums } = batch.built.receipts[0] ?? fail()
    for (const baseFee of [10n ** 6n, 10n ** 9n, 10n ** 12n]) {
      const chain = await world.chain.fork()
      chain.evm.baseFee = baseFee
      const asker = chain.actor('asker')
      const asked = await chain.send(asker, 'AttributionLedger', 'requestReceipt', [batch.header, 0], {
        value: 5n * open,
      })
      const event = asked.events.find(({ name }) => name === 'DataRequested')
      // However short a window is, whoever answers has ten seconds.
      expect(clocks.window).toBeLessThan(80n)
      expect(event?.args['dueAt']).toBe(chain.now + 10n)
      const { r, vs } = signature
      const none = { requestId: receipt.requestId, tout: 0, outputRoot: receipt.outputRoot }
      const payment = { voucher, signature: { r, vs }, cut: false, cancel: none, cancelSignature: { r, vs } }
      const served = { receipt, request, onChain: false, payment, sums, siblings: '0x' }
      const answer = await chain.send(worker, 'AttributionLedger', 'serveReceipt', [event?.args['demand'], served])
      const price = (await chain.read('AttributionLedger', 'answerPrice', [event?.args['demand']])) as bigint
      expect(price).toBeGreaterThan(answer.gas * baseFee)
    }
  })
})

function fail(): never {
  throw new Error('a batch has receipts')
}
