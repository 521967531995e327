import { type Abi, decodeErrorResult, encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { bytesToHex, type Hex, hexToBytes, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { emptySegment, type MarketBatch, type MarketPlan, MarketWorld } from '../fakes/market-world.ts'
import { type Actor, addressOf, clocks, open } from '../fakes/money-chain.ts'
import { deploy } from './chain.ts'

let world: MarketWorld
let worker: Actor
let other: Actor
let payer: Actor
let sponsor: Actor
beforeEach(async () => {
  world = await MarketWorld.create()
  ;[worker, other] = world.workers
  ;[payer, sponsor] = world.payers
})

const market = 'InferenceMarket'
const send = (from: Actor | Hex, name: string, args: readonly unknown[], value = 0n) =>
  world.chain.send(from, market, name, args, { value })
const read = (name: string, ...args: readonly unknown[]) => world.chain.read(market, name, args)
const channel = (of: Actor, to = worker) => channelOf(of.address, to.address)
const balanceOf = async (id: Hex) => ((await read('channels', id)) as { balance: bigint }).balance
const cover = async () => (await read('coverOf', worker.address)) as { free: bigint; cover: bigint }

/** The custom error of a call that must not succeed; nothing changes. */
async function refused(from: Actor | Hex, name: string, args: readonly unknown[], value = 0n): Promise<string> {
  const before = world.chain.balance(market)
  const { error } = await world.chain.fails(from, market, name, args, { value })
  expect(world.chain.balance(market)).toBe(before)
  return error
}

const abi = loadArtifact(market).abi as unknown as Abi
const errorName = (data: Uint8Array) => decodeErrorResult({ abi, data: bytesToHex(data) }).errorName

type Draft = Pick<MarketBatch, 'built' | 'segments'>
const commitArgs = ({ built, segments }: Draft, input: object = {}) => [{ ...built.input, ...input }, segments]

/** A batch of one receipt of `payer`, paid for. */
async function draft(more: Partial<MarketPlan> = {}): Promise<Draft> {
  const batch = world.build(worker, [world.plan(payer, more)])
  await world.deposit(payer, worker, open)
  return batch
}

const withSegment = (batch: Draft, change: object): Draft => ({
  built: batch.built,
  segments: batch.segments.map((segment, i) => (i === 0 ? { ...segment, ...change } : segment)),
})

const feeOf = ({ header }: MarketBatch) => header.sums[0] as bigint

describe('channels', () => {
  test('anyone deposits for a payer, whose money it is from then on', async () => {
    await send(sponsor, 'depositFor', [payer.address, worker.address], 7n)
    expect(await balanceOf(channel(payer))).toBe(7n)
    expect(await refused(sponsor, 'requestWithdrawal', [worker.address, 7])).toBe('ChannelTooPoor')
  })

  test('nothing, and nobody, is refused', async () => {
    expect(await refused(payer, 'deposit', [worker.address])).toBe('ZeroAmount')
    expect(await refused(payer, 'deposit', [zeroAddress], 1n)).toBe('ZeroAddress')
    expect(await refused(payer, 'depositFor', [zeroAddress, worker.address], 1n)).toBe('ZeroAddress')
    const sent = await world.chain.sendRaw(payer, addressOf(market), new Uint8Array(), { value: 1n })
    expect(sent.result.execResult.exceptionError).toBeDefined()
  })

  test('a withdrawal waits longer than a receipt window, and is paid once', async () => {
    await world.deposit(payer, worker, 10n)
    expect(await refused(payer, 'withdraw', [worker.address, payer.address])).toBe('NoWithdrawal')
    expect(await refused(payer, 'requestWithdrawal', [worker.address, 0])).toBe('ZeroAmount')
    await send(payer, 'requestWithdrawal', [worker.address, 4])
    world.chain.advance(clocks.withdrawalDelay - 1n)
    expect(clocks.withdrawalDelay).toBeGreaterThan(clocks.window)
    expect(await refused(payer, 'withdraw', [worker.address, payer.address])).toBe('TooEarly')
    world.chain.advance(1)
    expect(await refused(payer, 'withdraw', [worker.address, zeroAddress])).toBe('ZeroAddress')
    const before = world.chain.balance(sponsor)
    await send(payer, 'withdraw', [worker.address, sponsor.address])
    expect(world.chain.balance(sponsor)).toBe(before + 4n)
    expect(await refused(payer, 'withdraw', [worker.address, payer.address])).toBe('NoWithdrawal')
  })

  test('asking again starts the delay again; taking it back ends it', async () => {
    await world.deposit(payer, worker, 10n)
    await send(payer, 'requestWithdrawal', [worker.address, 4])
    world.chain.advance(clocks.withdrawalDelay)
    await send(payer, 'requestWithdrawal', [worker.address, 5])
    expect(await refused(payer, 'withdraw', [worker.address, payer.address])).toBe('TooEarly')
    await send(payer, 'cancelWithdrawal', [worker.address])
    expect(await refused(payer, 'cancelWithdrawal', [worker.address])).toBe('NoWithdrawal')
    world.chain.advance(clocks.withdrawalDelay)
    expect(await refused(payer, 'withdraw', [worker.address, payer.address])).toBe('NoWithdrawal')
  })

  test('what was debited before the withdrawal is not paid again', async () => {
    const { built, segments } = world.build(worker, [world.plan(payer)])
    const fee = built.receipts[0]?.receipt.fee as bigint
    await world.deposit(payer, worker, fee + 5n)
    await send(payer, 'requestWithdrawal', [worker.address, fee + 5n])
    await world.commit(worker, { built, segments })
    world.chain.advance(clocks.withdrawalDelay)
    expect((await send(payer, 'withdraw', [worker.address, payer.address])).result).toBe(5n)
  })
})

describe('a batch', () => {
  test('is one word, the hash of its header, and debits the receipts’ fees, not the caps', async () => {
    const { batch, sent } = await world.settle(worker, [world.plan(payer, { maxFee: open }), world.plan(sponsor)])
    expect(await read('batchHash', 1n)).toBe(bytesToHex(batchHash(batch.header)))
    expect(sent.events).toMatchObject([{ name: 'BatchCommitted', args: { batchId: 1n, feeSum: feeOf(batch) } }])
    expect(await balanceOf(channel(payer))).toBe(0n)
    expect(await cover()).toEqual({ free: 1_000n * open, cover: feeOf(batch) })
  })

  test('a voucher pays once, and an older one never after a newer', async () => {
    const batch = await draft()
    await world.commit(worker, batch)
    expect(await refused(worker, 'commitBatch', commitArgs(batch))).toBe('AboveVoucher')
    const [older, newer] = [await draft(), await draft({ tin: 101 })]
    await world.commit(worker, newer)
    expect(await refused(worker, 'commitBatch', commitArgs(older))).toBe('AboveVoucher')
  })

  test('is refused where a voucher is late, another’s, changed, or the channel is empty', async () => {
    const batch = await draft({ deadline: world.chain.now + 10n })
    const fails = (change: object, from = worker) =>
      refused(from, 'commitBatch', commitArgs(withSegment(batch, change)))
    expect(await fails({}, other)).toBe('NotSignedByPayer')
    expect(await fails({ channel: channel(sponsor) })).toBe('NotSignedByPayer')
    expect(await fails({ cumulativeCap: 10n ** 30n })).toBe('NotSignedByPayer')
    expect(await fails({ deadline: world.chain.now + 11n })).toBe('NotSignedByPayer')
    expect(await fails({ requestId: zeroHash })).toBe('NotSignedByPayer')
    expect(await fails({ r: zeroHash })).toBe('NotSignedByPayer')
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const vs = BigInt(batch.segments[0]?.vs as Hex)
    const mirrored = (order - (vs & ((1n << 255n) - 1n))) | (((vs >> 255n) ^ 1n) << 255n)
    expect(await fails({ vs: `0x${mirrored.toString(16).padStart(64, '0')}` })).toBe('NotSignedByPayer')
    const poor = world.build(worker, [world.plan(sponsor)])
    expect(await refused(worker, 'commitBatch', commitArgs(poor))).toBe('ChannelTooPoor')
    world.chain.advance(11)
    expect(await fails({})).toBe('VoucherExpired')
  })

  test('is refused where its sums are not its segments’, its parts not its fee, or it is too big', async () => {
    const batch = await draft()
    const sums = batch.built.input['sums'] as bigint[]
    const changed = (changes: Readonly<Record<number, bigint>>) => sums.map((sum, i) => changes[i] ?? sum)
    const fails = (input: object, from: Draft = batch) => refused(worker, 'commitBatch', commitArgs(from, input))
    const [fee = 0n, , , , platform = 0n] = sums
    expect(await fails({ sums: changed({ 4: platform + 1n }) })).toBe('PartsDoNotAdd')
    expect(await fails({ sums: changed({ 0: fee + 1n, 4: platform + 1n }) })).toBe('SegmentsDoNotAdd')
    expect(await fails({ sums: changed({ 0: fee - 1n, 4: platform - 1n }) })).toBe('SegmentsDoNotAdd')
    expect(await fails({ count: 0 })).toBe('BadReceiptCount')
    expect(await fails({ count: 65_537 })).toBe('BadReceiptCount')
    expect(await fails({ count: 2 })).toBe('SegmentsDoNotAdd')
    expect(await fails({ sums: changed({ 3: 0n }) })).toBe('BadEntryCount')
    expect(await fails({ sums: changed({ 3: 129n }) })).toBe('BadEntryCount')
    expect(await fails({ class: 6 })).toBe('UnknownClass')
    expect(await fails({ notAfter: world.chain.now - 1n })).toBe('TooLate')
    expect(await fails({}, withSegment(batch, { count: 0 }))).toBe('SegmentsDoNotAdd')
    expect(await fails({}, { ...batch, segments: [] })).toBe('SegmentsDoNotAdd')
    const many = Array.from({ length: 33 }, () => batch.segments[0] ?? emptySegment)
    expect(await fails({}, { ...batch, segments: many })).toBe('BadSegmentCount')
  })

  test('a field with more bits than its type is refused, in every place', async () => {
    const data = hexToBytes(
      encodeFunctionData({
        abi,
        functionName: 'commitBatch',
        args: commitArgs(await draft()),
      }),
    )
    // Words behind the selector: count, ten sums, class, notAfter; behind offset and length a segment's numbers.
    for (const word of [1, ...Array.from({ length: 10 }, (_, i) => 2 + i), 12, 14, 18, 19, 21, 22, 23]) {
      const dirty = data.slice()
      dirty[4 + 32 * word] = 1
      const { result } = await world.chain.sendRaw(worker, addressOf(market), dirty)
      expect([word, errorName(result.execResult.returnValue)]).toEqual([word, 'OversizedField'])
    }
  })

  test('is refused without stake for all immature fees, by the factor of its class', async () => {
    const batch = await draft()
    const fee = batch.built.receipts[0]?.receipt.fee as bigint
    for (const [proofClass, factor] of [3n, 1n, 8n, 3n, 3n, 3n].entries()) {
      await world.setStake(worker, fee * factor - 1n)
      expect(await refused(worker, 'commitBatch', commitArgs(batch, { class: proofClass }))).toBe('UnderStaked')
      await world.setStake(worker, fee * factor)
      const fork = await world.chain.fork()
      await fork.send(worker, market, 'commitBatch', commitArgs(batch, { class: proofClass }))
    }
    await world.setStake(worker, 2n * fee - 1n)
    await world.commit(worker, batch)
    expect(await refused(worker, 'commitBatch', commitArgs(await draft()))).toBe('UnderStaked')
  })

  test('of no fee at all still needs stake', async () => {
    world.terms = { ...world.terms, price: { rin: 0n, rout: 0n }, shares: { ...world.terms.shares, platformFee: 0n } }
    const batch = await draft()
    await world.setStake(worker, 0n)
    expect(await refused(worker, 'commitBatch', commitArgs(batch))).toBe('UnderStaked')
  })

  test('must be a transaction’s own call: segments inside another call could not be found', async () => {
    const hostile: Hex = `0x${'be'.repeat(20)}`
    await deploy(world.chain.evm, 'HostileRecipient', hostile)
    const data = encodeFunctionData({
      abi,
      functionName: 'commitBatch',
      args: commitArgs(await draft()),
    })
    const act = encodeFunctionData({
      abi: loadArtifact('HostileRecipient').abi as unknown as Abi,
      functionName: 'act',
      args: [addressOf(market), data],
    })
    const { result } = await world.chain.sendRaw(worker, hostile, hexToBytes(act))
    expect(errorName(result.execResult.returnValue)).toBe('NotTransaction')
    const delegated = world.chain.evm.state.account(worker.address)
    delegated.code = hexToBytes(`0xef0100${hostile.slice(2)}`)
    expect(await refused(worker, 'commitBatch', commitArgs(await draft()))).toBe('NotTransaction')
  })

  test('costs at most 80,000 gas at 1,000 receipts of one channel, 15,000 more for each further one', async () => {
    const payers = Array.from({ length: 5 }, (_, i) => world.chain.actor(`gas ${i}`))
    for (const each of payers) await world.deposit(each, worker, 1_000n * open)
    const gas = async (receipts: number, of: readonly Actor[]) => {
      const plans = of.flatMap((each) =>
        Array.from({ length: receipts }, () => world.plan(each, { tin: 1234, tout: 567 })),
      )
      return (await world.commit(worker, world.build(worker, plans))).sent.gas
    }
    // The first ever writes counters that were zero.
    await gas(1, payers)
    const one = await gas(1_000, payers.slice(0, 1))
    expect(one).toBeLessThanOrEqual(80_000n)
    const five = await gas(200, payers)
    expect(five - one).toBeLessThanOrEqual(4n * 15_000n)
  }, 60_000)
})
