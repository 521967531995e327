import { type Abi, encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { requestIdOf as digestOf, type InferenceRequest } from '../../protocol/inference-request.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import {
  attributionLedger,
  disputeGame,
  type MarketBatch,
  type MarketPlan,
  MarketWorld,
  moneyTimelock,
  workerRegistry,
} from '../fakes/market-world.ts'
import { type Actor, addressOf, clocks, open } from '../fakes/money-chain.ts'
import { deploy } from './chain.ts'

let world: MarketWorld
let worker: Actor
let payer: Actor
let sponsor: Actor
beforeEach(async () => {
  world = await MarketWorld.create()
  worker = world.workers[0]
  ;[payer, sponsor] = world.payers
})

const market = 'InferenceMarket'
const send = (from: Actor | Hex, name: string, args: readonly unknown[], value = 0n) =>
  world.chain.send(from, market, name, args, { value })
const read = (name: string, ...args: readonly unknown[]) => world.chain.read(market, name, args)
const channel = (of: Actor) => channelOf(of.address, worker.address)
const balanceOf = async (id: Hex) => ((await read('channels', id)) as { balance: bigint }).balance
const owedTo = async (account: Actor) => (await read('refundOf', account.address)) as bigint
const cover = async () => ((await read('coverOf', worker.address)) as { cover: bigint }).cover
const totals = async () => ((await read('maturedTotals')) as [bigint, Record<string, bigint>])[1]

async function refused(from: Actor | Hex, name: string, args: readonly unknown[], value = 0n): Promise<string> {
  const before = world.chain.balance(market)
  const { error } = await world.chain.fails(from, market, name, args, { value })
  expect(world.chain.balance(market)).toBe(before)
  return error
}

const sum = (batch: MarketBatch, place = 0) => batch.header.sums[place] as bigint
const headers = (...batches: readonly MarketBatch[]) => [batches.map(({ header }) => header)]
const mature = (...batches: readonly MarketBatch[]) => send(sponsor, 'matureBatches', headers(...batches))
const settle = async (...plans: readonly MarketPlan[]) => (await world.settle(worker, plans)).batch
const voidReceipt = (batch: MarketBatch, index: number) =>
  send(disputeGame, 'voidReceipt', world.receiptArgs(batch, index))
const requestOf = (batch: MarketBatch, index = 0) => batch.built.receipts[index]?.request as InferenceRequest

describe('a request opened on chain', () => {
  const request = () => requestOf(world.build(worker, [world.plan(payer, { maxFee: open })]) as MarketBatch)

  test('is refused with another’s name, chain, value, a price that ends before it, a frozen model, or too many adapters', async () => {
    const good = request()
    const fails = (change: object, value = open, from = payer) => refused(from, 'open', [{ ...good, ...change }], value)
    expect(await fails({}, open, sponsor)).toBe('NotPayer')
    expect(await fails({ chainId: 1n })).toBe('WrongChain')
    expect(await fails({}, open - 1n)).toBe('WrongValue')
    expect(await fails({ maxFee: 0n }, 0n)).toBe('ZeroAmount')
    expect(await fails({ deadline: world.chain.now })).toBe('BadDeadline')
    expect(await fails({ deadline: world.chain.now + 7n * 86_400n + 1n })).toBe('BadDeadline')
    expect(await fails({ adapters: Array.from({ length: 9 }, () => ({ root: zeroHash, weight: 1 })) })).toBe(
      'TooManyAdapters',
    )
    world.setPrice(world.chain.now - 1n)
    expect(await fails({})).toBe('PriceNotValid')
    world.setPrice(world.chain.now, 0n)
    expect(await fails({})).toBe('PriceNotValid')
    world.setPrice(good.deadline - 1n)
    expect(await fails({})).toBe('PriceNotValid')
    world.setPrice(good.deadline, 1n, true)
    expect(await fails({})).toBe('ModelFrozen')
    world.setPrice(good.deadline)
    await send(payer, 'open', [good], open)
    expect(await fails({})).toBe('AlreadyOpened')
  })

  test('is refunded at its deadline, once, and not before', async () => {
    const asked = request()
    const { result: id } = await send(payer, 'open', [asked], open)
    expect(await refused(sponsor, 'refund', [zeroHash])).toBe('RequestNotOpen')
    world.chain.evm.timestamp = asked.deadline
    expect(await refused(sponsor, 'refund', [id])).toBe('RequestNotExpired')
    world.chain.advance(1)
    await send(sponsor, 'refund', [id])
    expect(await refused(sponsor, 'refund', [id])).toBe('RequestNotOpen')
    expect(await refused(payer, 'open', [{ ...asked, deadline: asked.deadline }], open)).toBe('BadDeadline')
    await send(payer, 'claimRefund', [sponsor.address])
    expect(await refused(payer, 'claimRefund', [sponsor.address])).toBe('NothingOwed')
    expect(world.chain.balance(market)).toBe(0n)
  })

  test('pays its fee to the first batch; the rest of its escrow is the payer’s at once', async () => {
    const batch = await settle(world.plan(payer, { onChain: true, maxFee: open }))
    expect(await owedTo(payer)).toBe(open - sum(batch))
    const again = { built: batch.built, segments: batch.segments }
    await expect(world.commit(worker, again)).rejects.toThrow('RequestNotOpen')
    world.chain.advance(3_601)
    expect(await refused(payer, 'refund', [requestIdOf(batch)])).toBe('RequestNotOpen')
  })

  test('is not settled late, above its limit, under a voucher, or where it is unknown', async () => {
    const [plan, dear] = [world.plan(payer, { onChain: true }), world.plan(payer, { onChain: true, maxFee: 1n })]
    const batch = world.build(worker, [plan])
    const fails = (change: object, from = batch) => {
      const segments = from.segments.map((segment) => ({ ...segment, ...change }))
      return refused(worker, 'commitBatch', [from.built.input, segments])
    }
    expect(await fails({})).toBe('RequestNotOpen')
    await send(payer, 'open', [requestOf(batch as MarketBatch)], requestOf(batch as MarketBatch).maxFee)
    for (const change of [
      { count: 2 },
      { maxFee: 1n },
      { cumulativeCap: 1n },
      { deadline: 1n },
      { r: batch.built.input['topHash'] },
    ]) {
      expect(await fails(change)).toBe('BadRequestSegment')
    }
    const tooDear = world.build(worker, [dear])
    await send(payer, 'open', [requestOf(tooDear as MarketBatch)], 1n)
    expect(await fails({}, tooDear)).toBe('AboveMaxFee')
    world.chain.evm.timestamp = plan.deadline + 1n
    const late = { ...batch.built.input, notAfter: world.chain.now }
    expect(await refused(worker, 'commitBatch', [late, batch.segments])).toBe('RequestExpired')
  })
})

