import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { attributionLedger, disputeGame, type MarketBatch, MarketWorld } from '../fakes/market-world.ts'
import { type Actor, clocks, open, Reverted } from '../fakes/money-chain.ts'

/**
 * Books of what the market should hold, kept beside it. Whatever anybody does in whatever order, the market's balance is
 * what the books say, and in the end everybody can take out what is theirs to the last wei.
 */
class Books {
  readonly world: MarketWorld
  readonly channels = new Map<Hex, { payer: Actor; worker: Actor; balance: bigint }>()
  /** What is in escrow, or owed to a request's payer, by request. */
  readonly escrow = new Map<Hex, { payer: Actor; wei: bigint }>()
  readonly refunds = new Map<Actor, bigint>()
  readonly batches: (MarketBatch & {
    held: bigint
    parts: bigint
    voided: Set<number>
    balanced: boolean
    state: State
  })[] = []
  readonly pending = new Map<string, { batch: number; key: Hex; wei: bigint }>()
  matured = 0n

  constructor(world: MarketWorld) {
    this.world = world
  }

  get total(): bigint {
    let sum = this.matured
    for (const { balance } of this.channels.values()) sum += balance
    for (const { wei } of this.escrow.values()) sum += wei
    for (const wei of this.refunds.values()) sum += wei
    for (const { held } of this.batches) sum += held
    return sum
  }

  send = (from: Actor | Hex, name: string, args: readonly unknown[], value = 0n) =>
    this.world.chain.send(from, 'InferenceMarket', name, args, { value })

  async deposit(payer: Actor, by: Actor, worker: Actor, value: bigint): Promise<void> {
    await this.send(by, 'depositFor', [payer.address, worker.address], value)
    this.#channel(payer, worker).balance += value
  }

  async withdraw(payer: Actor, worker: Actor): Promise<void> {
    const { result } = await this.send(payer, 'withdraw', [worker.address, payer.address])
    this.#channel(payer, worker).balance -= result as bigint
  }

  async commit(worker: Actor, payers: readonly Actor[], tout: number, opened: boolean): Promise<void> {
    const { world } = this
    const short = { onChain: true, maxFee: open, deadline: world.chain.now + 60n }
    const plans = payers.map((payer, i) => world.plan(payer, opened && i === 0 ? { ...short, tout } : { tout }))
    const batch = world.build(worker, plans)
    if (opened) {
      const { request, receipt } = batch.built.receipts[0] as MarketBatch['built']['receipts'][0]
      await this.send(payers[0] as Actor, 'open', [request], request.maxFee)
      this.escrow.set(receipt.requestId, { payer: payers[0] as Actor, wei: request.maxFee })
    }
    const { batch: committed } = await world.commit(worker, batch)
    const fee = committed.header.sums[0] as bigint
    for (const { channel, requestId, fee } of committed.segments) {
      if (channel === zeroHash) this.#settleRequest(requestId, fee)
      else (this.channels.get(channel) as { balance: bigint }).balance -= fee
    }
    this.batches.push({ ...committed, held: fee, parts: fee, voided: new Set(), balanced: true, state: 'committed' })
  }

  /** `misSplit`: the row's parts are another receipt's. */
  async voidReceipt(number: number, index: number, misSplit: boolean): Promise<void> {
    const batch = this.batches[number]
    if (batch === undefined) return
    const [header, , sums, channel, requestId] = this.world.receiptArgs(batch, index % batch.header.count)
    const row = misSplit ? (sums as bigint[]).map((sum, i) => (i === 9 ? sum - 1n : sum)) : (sums as bigint[])
    await this.send(disputeGame, 'voidReceipt', [header, index % batch.header.count, row, channel, requestId])
    batch.voided.add(index % batch.header.count)
    if (misSplit) batch.balanced = false
    const key = (channel === zeroHash ? requestId : channel) as Hex
    const fee = row[0] as bigint
    const place = `${number} ${key}`
    this.pending.set(place, { batch: number, key, wei: (this.pending.get(place)?.wei ?? 0n) + fee })
    batch.parts -= fee
  }

  async voidBatch(number: number, caller: Hex): Promise<void> {
    const batch = this.batches[number]
    if (batch === undefined) return
    await this.send(caller, 'voidBatch', [batch.header, batch.segments])
    batch.state = 'void'
    this.#refundSegments(batch)
  }

