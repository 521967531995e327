import { type AttributionEntry, entryPools, payeePools, poolOf, poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { epochStateOf, noEpoch, type Totals } from '../../protocol/epoch-record.ts'
import { receiptSums } from '../../protocol/fee.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import { ChaosCalls } from './chaos-calls.ts'
import { type BuiltEpoch, type BuiltReceipt, batchOf, claimOf, entryTree, epochOf, siblingsOf } from './money-batch.ts'
import { type Actor, addressOf, clocks, type MoneyContract, Reverted, type Sent } from './money-chain.ts'
import { MoneyLaws } from './money-laws.ts'
import { type CommittedBatch, MoneyWorld, type ProposedEpoch } from './money-world.ts'
import type { Random } from './random.ts'
import { stake } from './standing-model.ts'

const names = ['ann', 'bob', 'cleo', 'dan', 'eve'] as const
const noisy: readonly MoneyContract[] = [
  'InferenceMarket',
  'RoyaltyVault',
  'AttributionLedger',
  'DisputeGame',
  'WorkerRegistry',
  'ModelRegistry',
  'RevenueSplitter',
  'DatanetRegistry',
  'CodeRegistry',
  'OpenBurner',
]

/** Receipts with one that is wrong, if any, and what proves it. */
type Spoilt = { readonly receipts: readonly BuiltReceipt[]; readonly proof?: (batch: CommittedBatch) => Challenge }

type Demanded = { readonly demand: unknown; readonly batch: CommittedBatch; readonly index: number }

type Challenge = { readonly name: string; readonly args: readonly unknown[] }

/** Random actors over all contracts of money: honest business, wrong business with its challenges, and plain noise. */
export class MoneyFuzz {
  readonly world: MoneyWorld
  readonly laws: MoneyLaws
  /** How often each call ended how. */
  readonly outcomes = new Map<string, number>()
  readonly #random: Random
  readonly #actors: readonly Actor[]
  readonly #chaos: ChaosCalls
  /** What proves a batch or epoch wrong that was made so on purpose. */
  readonly #wrongBatches = new Map<bigint, Challenge>()
  readonly #wrongEpochs = new Map<ProposedEpoch, Challenge>()
  readonly #orphans: ProposedEpoch[] = []
  readonly #demands: Demanded[] = []
  #finals = 0

  static async create(random: Random, world?: MoneyWorld): Promise<MoneyFuzz> {
    const fuzz = new MoneyFuzz(world ?? (await MoneyWorld.create()), random)
    for (const worker of fuzz.#actors) fuzz.#learn(await stake(fuzz.world.chain, worker))
    return fuzz
  }

  constructor(world: MoneyWorld, random: Random) {
    this.world = world
    this.laws = new MoneyLaws(world.chain)
    this.#random = random
    this.#actors = names.map((name) => world.chain.actor(name))
    const addresses = [...this.#actors.map(({ address }) => address), ...noisy.map(addressOf)]
    this.#chaos = new ChaosCalls(random, noisy, addresses)
  }

  /** One thing that somebody does. */
  async step(): Promise<void> {
    const total = this.#actions.reduce((sum, [weight]) => sum + weight, 0)
    let at = this.#random.int(total)
    const found = this.#actions.find(([weight]) => {
      at -= weight
      return at < 0
    })
    await found?.[1]()
  }

  /** Everybody takes out what is theirs; then the contracts hold what nobody can claim yet, and not a wei more. */
  async finish(): Promise<void> {
    const { world } = this
    for (let round = 0; round < 4; round++) {
      world.chain.advance(4n * clocks.window)
      for (const demanded of this.#demands) await this.#miss(demanded)
      while ((await this.#mature(8)) !== undefined);
      while ((await this.#finalize()) !== undefined);
      await this.#release()
      await this.#propose(false)
    }
    for (const [id] of world.batches.entries()) await this.#refundsOf(id)
    // Noise may have named a recipient that takes no money.
    for (const payee of this.#actors) await this.#act(payee, 'RoyaltyVault', 'setRecipient', [zeroAddress])
    const last = world.epochs[this.#finals - 1]
    for (const { payee, cumulative } of last?.built.payouts ?? []) {
      if (last !== undefined) await this.#claim(payee, last)
      const claimed = this.laws.claimed.get(payee) ?? 0n
      if (claimed !== cumulative) throw new Error(`${payee} was paid ${claimed} wei of ${cumulative}`)
    }
    await this.#emptyChannels()
    for (const worker of this.#actors) await this.#leave(worker)
    for (const subject of [...this.laws.rewards.keys()]) await this.#reward(subject)
    await this.laws.check()
    for (const name of ['InferenceMarket', 'AttributionLedger', 'DisputeGame', 'WorkerRegistry'] as const) {
      if (world.chain.balance(name) !== 0n) throw new Error(`${name} keeps ${world.chain.balance(name)} wei`)
    }
  }

  readonly #actions: readonly (readonly [weight: number, act: () => Promise<unknown>])[] = [
    [12, () => this.#deposit()],
    [14, () => this.#commit()],
    [10, async () => this.world.chain.advance(1 + this.#random.int(20))],
    [10, () => this.#mature(1 + this.#random.int(3))],
    [8, () => this.#challenge()],
    [6, () => this.#falseChallenge()],
    [6, () => this.#propose(this.#random.chance(0.25))],
    [6, () => this.#finalize()],
    [3, () => this.#release()],
    [10, () => this.#claimAny()],
    [6, () => this.#withdrawal()],
    [5, () => this.#bonding()],
    [4, () => this.#reward()],
    [5, () => this.#demand()],
    [6, () => this.#answer()],
    [4, () => this.#refundsOf(this.#random.int(this.world.batches.length + 1))],
    [5, () => this.#act(this.#anyone, 'InferenceMarket', 'claimRefund', [this.#anyone.address])],
    [20, () => this.#noise()],
  ]

  get #anyone(): Actor {
    return this.#random.pick(this.#actors)
  }

  /** A transaction; undefined where it reverted. What it did is learnt by the laws and kept for noise. */
  async #act(
    from: Actor | Hex,
    contract: MoneyContract,
    name: string,
    args: readonly unknown[],
    value = 0n,
  ): Promise<Sent | undefined> {
    const count = (how: string) => {
      const key = `${contract}.${name} ${how}`
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1)
    }
    try {
      const sent = await this.world.chain.send(from, contract, name, args, { value })
      count('done')
      this.#learn(sent)
      this.#chaos.remember(contract, name, args)
      return sent
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
      count(error.error)
      return undefined
    }
  }

  #learn({ events }: Sent): void {
    this.laws.learn(events)
    const { batches, epochs } = this.world
    for (const { name, args } of events) {
      const batch = batches[Number(args['batchId'] ?? 0) - 1]
      if (name === 'ReceiptVoided') batch?.voided.add(Number(args['index']))
      if (name === 'BatchVoided' && batch !== undefined) batch.isVoid = true
      if (name === 'EpochReverted') this.#orphans.push(...epochs.splice(Number(args['epoch']) - 1).slice(1))
      if (name === 'EpochFinalized') this.#finals = Number(args['epoch'])
    }
  }

  async #deposit(): Promise<unknown> {
    const value = this.#random.chance(0.1) ? 1n : BigInt(this.#random.int(1000)) * 10n ** 15n
    return await this.#act(this.#anyone, 'InferenceMarket', 'deposit', [this.#anyone.address], value)
  }

  async #commit(): Promise<void> {
    const { world } = this
    const worker = this.#anyone
    const payers = [this.#anyone, ...(this.#random.chance(0.4) ? [this.#anyone] : [])]
    const plans = payers.flatMap((payer) =>
      this.#random.list(1 + this.#random.int(3), () =>
        world.plan(payer, worker, 1 + this.#random.int(60), this.#random.int(40)),
      ),
    )
    const built = world.build(worker, plans)
    const { receipts, proof } = this.#random.chance(0.35)
      ? this.#spoil(built.receipts, worker)
      : unchanged(built.receipts)
    const batch = batchOf(worker.address, receipts, world.terms.class, world.chain.now + 600n)
    const before = world.batches.length
    try {
      const { sent } = await world.commit(worker, batch)
      this.#learn(sent)
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
      return
    }
    const committed = world.batches[before]
    if (committed !== undefined && proof !== undefined) {
      this.#wrongBatches.set(committed.header.batchId, proof(committed))
    }
  }

  /** Makes one receipt wrong, in a way that the commit cannot see. */
  #spoil(receipts: readonly BuiltReceipt[], worker: Actor): Spoilt {
    const index = this.#random.int(receipts.length)
    const right = receipts[index] as BuiltReceipt
    const put = (receipt: BuiltReceipt) => receipts.map((each, i) => (i === index ? receipt : each))
    const opened = (batch: CommittedBatch) => this.world.openedReceipt(batch, index)
    const segments = (batch: CommittedBatch) => batch.built.segments
    switch (this.#random.int(4)) {
      case 0: {
        // Another count in the row than in the receipt.
        const sums = right.sums.map((sum, i) => (i === 1 ? sum + 1n : sum))
        const proof = (batch: CommittedBatch) => ({ name: 'badReceipt', args: [opened(batch), segments(batch)] })
        return { receipts: put({ ...right, sums }), proof }
      }
      case 1: {
        // The worker's part goes to another account.
        const thief = this.#anyone.address
        if (thief === worker.address) return unchanged(receipts)
        const entries = right.entries.map((entry) => (entry.class === 1 ? { ...entry, payee: thief } : entry))
        const receipt = { ...right.receipt, attrRoot: bytesToHex(entryTree(entries).root) }
        const at = entries.findIndex((entry) => entry.class === 1)
        const proof = (batch: CommittedBatch) => ({
          name: 'badEntry',
          args: [opened(batch), segments(batch), openedEntry(entries, at)],
        })
        return { receipts: put({ ...right, entries, receipt }), proof }
      }
      case 2: {
        // The contributors' part goes to the model.
        const parts = { ...right.parts, model: right.parts.model + right.parts.contributors, contributors: 0n }
        const proof = (batch: CommittedBatch) => ({
          name: 'badTerms',
          args: [opened(batch), segments(batch), openedRequest(right.request)],
        })
        return { receipts: put({ ...right, parts, sums: receiptSums(right.receipt, parts) }), proof }
      }
      default: {
        // A receipt that was settled before, in front of the others.
        const earlier = this.world.batches.find(({ header, isVoid }) => header.worker === worker.address && !isVoid)
        const again = earlier?.built.receipts[0]
        if (earlier === undefined || again === undefined || earlier.voided.has(0)) return unchanged(receipts)
        if (again.voucher.channel !== receipts[0]?.voucher.channel) return unchanged(receipts)
        const proof = (batch: CommittedBatch) => ({
          name: 'duplicateRequest',
          args: [this.world.openedReceipt(batch, 0), segments(batch), this.world.openedReceipt(earlier, 0)],
        })
        return { receipts: [again, ...receipts], proof }
      }
    }
  }

  async #challenge(): Promise<void> {
    const { world } = this
    const challenges = [...this.#wrongBatches.values(), ...this.#wrongEpochs.values()]
    if (challenges.length === 0) return
    const { name, args } = this.#random.pick(challenges.slice(-6))
    await this.#act(this.#anyone, 'DisputeGame', name, args)
    for (const epoch of this.#wrongEpochs.keys()) if (!world.epochs.includes(epoch)) this.#wrongEpochs.delete(epoch)
  }

  /** A challenge of what is right must come to nothing. */
  async #falseChallenge(): Promise<void> {
    const { batches } = this.world
    if (batches.length === 0) return
    const batch = this.#random.pick(batches)
    if (this.#wrongBatches.has(batch.header.batchId)) return
    const index = this.#random.int(batch.built.receipts.length)
    const { request, receipt, entries, voucher, signature } = batch.built.receipts[index] as BuiltReceipt
    const [opened, segments] = [this.world.openedReceipt(batch, index), batch.built.segments]
    const { r, vs } = signature
    const none = { requestId: receipt.requestId, tout: 0, outputRoot: receipt.outputRoot }
    const payment = { voucher, signature: { r, vs }, cut: false, cancel: none, cancelSignature: { r, vs } }
    const { name, args } = this.#random.pick<Challenge>([
      { name: 'badReceipt', args: [opened, segments] },
      { name: 'badTerms', args: [opened, segments, openedRequest(request)] },
      { name: 'badPayment', args: [opened, segments, payment] },
      { name: 'badEntry', args: [opened, segments, openedEntry(entries, this.#random.int(entries.length))] },
      { name: 'duplicateRequest', args: [opened, segments, opened] },
    ])
    const sent = await this.#act(this.#anyone, 'DisputeGame', name, args)
    if (sent !== undefined) throw new Error(`${name} held against an honest receipt`)
  }

  async #mature(count: number): Promise<Sent | undefined> {
    const [lastMature] = (await this.world.chain.read('InferenceMarket', 'maturedTotals')) as [bigint, Totals]
    const next = this.world.batches.slice(Number(lastMature), Number(lastMature) + count)
    if (next.length === 0) return undefined
    const all = await this.#act(this.#anyone, 'InferenceMarket', 'matureBatches', [next.map(({ header }) => header)])
    return all ?? (await this.#act(this.#anyone, 'InferenceMarket', 'matureBatches', [[next[0]?.header]]))
  }

  async #propose(isWrong: boolean): Promise<void> {
    const { world } = this
    const [lastMature] = (await world.chain.read('InferenceMarket', 'maturedTotals')) as [bigint, Totals]
    const batches = world.batches.slice(Number(world.parent.lastBatch), Number(lastMature))
    const live = batches.some(({ isVoid, voided, built }) => !isVoid && voided.size < built.receipts.length)
    if (!live) return
    const right = world.buildEpoch(batches)
    const built = isWrong ? spoiltEpoch(right) : right
    try {
      const { epoch, sent } = await world.propose(batches, built ?? right)
      this.#learn(sent)
      if (built === undefined || !isWrong) return
      this.#wrongEpochs.set(epoch, this.#amountChallenge(epoch))
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
    }
  }

  #amountChallenge({ record, built, batches }: ProposedEpoch): Challenge {
    const credit = built.credits[0]
    if (credit === undefined) throw new Error('an epoch has credits')
    const [batch, index] = receiptOf(batches, credit.receipt)
    const { entries } = batch.built.receipts[index] as BuiltReceipt
    const opened = { credit: { index: 0, ...credit }, siblings: siblingsOf(built.creditsTree, 0) }
    return {
      name: 'badAmount',
      args: [record, opened, this.world.openedReceipt(batch, index), openedEntry(entries, credit.entry)],
    }
  }

  async #finalize(): Promise<Sent | undefined> {
    const { epochs } = this.world
    const epoch = epochs[this.#finals]
    if (epoch === undefined) return undefined
    // Whoever watches does not let a wrong epoch pass.
    const challenge = this.#wrongEpochs.get(epoch)
    if (challenge !== undefined) {
      await this.#act(this.#anyone, 'DisputeGame', challenge.name, challenge.args)
      return undefined
    }
    const before = epochs[this.#finals - 1]
    const parent = before === undefined ? noEpoch : epochStateOf(before.record)
    return await this.#act(this.#anyone, 'AttributionLedger', 'finalizeEpoch', [epoch.record, parent])
  }

  async #release(): Promise<void> {
    for (const { record } of this.#orphans.splice(0)) {
      await this.#act(this.#anyone, 'AttributionLedger', 'releaseOrphan', [record])
    }
  }

  async #claimAny(): Promise<void> {
    const finals = this.world.epochs.slice(0, this.#finals)
    if (finals.length === 0) return
    const epoch = this.#random.pick(finals)
    await this.#claim(this.#random.pick(epoch.built.payouts).payee, epoch)
  }

  async #claim(payee: Hex, { record, built }: ProposedEpoch): Promise<void> {
    const claim = claimOf(record.header.epoch, built, payee)
    if (payee === datanetUnits) await this.#act(this.#anyone, 'RoyaltyVault', 'claimToPool', [1, 1n, claim])
    else await this.#act(payee, 'RoyaltyVault', 'claim', [claim])
  }

  async #withdrawal(): Promise<void> {
    const [payer, worker] = [this.#anyone, this.#anyone]
    const kind = this.#random.int(3)
    if (kind === 0) {
      const amount = BigInt(this.#random.int(500)) * 10n ** 15n
      await this.#act(payer, 'InferenceMarket', 'requestWithdrawal', [worker.address, amount])
    } else if (kind === 1) await this.#act(payer, 'InferenceMarket', 'cancelWithdrawal', [worker.address])
    else await this.#act(payer, 'InferenceMarket', 'withdraw', [worker.address, payer.address])
  }

  async #refundsOf(batchIndex: number): Promise<void> {
    const batch = this.world.batches[batchIndex]
    if (batch === undefined) return
    const { header, built, voided } = batch
    if (voided.size === 0) return
    await this.#act(this.#anyone, 'InferenceMarket', 'refundBatch', [header, built.segments])
    for (const { channel, requestId } of built.segments) {
      await this.#act(this.#anyone, 'InferenceMarket', 'settleRefund', [
        header.batchId,
        channel === zeroHash ? requestId : channel,
      ])
    }
  }

  /** Takes all of a worker's stake out. */
  async #leave(worker: Actor): Promise<void> {
    const { chain } = this.world
    const { stake: staked } = (await chain.read('WorkerRegistry', 'workers', [worker.address])) as { stake: bigint }
    await this.#act(worker, 'WorkerRegistry', 'requestUnbond', [staked])
    chain.advance(clocks.unbonding)
    await this.#act(worker, 'WorkerRegistry', 'withdraw', [worker.address])
  }

  async #bonding(): Promise<void> {
    const worker = this.#anyone
    const amount = BigInt(this.#random.int(300)) * 10n ** 18n
    const kind = this.#random.int(5)
    if (kind === 0) await this.#act(worker, 'WorkerRegistry', 'requestUnbond', [amount])
    else if (kind === 1) await this.#act(worker, 'WorkerRegistry', 'cancelUnbond', [])
    else if (kind === 2) await this.#act(worker, 'WorkerRegistry', 'withdraw', [worker.address])
    else if (kind === 3) await this.#act(worker, 'WorkerRegistry', 'unjail', [])
    else await this.#act(worker, 'WorkerRegistry', 'addStake', [], amount)
  }

  /** Pays out a reward that was won. */
  async #reward(subject = [...this.laws.rewards.keys()].at(-1)): Promise<void> {
    if (subject === undefined) return
    const { holder } = (await this.world.chain.read('DisputeGame', 'rewardOf', [subject])) as { holder: Hex }
    await this.#act(holder, 'DisputeGame', 'payReward', [subject, holder])
  }

  /** Asks a worker for a receipt. */
  async #demand(): Promise<void> {
    const batch = this.world.batches.at(-1)
    if (batch === undefined) return
    const index = this.#random.int(batch.built.receipts.length)
    const price = 10n ** 16n
    const sent = await this.#act(this.#anyone, 'AttributionLedger', 'requestReceipt', [batch.header, index], price)
    const demand = sent?.events.find(({ name }) => name === 'DataRequested')?.args['demand']
    if (demand !== undefined) this.#demands.push({ demand, batch, index })
  }

  /** Shows a receipt that was asked for, or says that nobody did. */
  async #answer(): Promise<void> {
    if (this.#demands.length === 0) return
    const { demand, batch, index } = this.#random.pick(this.#demands)
    const { receipt, request, voucher, signature, sums } = batch.built.receipts[index] as BuiltReceipt
    const { r, vs } = signature
    const none = { requestId: receipt.requestId, tout: 0, outputRoot: receipt.outputRoot }
    const payment = { voucher, signature: { r, vs }, cut: false, cancel: none, cancelSignature: { r, vs } }
    const served = { receipt, request, onChain: false, payment, sums, siblings: siblingsOf(batch.built.tree, index) }
    const isMissing = this.#random.chance(0.4)
    if (isMissing) await this.#miss({ demand, batch })
    else await this.#act(this.#anyone, 'AttributionLedger', 'serveReceipt', [demand, served])
  }

  async #miss({ demand, batch }: Pick<Demanded, 'demand' | 'batch'>): Promise<void> {
    const args = [demand, batch.header, batch.isVoid ? [] : batch.built.segments]
    await this.#act(this.#anyone, 'AttributionLedger', 'batchDataMissing', args)
  }

  /** Everything out of every channel, and every refund. */
  async #emptyChannels(): Promise<void> {
    const { chain } = this.world
    const { channels, accounts } = this.laws
    const [keeper] = this.#actors
    for (const [channel, { payer, worker }] of channels) {
      const { balance } = (await chain.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }
      if (balance > 0n) await this.#act(payer, 'InferenceMarket', 'requestWithdrawal', [worker, balance])
    }
    chain.advance(clocks.withdrawalDelay)
    for (const { payer, worker } of channels.values()) {
      await this.#act(payer, 'InferenceMarket', 'withdraw', [worker, keeper?.address])
    }
    for (const account of accounts) await this.#act(account, 'InferenceMarket', 'claimRefund', [keeper?.address])
  }

  async #noise(): Promise<void> {
    const { contract, functionName, args, isPayable } = this.#chaos.next()
    const value = isPayable && this.#random.chance(0.7) ? this.#random.big(60) : 0n
    await this.#act(this.#anyone, contract, functionName, args, value)
  }
}

const datanetUnits = poolPayee(payeePools.units, 1n)

const unchanged = (receipts: readonly BuiltReceipt[]): Spoilt => ({ receipts })

/** `OpenedEntry` of a challenge. */
function openedEntry(entries: readonly AttributionEntry[], index: number) {
  const entry = entries[index] as AttributionEntry
  const pool = poolOf(entry.class)
  const sums = entryPools.map((each) => (each === pool ? BigInt(entry.weight) : 0n))
  return { n: entries.length, entry: { index, ...entry }, sums, siblings: siblingsOf(entryTree(entries), index) }
}

/** Batch and place of a receipt by its number in an epoch. */
function receiptOf(batches: readonly CommittedBatch[], number: number): readonly [CommittedBatch, number] {
  let at = number
  for (const batch of batches) {
    if (batch.isVoid) continue
    if (at < batch.built.receipts.length) return [batch, at]
    at -= batch.built.receipts.length
  }
  throw new Error(`the epoch has no receipt ${number}`)
}

/** The epoch with a wei less for the first credit; undefined where that is zero. */
function spoiltEpoch({ credits, payouts }: BuiltEpoch): BuiltEpoch | undefined {
  const [first, ...others] = credits
  if (first === undefined || first.amount === 0n) return undefined
  const less = ({ payee, cumulative }: BuiltEpoch['payouts'][number]) =>
    payee === first.payee ? { payee, cumulative: cumulative - 1n } : { payee, cumulative }
  return epochOf([{ ...first, amount: first.amount - 1n }, ...others], payouts.map(less))
}