const requestIdOf = (batch: MarketBatch, index = 0) => batch.built.receipts[index]?.receipt.requestId as Hex

describe('maturity', () => {
  test('comes in order, after the window, with every part in the totals, and frees the stake', async () => {
    const [first, second] = [await settle(world.plan(payer)), await settle(world.plan(sponsor, { tout: 9 }))]
    world.chain.advance(clocks.window - 1n)
    expect(await refused(sponsor, 'matureBatches', headers(first))).toBe('WindowOpen')
    world.chain.advance(1)
    expect(await refused(sponsor, 'matureBatches', headers(second))).toBe('NotNext')
    expect(await refused(sponsor, 'matureBatches', [[]])).toBe('NothingToMature')
    const forged = { ...first.header, count: 2 }
    expect(await refused(sponsor, 'matureBatches', [[forged]])).toBe('UnknownBatch')
    expect(await refused(sponsor, 'receiptsThrough', [1n])).toBe('NotMature')
    const { events } = await mature(first, second)
    expect(events.filter(({ name }) => name === 'FeesSplit')).toHaveLength(2)
    const { payable_, platform, stakers, entries, receipts } = await totals()
    expect([receipts, entries]).toEqual([2n, 6n])
    expect((payable_ ?? 0n) + (platform ?? 0n) + (stakers ?? 0n)).toBe(sum(first) + sum(second))
    expect(await cover()).toBe(0n)
    expect(await refused(sponsor, 'matureBatches', headers(first))).toBe('NotNext')
    expect([await read('receiptsThrough', 1n), await read('receiptsThrough', 2n)]).toEqual([1n, 2n])
    expect(await read('totalsAt', 2n)).toEqual(await totals())
    expect(await refused(sponsor, 'totalsAt', [1n])).toBe('NoTotals')
  })

  test('waits while an answer is open, and goes on when none is', async () => {
    const batch = await settle(world.plan(payer))
    expect(await refused(attributionLedger, 'hold', [2n])).toBe('UnknownBatch')
    expect(await refused(attributionLedger, 'unhold', [1n])).toBe('NotHeld')
    await send(attributionLedger, 'hold', [1n])
    await send(attributionLedger, 'hold', [1n])
    await send(attributionLedger, 'unhold', [1n])
    world.chain.advance(clocks.window)
    expect(await refused(sponsor, 'matureBatches', headers(batch))).toBe('Held')
    await send(attributionLedger, 'unhold', [1n])
    await mature(batch)
    expect(await refused(attributionLedger, 'hold', [1n])).toBe('AlreadyMature')
  })

  test('epochs are paid what matured and no wei more', async () => {
    const batch = await settle(world.plan(payer))
    expect(await refused(attributionLedger, 'payEpoch', [1n, 0n, 0n])).toBe('AboveMatured')
    world.chain.advance(clocks.window)
    await mature(batch)
    await settle(world.plan(sponsor))
    expect(await refused(attributionLedger, 'payEpoch', [sum(batch), 1n, 0n])).toBe('AboveMatured')
    await send(attributionLedger, 'payEpoch', [sum(batch) - 3n, 1n, 2n])
    expect(world.chain.balance('RoyaltyVault')).toBe(sum(batch))
    expect(await refused(attributionLedger, 'payEpoch', [0n, 0n, 1n])).toBe('AboveMatured')
  })
})