  async mature(count: number): Promise<void> {
    const next = this.batches.slice(Number(this.#mature)).slice(0, count)
    await this.send(attributionLedger, 'matureBatches', [next.map(({ header }) => header)])
    this.#mature += BigInt(next.length)
    for (const batch of next) {
      if (batch.state === 'void') continue
      batch.state = batch.balanced ? 'mature' : 'owed'
      if (!batch.balanced) continue
      this.matured += batch.parts
      batch.held -= batch.parts
    }
  }
  #mature = 0n

  async settleRefund(number: number): Promise<void> {
    const [place, refund] = [...this.pending][number % Math.max(this.pending.size, 1)] ?? []
    if (place === undefined || refund === undefined) return
    await this.send(disputeGame, 'settleRefund', [BigInt(refund.batch + 1), refund.key])
    this.pending.delete(place)
    const batch = this.batches[refund.batch] as (typeof this.batches)[0]
    batch.held -= refund.wei
    this.#give(refund.key, refund.wei)
  }

  async refundBatch(number: number): Promise<void> {
    const batch = this.batches[number]
    if (batch === undefined) return
    await this.send(disputeGame, 'refundBatch', [batch.header, batch.segments])
    batch.state = 'void'
    this.#refundSegments(batch)
  }

  async refundRequest(number: number): Promise<void> {
    const [id, request] = [...this.escrow][number % Math.max(this.escrow.size, 1)] ?? []
    if (id === undefined || request === undefined) return
    await this.send(request.payer, 'refund', [id])
    this.refunds.set(request.payer, (this.refunds.get(request.payer) ?? 0n) + request.wei)
    request.wei = 0n
  }

  async claim(payer: Actor): Promise<void> {
    await this.send(payer, 'claimRefund', [payer.address])
    this.refunds.delete(payer)
  }

  async payEpoch(credits: bigint, platform: bigint, stakers: bigint): Promise<void> {
    await this.send(attributionLedger, 'payEpoch', [credits, platform, stakers])
    this.matured -= credits + platform + stakers
  }

  /** Everything out, each by who it belongs to. */
  async empty(): Promise<void> {
    const { chain } = this.world
    chain.advance(clocks.window + 3_601n)
    for (const _ of this.batches) await attempt(() => this.mature(1))
    for (const [i] of this.batches.entries()) await attempt(() => this.refundBatch(i))
    for (let i = this.pending.size; i > 0; i--)
      for (let k = 0; k < this.pending.size; k++) await attempt(() => this.settleRefund(k))
    for (const [i] of [...this.escrow].entries()) await attempt(() => this.refundRequest(i))
    for (const payer of this.world.payers) await attempt(() => this.claim(payer))
    for (const { payer, worker, balance } of this.channels.values()) {
      if (balance > 0n) await this.send(payer, 'requestWithdrawal', [worker.address, balance])
    }
    chain.advance(clocks.withdrawalDelay)
    for (const { payer, worker } of this.channels.values()) await attempt(() => this.withdraw(payer, worker))
    await this.payEpoch(this.matured, 0n, 0n)
  }

  #channel(payer: Actor, worker: Actor) {
    const id = channelOf(payer.address, worker.address)
    const channel = this.channels.get(id) ?? { payer, worker, balance: 0n }
    this.channels.set(id, channel)
    return channel
  }

  #refundSegments(batch: (typeof this.batches)[0]): void {
    for (const { channel, requestId, fee } of batch.segments)
      this.#give(channel === zeroHash ? requestId : channel, fee)
    batch.held = 0n
    for (const [place, refund] of this.pending) if (this.batches[refund.batch] === batch) this.pending.delete(place)
  }

  #settleRequest(id: Hex, fee: bigint): void {
    const request = this.escrow.get(id) as { payer: Actor; wei: bigint }
    this.refunds.set(request.payer, (this.refunds.get(request.payer) ?? 0n) + request.wei - fee)
    request.wei = 0n
  }

  #give(key: Hex, wei: bigint): void {
    const channel = this.channels.get(key)
    if (channel !== undefined) channel.balance += wei
    else (this.escrow.get(key) as { wei: bigint }).wei += wei
  }
}

type State = 'committed' | 'mature' | 'void' | 'owed'

/** True where it went through. What is refused changes nothing and says why. */
async function attempt(act: () => Promise<void>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    if (!(error instanceof Reverted)) throw error
    expect(error.error).toMatch(/^[A-Z][A-Za-z]+$/)
    return false
  }
}

const number = fc.nat(1_000)
const steps = fc.array(fc.tuple(fc.nat(17), number, number, number), { minLength: 30, maxLength: 80 })

async function step(books: Books, [kind, a, b, c]: readonly [number, number, number, number]): Promise<void> {
  const { world } = books
  const payer = world.payers[a % 3] as Actor
  const worker = world.workers[b % 2] as Actor
  const any = a % Math.max(books.batches.length, 1)
  const last = books.batches.length - 1
  const commit = () => {
    const payers = world.payers.slice(0, 1 + (c % 3))
    return books.commit(worker, payers, 1 + (a % 200), c % 4 === 0)
  }
  const acts = [
    () => books.deposit(payer, world.payers[c % 3] as Actor, worker, BigInt(1 + c) * 10n ** 16n),
    async () => {
      await books.send(payer, 'requestWithdrawal', [worker.address, BigInt(1 + c) * 10n ** 15n])
    },
    () => books.withdraw(payer, worker),
    async () => {
      await books.send(payer, 'cancelWithdrawal', [worker.address])
    },
    commit,
    commit,
    async () => world.chain.advance(1 + (c % 90)),
    async () => world.chain.advance(1 + (c % 90)),
    () => books.mature(1),
    () => books.mature(1 + (c % 3)),
    () => books.voidReceipt(last, b, c % 8 === 0),
    () => books.voidReceipt(any, b, false),
    () => books.voidBatch(any, c % 2 === 0 ? disputeGame : attributionLedger),
    () => books.settleRefund(c),
    () => books.refundBatch(any),
    () => books.refundRequest(c),
    () => books.claim(payer),
    () => {
      const part = books.matured / BigInt(1 + (c % 3))
      return books.payEpoch(part, a % 5 === 0 ? 1n : 0n, 0n)
    },
  ]
  await attempt(acts[kind] as () => Promise<void>)
}

test('whatever anybody does, the market holds what it owes, and everybody gets theirs out', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const books = new Books(await MarketWorld.create())
      const { chain, payers, workers } = books.world
      for (const payer of payers) for (const worker of workers) await books.deposit(payer, payer, worker, open)
      for (const each of list) {
        await step(books, each)
        expect(chain.balance('InferenceMarket')).toBe(books.total)
      }
      await books.empty()
      expect(chain.balance('InferenceMarket')).toBe(0n)
      expect(chain.supply()).toBe(10n ** 27n)
    }),
    { numRuns: 10 },
  )
}, 180_000)
