import { encodeAbiParameters, toFunctionSelector } from 'viem'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { defaultShares } from '../../protocol/fee.ts'
import { type BatchHeader, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type BuiltBatch, buildBatch, type Plan, type Terms } from './money-batch.ts'
import { type Actor, MoneyChain, open, type Sent } from './money-chain.ts'

/** Contracts that the market obeys, as callers. */
export const { disputeGame, attributionLedger, workerRegistry, moneyTimelock } = openLedgerPredeploys

/** One inference to be; `onChain` where its request is opened on the market. */
export type MarketPlan = Plan & { readonly onChain: boolean }

export type MarketBatch = {
  readonly built: BuiltBatch
  readonly segments: readonly Segment[]
  readonly header: BatchHeader
}

const price = { rin: 3n * 10n ** 15n, rout: 6n * 10n ** 15n }
const modelVersion: Hex = `0x${'00'.repeat(19)}07${'00'.repeat(11)}01`
const hash: Hex = `0x${'11'.repeat(32)}`

/** A chain with the market, two staked workers, and one price that every model has. */
export class MarketWorld {
  readonly chain: MoneyChain
  readonly workers: readonly [Actor, Actor]
  readonly payers: readonly [Actor, Actor, Actor]
  terms: Terms = {
    modelVersion,
    class: 1,
    priceVersion: 1,
    price,
    shares: defaultShares,
    royaltyHash: hash,
    indexSetHash: hash,
  }
  readonly #spent = new Map<Hex, bigint>()
  #nonce = 0n

  static async create(): Promise<MarketWorld> {
    const world = new MarketWorld(await MoneyChain.create())
    world.setPrice(world.chain.now + 30n * 86_400n)
    for (const worker of world.workers) await world.setStake(worker, 1_000n * open)
    return world
  }

  constructor(chain: MoneyChain) {
    this.chain = chain
    this.workers = [chain.actor('worker 0'), chain.actor('worker 1')]
    this.payers = [chain.actor('payer 0'), chain.actor('payer 1'), chain.actor('payer 2')]
  }

  /** Puts code where the ModelRegistry stands that gives every version this price, and says of all whether they are frozen. */
  setPrice(validUntil: bigint, setAt = 1n, isFrozen = false): void {
    const words = encodeAbiParameters(
      ['uint128', 'uint128', 'uint64', 'uint32', 'uint64'].map((type) => ({ type })),
      [price.rin, price.rout, validUntil, 1, setAt],
    )
    // Where the selector is that of isFrozen, JUMPI to its answer; else CODECOPY of the 160 bytes behind the code. RETURN.
    const asked = `5f3560e01c63${toFunctionSelector('isFrozen(bytes32)').slice(2)}14601857`
    const answers = `60a060215f3960a05ff35b60${isFrozen ? '01' : '00'}5f5260205ff3`
    const code = hexToBytes(`0x${asked}${answers}${words.slice(2)}`)
    this.chain.evm.state.account(openLedgerPredeploys.modelRegistry).code = code
  }

  async setStake(worker: Actor, free: bigint): Promise<Sent> {
    return await this.chain.send(workerRegistry, 'InferenceMarket', 'setStake', [worker.address, free])
  }

  async deposit(payer: Actor, worker: Actor, value: bigint): Promise<Sent> {
    return await this.chain.send(payer, 'InferenceMarket', 'deposit', [worker.address], { value })
  }

  plan(payer: Actor, more: Partial<MarketPlan> = {}): MarketPlan {
    const entry = { id: 0n, evidenceHash: zeroHash, weight: 1_000_000, payee: payer.address }
    const entries = [entryClasses.M, entryClasses.W, entryClasses.U].map((each) => ({ ...entry, class: each }))
    const deadline = this.chain.now + 3_600n
    return { payer, tin: 100, tout: 50, entries, nonce: this.#nonce++, deadline, onChain: false, ...more }
  }

  build(worker: Actor, plans: readonly MarketPlan[], notAfter = this.chain.now + 600n): Omit<MarketBatch, 'header'> {
    const built = buildBatch(worker, plans, this.terms, (channel) => this.#spent.get(channel) ?? 0n, notAfter)
    const opened = new Set(plans.flatMap(({ onChain }, i) => (onChain ? [built.receipts[i]?.receipt.requestId] : [])))
    const segments = built.segments.map((segment) =>
      opened.has(segment.requestId)
        ? { ...emptySegment, requestId: segment.requestId, count: segment.count, fee: segment.fee }
        : segment,
    )
    return { built, segments }
  }

  /** The transaction, whatever becomes of it. */
  async commit(worker: Actor, { built, segments }: Omit<MarketBatch, 'header'>) {
    const sent = await this.chain.send(worker, 'InferenceMarket', 'commitBatch', [built.input, segments])
    for (const { channel, fee } of segments) this.#spent.set(channel, (this.#spent.get(channel) ?? 0n) + fee)
    const { count, sums, class: proofClass, dataHash } = built.input as BatchHeader
    const header: BatchHeader = {
      batchId: sent.result as bigint,
      worker: worker.address,
      committedAt: this.chain.now,
      l2Block: this.chain.blockNumber,
      receiptRoot: bytesToHex(built.tree.root),
      count,
      sums,
      class: proofClass,
      dataHash,
      segmentsHash: bytesToHex(segmentsHash(segments)),
    }
    return { batch: { built, segments, header }, sent }
  }

  /** Deposits what the plans cost and commits them. */
  async settle(worker: Actor, plans: readonly MarketPlan[]) {
    const batch = this.build(worker, plans)
    for (const [i, { payer, onChain }] of plans.entries()) {
      const { request, receipt } = batch.built.receipts[i] ?? unreachable()
      if (!onChain) await this.deposit(payer, worker, receipt.fee)
      else await this.chain.send(payer, 'InferenceMarket', 'open', [request], { value: request.maxFee })
    }
    return await this.commit(worker, batch)
  }

  /** Arguments of `voidReceipt`. */
  receiptArgs({ header, built, segments }: MarketBatch, index: number): readonly unknown[] {
    let end = 0
    const segment = segments.find(({ count }) => {
      end += count
      return index < end
    })
    if (segment === undefined) return unreachable()
    return [header, index, built.receipts[index]?.sums, segment.channel, segment.requestId]
  }
}

export const emptySegment: Segment = {
  channel: zeroHash,
  count: 0,
  fee: 0n,
  requestId: zeroHash,
  maxFee: 0n,
  cumulativeCap: 0n,
  deadline: 0n,
  r: zeroHash,
  vs: zeroHash,
}

function unreachable(): never {
  throw new Error('no such receipt')
}