describe('voids', () => {
  test('a void receipt counts in the numbering and nowhere else; its fee goes back to its channel, once', async () => {
    const batch = await settle(world.plan(payer), world.plan(payer, { tout: 9 }), world.plan(sponsor))
    await voidReceipt(batch, 1)
    expect([await read('isVoid', 1n, 1), await read('isVoid', 1n, 0)]).toEqual([true, false])
    expect(await refused(disputeGame, 'voidReceipt', world.receiptArgs(batch, 1))).toBe('ReceiptIsVoid')
    const [header, , ...rest] = world.receiptArgs(batch, 1)
    expect(await refused(disputeGame, 'voidReceipt', [header, 3, ...rest])).toBe('NoSuchReceipt')
    expect(await refused(payer, 'settleRefund', [1n, channel(payer)])).toBe('NotMature')
    world.chain.advance(clocks.window)
    await mature(batch)
    const { receipts, entries, payable_ = 0n, platform = 0n, stakers = 0n } = await totals()
    const refund = batch.built.receipts[1]?.receipt.fee as bigint
    expect([receipts, entries, payable_ + platform + stakers]).toEqual([3n, 6n, sum(batch) - refund])
    expect(await refused(payer, 'settleRefund', [1n, channel(sponsor)])).toBe('NoRefund')
    await send(sponsor, 'settleRefund', [1n, channel(payer)])
    expect(await balanceOf(channel(payer))).toBe(refund)
    expect(await refused(payer, 'settleRefund', [1n, channel(payer)])).toBe('NoRefund')
    expect(await refused(disputeGame, 'voidReceipt', world.receiptArgs(batch, 0))).toBe('AlreadyMature')
    expect(await refused(disputeGame, 'voidBatch', [batch.header, batch.segments])).toBe('AlreadyMature')
  })

  test('a void batch refunds exactly what each segment was debited, whatever was voided before', async () => {
    const plans = [world.plan(payer), world.plan(payer, { tout: 9 }), world.plan(sponsor, { onChain: true })]
    const batch = await settle(...plans)
    await voidReceipt(batch, 1)
    await voidReceipt(batch, 2)
    expect(await refused(disputeGame, 'voidBatch', [batch.header, batch.segments.slice(1)])).toBe('WrongSegments')
    await send(attributionLedger, 'voidBatch', [batch.header, batch.segments])
    expect(await cover()).toBe(0n)
    expect(await balanceOf(channel(payer))).toBe(batch.segments[0]?.fee)
    await send(payer, 'refund', [requestIdOf(batch, 2)])
    expect(await owedTo(sponsor)).toBe(batch.segments[1]?.fee)
    expect(await refused(payer, 'refund', [requestIdOf(batch, 2)])).toBe('RequestNotOpen')
    expect(await refused(disputeGame, 'voidBatch', [batch.header, batch.segments])).toBe('BatchIsVoid')
    expect(await refused(disputeGame, 'voidReceipt', world.receiptArgs(batch, 0))).toBe('BatchIsVoid')
    await mature(batch)
    expect(await refused(payer, 'settleRefund', [1n, channel(payer)])).toBe('BatchIsVoid')
    expect(await refused(payer, 'refundBatch', [batch.header, batch.segments])).toBe('NoRefund')
    expect(await totals()).toMatchObject({ receipts: 0n, payable_: 0n })
    expect(await read('isVoid', 1n, 0)).toBe(true)
  })

  test('a batch whose void row was mis-split is void at maturity: what is left of it cannot be paid in full', async () => {
    const batch = await settle(world.plan(payer), world.plan(sponsor))
    const [header, index, sums, ...place] = world.receiptArgs(batch, 0)
    const row = (sums as bigint[]).map((value, i) => (i === 5 ? value - 1n : value))
    await send(disputeGame, 'voidReceipt', [header, index, row, ...place])
    world.chain.advance(clocks.window)
    await mature(batch)
    expect(await totals()).toMatchObject({ receipts: 0n, payable_: 0n, platform: 0n, stakers: 0n })
    await send(sponsor, 'refundBatch', [batch.header, batch.segments])
    expect(await balanceOf(channel(payer))).toBe(batch.segments[0]?.fee)
    expect(await balanceOf(channel(sponsor))).toBe(batch.segments[1]?.fee)
    expect(await refused(payer, 'refundBatch', [batch.header, batch.segments])).toBe('NoRefund')
  })

  test('a void on-chain request is refunded under its own name only', async () => {
    const batch = await settle(world.plan(payer, { onChain: true }), world.plan(sponsor))
    await voidReceipt(batch, 0)
    await voidReceipt(batch, 1)
    world.chain.advance(clocks.window)
    await mature(batch)
    await send(sponsor, 'settleRefund', [1n, requestIdOf(batch)])
    await send(sponsor, 'settleRefund', [1n, channel(sponsor)])
    expect(await balanceOf(channel(sponsor))).toBe(batch.segments[1]?.fee)
    await send(sponsor, 'refund', [requestIdOf(batch)])
    expect(await owedTo(payer)).toBe(batch.segments[0]?.fee)
  })

  test('of a full batch costs less than a block’s largest challenge', async () => {
    const payers = Array.from({ length: 32 }, (_, i) => world.chain.actor(`many ${i}`))
    const batch = await settle(...payers.map((each) => world.plan(each)))
    const { gas } = await send(disputeGame, 'voidBatch', [batch.header, batch.segments])
    expect(gas).toBeLessThan(600_000n)
  }, 30_000)
})

describe('who may', () => {
  test('only the DisputeGame voids, the ledger holds and pays, the WorkerRegistry tells the stake', async () => {
    const batch = await settle(world.plan(payer))
    const calls: readonly [string, readonly unknown[], readonly Hex[]][] = [
      ['voidReceipt', world.receiptArgs(batch, 0), [disputeGame]],
      ['voidBatch', [batch.header, batch.segments], [disputeGame, attributionLedger]],
      ['hold', [1n], [attributionLedger]],
      ['unhold', [1n], [attributionLedger]],
      ['payEpoch', [0n, 0n, 0n], [attributionLedger]],
      ['setStake', [worker.address, 1n], [workerRegistry]],
    ]
    for (const [name, args, allowed] of calls) {
      for (const from of [
        disputeGame,
        attributionLedger,
        workerRegistry,
        moneyTimelock,
        worker.address,
        payer.address,
      ]) {
        if (!allowed.includes(from)) expect([name, await refused(from, name, args)]).toEqual([name, 'NotAllowed'])
      }
    }
  })

  test('it is initialised once', async () => {
    expect(await refused(moneyTimelock, 'initialize', [1n, 2n])).toBe('InvalidInitialization')
  })
})

describe('payers that are contracts', () => {
  const hostile: Hex = `0x${'be'.repeat(20)}`
  const abi = loadArtifact('HostileRecipient').abi as unknown as Abi
  const call = (name: string, args: readonly unknown[]) =>
    encodeFunctionData({ abi: loadArtifact(market).abi as unknown as Abi, functionName: name, args })
  const mood = { takes: 0, callsBack: 1, refuses: 2, burnsGas: 3 }

  async function act(data: Hex, value = 0n) {
    const acted = encodeFunctionData({ abi, functionName: 'act', args: [addressOf(market), data] })
    return (await world.chain.sendRaw(payer, hostile, hexToBytes(acted), { value, gas: 5_000_000n })).result.execResult
  }
  const arm = (how: number, data: Hex) =>
    world.chain.evm.call({ abi, address: hostile }, 'arm', [how, addressOf(market), data])

  for (const name of ['withdraw', 'claimRefund']) {
    test(`${name}: who calls back is paid once, who refuses loses nothing`, async () => {
      await deploy(world.chain.evm, 'HostileRecipient', hostile)
      await act(call('deposit', [worker.address]), 10n)
      await act(call('requestWithdrawal', [worker.address, 10n]))
      const { receipts } = world.build(worker, [world.plan(payer)]).built
      const request = { ...(receipts[0]?.request as InferenceRequest), payer: hostile, maxFee: 10n }
      await act(call('open', [request]), 10n)
      world.chain.evm.timestamp = request.deadline + 1n
      await send(sponsor, 'refund', [digestOf(request)])
      const again = name === 'withdraw' ? call('withdraw', [worker.address, hostile]) : call('claimRefund', [hostile])
      for (const how of [mood.refuses, mood.burnsGas]) {
        await arm(how, again)
        expect((await act(again)).exceptionError).toBeDefined()
        expect(world.chain.balance(market)).toBe(20n)
      }
      await arm(mood.callsBack, again)
      expect((await act(again)).exceptionError).toBeUndefined()
      const counts = (what: string) => world.chain.evm.call({ abi, address: hostile }, what)
      expect([await counts('attempts'), await counts('successes')]).toEqual([1n, 0n])
      expect(world.chain.balance(market)).toBe(10n)
    })
  }
})
