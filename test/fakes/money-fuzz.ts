import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { epochStateOf, noEpoch, type Totals } from '../../protocol/epoch-record.ts'
import { receiptSums } from '../../protocol/fee.ts'
import { modelVersionHash, openedRequest } from '../../protocol/inference-request.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { deploy } from '../contracts/chain.ts'
import { changed } from './batch-mutations.ts'
import { ChaosCalls } from './chaos-calls.ts'
import { FuzzClaims } from './fuzz-claims.ts'
import { FuzzData } from './fuzz-data.ts'
import { FuzzRare } from './fuzz-rare.ts'
import { FuzzRegistries } from './fuzz-registries.ts'
import type { Action, FuzzSite } from './fuzz-site.ts'
import {
  type BuiltEpoch,
  type BuiltReceipt,
  batchOf,
  entryTree,
  epochOf,
  onChain,
  type Plan,
  siblingsOf,
} from './money-batch.ts'
import { type Actor, addressOf, clocks, type MoneyContract, open, Reverted, type Sent } from './money-chain.ts'
import { openedEntry } from './money-evidence.ts'
import { MoneyLaws } from './money-laws.ts'
import { type CommittedBatch, MoneyWorld, type ProposedEpoch, type WrongProposal } from './money-world.ts'
import type { Random } from './random.ts'
import { stake } from './standing-model.ts'
import { tally } from './tally.ts'

const names = ['ann', 'bob', 'cleo', 'dan', 'eve'] as const
export const moneyContracts: readonly MoneyContract[] = [
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
  'AttributionCaller',
]
const hostile: Hex = `0x${'7f'.repeat(20)}`

/** Receipts with one that is wrong, if any, and what proves it. */
type Spoilt = { readonly receipts: readonly BuiltReceipt[]; readonly proof?: (batch: CommittedBatch) => Challenge }

type Challenge = { readonly name: string; readonly args: readonly unknown[] }

/** Random actors over all contracts of money: honest business, wrong business with its challenges, and plain noise. */
export class MoneyFuzz implements FuzzSite {
  readonly world: MoneyWorld
  readonly laws: MoneyLaws
  /** How often each call ended how. */
  readonly outcomes = new Map<string, number>()
  readonly random: Random
  readonly actors: readonly Actor[]
  readonly hostile = hostile
  readonly #chaos: ChaosCalls
  readonly #claims: FuzzClaims
  readonly #registries: FuzzRegistries
  readonly #data: FuzzData
  readonly #actions: readonly Action[]
  readonly #weight: number
  /** What proves a batch or epoch wrong that was made so on purpose. */
  readonly #wrongBatches = new Map<bigint, Challenge>()
  readonly #wrongEpochs = new Map<ProposedEpoch, Challenge>()
  readonly #orphans: ProposedEpoch[] = []
  /** Requests opened on chain that no batch has settled yet, by id. */
  readonly #opened = new Map<Hex, Plan>()
  #finals = 0
  /** Whose withdrawal was asked for last. */
  #asked: readonly [payer: Actor, worker: Actor] | undefined
  /** From here on everybody only takes out what is theirs. */
  #isOver = false

  static async create(random: Random, world?: MoneyWorld): Promise<MoneyFuzz> {
    const fuzz = new MoneyFuzz(world ?? (await MoneyWorld.create()), random)
    const { chain } = fuzz.world
    await deploy(chain.evm, 'HostileRecipient', hostile)
    await chain.sendRaw(fuzz.anyone, hostile, new Uint8Array(0), { value: 5_000n * open })
    for (const worker of fuzz.actors) if (worker.address !== hostile) fuzz.#learn(await stake(chain, worker))
    return fuzz
  }

  constructor(world: MoneyWorld, random: Random) {
    this.world = world
    this.laws = new MoneyLaws(world.chain)
    this.random = random
    const people = names.map((name) => world.chain.actor(name))
    // Whoever signs for a contract signs for nobody.
    const [{ sign }] = people as [Actor]
    this.actors = [...people, { address: hostile, sign }]
    const addresses = [...this.actors.map(({ address }) => address), ...moneyContracts.map(addressOf)]
    this.#chaos = new ChaosCalls(random, moneyContracts, addresses)
    this.#claims = new FuzzClaims(this)
    this.#registries = new FuzzRegistries(this)
    this.#data = new FuzzData(this)
    const parts = [this.#claims, this.#registries, this.#data, new FuzzRare(this)]
    this.#actions = [...this.#business, ...parts.flatMap(({ actions }) => actions)]
    this.#weight = this.#actions.reduce((sum, [weight]) => sum + weight, 0)
  }

  get anyone(): Actor {
    return this.random.pick(this.actors)
  }

  /** Somebody who serves; seldom the contract, which cannot. */
  get #worker(): Actor {
    const worker = this.anyone
    return worker.address === hostile && this.random.chance(0.9) ? this.#worker : worker
  }

  get finals(): readonly ProposedEpoch[] {
    return this.world.epochs.slice(0, this.#finals)
  }

  /** One thing that somebody does. */
  async step(): Promise<void> {
    let at = this.random.int(this.#weight)
    const found = this.#actions.find(([weight]) => {
      at -= weight
      return at < 0
    })
    await found?.[1]()
  }

  /** Everybody takes out what is theirs; then the contracts hold what nobody can claim yet, and not a wei more. */
  async finish(): Promise<void> {
    const { world } = this
    this.#isOver = true
    for (let round = 0; round < 4; round++) {
      world.chain.advance(4n * clocks.window)
      await this.#data.windUp()
      while ((await this.#mature(8)) !== undefined);
      while ((await this.#finalize()) !== undefined);
      await this.#release()
      await this.#propose(false)
    }
    for (const [id] of world.batches.entries()) await this.#refundsOf(id)
    await this.#claims.windUp()
    world.chain.advance(2n * 86_400n)
    for (const id of this.laws.requests) await this.act(this.anyone, 'InferenceMarket', 'refund', [id])
    await this.#emptyChannels()
    for (const worker of this.laws.stakes.keys()) await this.#leave(worker)
    for (const subject of [...this.laws.rewards.keys()]) {
      const holder = await this.#holderOf(subject)
      await this.act(holder, 'DisputeGame', 'payReward', [subject, holder])
    }
    await this.#registries.windUp()
    await this.laws.check()
    const empty = ['InferenceMarket', 'AttributionLedger', 'DisputeGame', 'WorkerRegistry', 'DatanetRegistry'] as const
    for (const name of empty) {
      if (world.chain.balance(name) !== 0n) throw new Error(`${name} keeps ${world.chain.balance(name)} wei`)
    }
  }

  get #business(): readonly Action[] {
    return [
      [12, () => this.#deposit()],
      [24, () => this.#commit()],
      [3, () => this.#badCommit()],
      [12, async () => this.world.chain.advance(1 + this.random.int(20))],
      [12, () => this.#mature(1 + this.random.int(3))],
      [8, () => this.#challenge()],
      [6, () => this.#falseChallenge()],
      [10, () => this.#propose(this.random.chance(0.25), this.random.chance(0.3) ? this.anyone : undefined)],
      [3, () => this.#badProposal()],
      [9, () => this.#finalize()],
      [3, () => this.#release()],
      [6, () => this.#withdrawal()],
      [5, () => this.#bonding()],
      [4, () => this.#reward()],
      [1, () => this.#dayPasses()],
      [5, () => this.#open()],
      [2, () => this.#refundRequest()],
      [4, () => this.#refundsOf(this.random.int(this.world.batches.length + 1))],
      [5, () => this.act(this.anyone, 'InferenceMarket', 'claimRefund', [this.anyone.address])],
      [20, () => this.#noise()],
    ]
  }

  /** A transaction; undefined where it reverted. What it did is learnt by the laws and kept for noise. */
  readonly act: FuzzSite['act'] = async (from, contract, name, args, value = 0n) => {
    const done = await this.#counted(contract, name, async () => {
      const sent = await this.world.chain.send(from, contract, name, args, { value })
      this.#chaos.remember(contract, name, args)
      return { sent }
    })
    return done?.sent
  }

  /** What `send` did, counted and learnt by the laws; undefined where it reverted. */
  async #counted<T extends { readonly sent: Sent }>(
    contract: MoneyContract,
    name: string,
    send: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      const done = await send()
      tally(this.outcomes, `${contract}.${name} done`)
      this.#learn(done.sent)
      return done
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
      tally(this.outcomes, `${contract}.${name} ${error.error}`)
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
      if (name === 'DataRequested') this.#data.learn(args)
    }
  }

  async #deposit(): Promise<unknown> {
    const value = this.random.chance(0.1) ? 1n : BigInt(this.random.int(1000)) * 10n ** 15n
    return await this.act(this.anyone, 'InferenceMarket', 'deposit', [this.anyone.address], value)
  }

  /** Receipts of a worker under vouchers, and of requests opened on chain. */
  async #receipts(worker: Actor): Promise<readonly BuiltReceipt[]> {
    const { world, random } = this
    world.modelPayee = String(await world.chain.stored('ModelRegistry', 'payeeAt', 1n, world.chain.now)) as Hex
    world.modelPayee = world.modelPayee.toLowerCase() as Hex
    const payers = [this.anyone, ...(random.chance(0.4) ? [this.anyone] : [])]
    const plans = payers.flatMap((payer) =>
      random.list(1 + random.int(3), () => world.plan(payer, worker, 1 + random.int(60), random.int(40))),
    )
    const opened = random.chance(0.4) ? [...this.#opened.values()].slice(0, 2) : []
    const entries = world.entries(worker)
    const { receipts } = world.build(worker, [...plans, ...opened.map((plan) => ({ ...plan, entries }))])
    const all = receipts.map((built, i) => (i < plans.length ? built : onChain(built)))
    for (const payer of new Set(payers)) if (random.chance(0.85)) await this.#fund(payer, worker, all)
    return all
  }

  /** Deposits what the receipts need and the channel lacks, and a little more. */
  async #fund(payer: Actor, worker: Actor, receipts: readonly BuiltReceipt[]): Promise<void> {
    const channel = channelOf(payer.address, worker.address)
    const own = receipts.filter(({ voucher, isOnChain }) => voucher.channel === channel && !isOnChain)
    const due = own.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    const { balance } = (await this.world.chain.stored('InferenceMarket', 'channels', channel)) as { balance: bigint }
    if (balance < due) await this.act(payer, 'InferenceMarket', 'deposit', [worker.address], 3n * due - balance)
  }

  async #commit(): Promise<void> {
    const { world } = this
    const worker = this.#worker
    const built = await this.#receipts(worker)
    const { receipts, proof } = this.random.chance(0.35) ? this.#spoil(built, worker) : unchanged(built)
    const batch = batchOf(worker.address, receipts, world.terms.class, world.chain.now + 600n)
    const done = await this.#counted('InferenceMarket', 'commitBatch', () => world.commit(worker, batch))
    if (done === undefined) return
    for (const { receipt } of receipts) this.#opened.delete(receipt.requestId)
    if (proof !== undefined) this.#wrongBatches.set(done.batch.header.batchId, proof(done.batch))
    if (this.random.chance(0.3)) await this.#data.askOf(done.batch)
  }

  /** A batch that the market refuses, for any of its reasons. */
  async #badCommit(): Promise<void> {
    const { world, random } = this
    const worker = this.anyone
    const { input, segments } = batchOf(worker.address, await this.#receipts(worker), 0, world.chain.now + 600n)
    const many = Array.from({ length: 33 }, () => segments[0])
    const [first, ...others] = segments
    const sums = (input['sums'] as readonly bigint[]).map((sum, i) => (i === 3 ? sum * 1_000n : sum))
    const [wrongInput, wrongSegments] = random.pick<readonly [object, readonly unknown[]]>([
      [{ ...input, notAfter: world.chain.now - 1n }, segments],
      [{ ...input, count: random.pick([0, 65_537]) }, segments],
      [{ ...input, sums }, segments],
      [{ ...input, class: 6 }, segments],
      [input, many],
      [input, others],
      [input, [{ ...first, deadline: 1n }, ...others]],
      [input, [{ ...first, cumulativeCap: 0n }, ...others]],
      [input, first === undefined ? [] : [changed(first, random), ...others]],
    ])
    await this.act(worker, 'InferenceMarket', 'commitBatch', [wrongInput, wrongSegments])
  }

  /** A request opened on chain, which any worker may settle. */
  async #open(): Promise<void> {
    const { world, random } = this
    const [payer, worker] = [this.anyone, this.anyone]
    const plan = { ...world.plan(payer, worker, 1 + random.int(60), random.int(40)), payer }
    const soon = random.chance(0.3) ? { ...plan, deadline: world.chain.now + BigInt(random.int(60)) } : plan
    const [built] = world.build(worker, [soon]).receipts
    if (built === undefined) return
    const { request } = built
    const wrong = random.pick<object>([
      { chainId: 1n },
      { maxFee: 0n },
      { deadline: world.chain.now + 30n * 86_400n },
      { priceVersion: 99 },
      { modelVersion: modelVersionHash(BigInt(2 + random.int(3)), 1) },
      { adapters: Array.from({ length: 9 }, () => ({ root: zeroHash, weight: 1 })) },
      { payer: addressOf('RoyaltyVault') },
    ])
    const isWrong = random.chance(0.3)
    const opened = { ...request, ...(isWrong ? wrong : {}) }
    const value = random.chance(0.95) ? opened.maxFee : 1n
    const sent = await this.act(payer, 'InferenceMarket', 'open', [opened], value)
    if (sent === undefined) return
    if (!isWrong) this.#opened.set(built.receipt.requestId, soon)
    if (random.chance(0.1)) await this.act(payer, 'InferenceMarket', 'open', [opened], value)
  }

  async #refundRequest(): Promise<void> {
    if (this.laws.requests.size === 0) return
    await this.act(this.anyone, 'InferenceMarket', 'refund', [this.random.pick([...this.laws.requests])])
  }

  /** Makes one receipt wrong, in a way that the commit cannot see. */
  #spoil(receipts: readonly BuiltReceipt[], worker: Actor): Spoilt {
    const index = this.random.int(receipts.length)
    const right = receipts[index] as BuiltReceipt
    const put = (receipt: BuiltReceipt) => receipts.map((each, i) => (i === index ? receipt : each))
    const opened = (batch: CommittedBatch) => this.world.openedReceipt(batch, index)
    const segments = (batch: CommittedBatch) => batch.built.segments
    switch (this.random.int(5)) {
      case 0: {
        // Another count in the row than in the receipt.
        const sums = right.sums.map((sum, i) => (i === 1 ? sum + 1n : sum))
        const proof = (batch: CommittedBatch) => ({ name: 'badReceipt', args: [opened(batch), segments(batch)] })
        return { receipts: put({ ...right, sums }), proof }
      }
      case 1: {
        // The worker's part goes to another account.
        const thief = this.anyone.address
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
      case 3: {
        // A wei of one receipt's contributors in another's: without either the other is a wei short.
        const other = (index + 1) % receipts.length
        if (other === index) return unchanged(receipts)
        const moved = (i: number, wei: bigint) => {
          const receipt = receipts[i] as BuiltReceipt
          return { ...receipt, sums: receipt.sums.map((sum, place) => (place === 9 ? sum + wei : sum)) }
        }
        const pair = new Map([
          [index, moved(index, 1n)],
          [other, moved(other, -1n)],
        ])
        const proof = (batch: CommittedBatch) => ({
          name: 'badTerms',
          args: [opened(batch), segments(batch), openedRequest(right.request)],
        })
        return { receipts: receipts.map((receipt, i) => pair.get(i) ?? receipt), proof }
      }
      default: {
        // A receipt that was settled before, in front of the others.
        const earlier = this.world.batches.find(({ header, isVoid }) => header.worker === worker.address && !isVoid)
        const again = earlier?.built.receipts[0]
        if (earlier === undefined || again === undefined || earlier.voided.has(0)) return unchanged(receipts)
        if (again.isOnChain || again.voucher.channel !== receipts[0]?.voucher.channel) return unchanged(receipts)
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
    const { name, args } = this.random.pick(challenges.slice(-6))
    await this.act(this.anyone, 'DisputeGame', name, args)
    for (const epoch of this.#wrongEpochs.keys()) if (!world.epochs.includes(epoch)) this.#wrongEpochs.delete(epoch)
  }

  /** A challenge of what is right must come to nothing. */
  async #falseChallenge(): Promise<void> {
    const { batches } = this.world
    if (batches.length === 0) return
    const batch = this.random.pick(batches)
    if (this.#wrongBatches.has(batch.header.batchId)) return
    const index = this.random.int(batch.built.receipts.length)
    const { request, receipt, entries, voucher, signature } = batch.built.receipts[index] as BuiltReceipt
    const [opened, segments] = [this.world.openedReceipt(batch, index), batch.built.segments]
    const { r, vs } = signature
    const none = { requestId: receipt.requestId, tout: 0, outputRoot: receipt.outputRoot }
    const payment = { voucher, signature: { r, vs }, cut: false, cancel: none, cancelSignature: { r, vs } }
    const { name, args } = this.random.pick<Challenge>([
      { name: 'badReceipt', args: [opened, segments] },
      { name: 'badTerms', args: [opened, segments, openedRequest(request)] },
      { name: 'badPayment', args: [opened, segments, payment] },
      { name: 'badEntry', args: [opened, segments, openedEntry(entries, this.random.int(entries.length))] },
      { name: 'duplicateRequest', args: [opened, segments, opened] },
    ])
    const sent = await this.act(this.anyone, 'DisputeGame', name, args)
    if (sent !== undefined) throw new Error(`${name} held against an honest receipt`)
  }

  async #mature(count: number): Promise<Sent | undefined> {
    const [lastMature] = (await this.world.chain.read('InferenceMarket', 'maturedTotals')) as [bigint, Totals]
    const next = this.world.batches.slice(Number(lastMature), Number(lastMature) + count)
    if (next.length === 0) return undefined
    const all = await this.act(this.anyone, 'InferenceMarket', 'matureBatches', [next.map(({ header }) => header)])
    return all ?? (await this.act(this.anyone, 'InferenceMarket', 'matureBatches', [[next[0]?.header]]))
  }

  async #propose(isWrong: boolean, by?: Actor): Promise<void> {
    const { batches, right } = await this.#nextEpoch()
    if (right === undefined) return
    const built = isWrong ? spoiltEpoch(right) : right
    const proposed = await this.#proposeAs(batches, built ?? right, { by })
    if (proposed === undefined || built === undefined || !isWrong) return
    this.#wrongEpochs.set(proposed, this.#amountChallenge(proposed))
  }

  /** What an epoch could be of now; nothing where nothing is live. */
  async #nextEpoch(): Promise<{ readonly batches: readonly CommittedBatch[]; readonly right?: BuiltEpoch }> {
    const { world } = this
    const [lastMature] = (await world.chain.stored('InferenceMarket', 'maturedTotals')) as [bigint, Totals]
    const batches = world.batches.slice(Number(world.parent.lastBatch), Number(lastMature))
    const live = batches.some(({ isVoid, voided, built }) => !isVoid && voided.size < built.receipts.length)
    return live ? { batches, right: world.buildEpoch(batches) } : { batches }
  }

  async #proposeAs(
    batches: readonly CommittedBatch[],
    built: BuiltEpoch,
    how: WrongProposal,
  ): Promise<ProposedEpoch | undefined> {
    const name = how.by === undefined ? 'proposeEpoch' : 'proposeLateEpoch'
    const done = await this.#counted('AttributionLedger', name, () => this.world.propose(batches, built, how))
    if (done !== undefined && !this.#isOver && this.random.chance(0.4)) await this.#data.askOf(done.epoch)
    return done?.epoch
  }

  /** A proposal that the ledger refuses, for any of its reasons. */
  async #badProposal(): Promise<void> {
    const { world, random } = this
    const { batches, right } = await this.#nextEpoch()
    const { parent } = world
    const first = world.batches[0]?.header
    const other = (value: Partial<WrongProposal>) => value
    const built = right ?? world.epochs.at(-1)?.built
    if (built === undefined) return
    const how = random.pick<WrongProposal>([
      other({ bond: 1n }),
      other({ parent: { ...parent, payoutSum: parent.payoutSum + 1n } }),
      ...[
        { parentRoot: bytesToHex(random.bytes(32)) },
        { firstBatch: 99n },
        { lastBatch: 0n },
        { lastBatch: 999n },
        { creditsCount: 9_999 },
        { payoutSum: 1n },
        { creditsRoot: bytesToHex(random.bytes(32)) },
        { algoHash: bytesToHex(random.bytes(32)) },
        { epoch: 99n },
        { creditsSum: built.creditsSum + 10n ** 24n, payoutSum: built.payoutSum + 10n ** 24n },
      ].map((wrong) => other({ change: (header) => ({ ...header, ...wrong }) })),
      other({ by: this.anyone, mature: first }),
      other({ by: this.anyone, mature: world.batches.at(-1)?.header }),
    ])
    await this.#proposeAs(batches, built, how)
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
      await this.act(this.anyone, 'DisputeGame', challenge.name, challenge.args)
      return undefined
    }
    const before = epochs[this.#finals - 1]
    const parent = before === undefined ? noEpoch : epochStateOf(before.record)
    return await this.act(this.anyone, 'AttributionLedger', 'finalizeEpoch', [epoch.record, parent])
  }

  async #release(): Promise<void> {
    for (const { record } of this.#orphans.splice(0)) {
      await this.act(this.anyone, 'AttributionLedger', 'releaseOrphan', [record])
    }
  }

  /** A payer's channels are bound now and then, for good; their home alone gets the money back. */
  async #homeward(): Promise<void> {
    const [payer, worker, other] = [this.anyone, this.anyone, this.anyone]
    const home = other.address === hostile || this.random.chance(0.1) ? zeroAddress : other.address
    const kind = this.random.int(8)
    if (kind === 0) await this.act(payer, 'InferenceMarket', 'bindHome', [home])
    else if (kind < 4) {
      const known = (await this.world.chain.stored('InferenceMarket', 'homeOf', payer.address)) as Hex
      const by = this.actors.find(({ address }) => address === known.toLowerCase()) ?? this.anyone
      const amount = this.random.big(60)
      await this.act(by, 'InferenceMarket', 'recall', [payer.address, worker.address, amount])
    } else await this.act(this.anyone, 'InferenceMarket', 'withdrawHome', [payer.address, worker.address])
  }

  async #withdrawal(): Promise<void> {
    if (this.random.chance(0.1)) return await this.#homeward()
    const asked = this.random.chance(0.6) ? this.#asked : undefined
    const [payer, worker] = asked ?? [this.anyone, this.anyone]
    const kind = this.random.int(4)
    const to = this.random.pick([payer.address, payer.address, hostile, addressOf('RoyaltyVault'), zeroAddress])
    if (kind === 0) {
      const channel = channelOf(payer.address, worker.address)
      const { balance } = (await this.world.chain.stored('InferenceMarket', 'channels', channel)) as { balance: bigint }
      const amount = (balance * BigInt(this.random.int(13))) / 10n
      const sent = await this.act(payer, 'InferenceMarket', 'requestWithdrawal', [worker.address, amount])
      if (sent !== undefined) this.#asked = [payer, worker]
    } else if (kind === 1) await this.act(payer, 'InferenceMarket', 'cancelWithdrawal', [worker.address])
    else await this.act(payer, 'InferenceMarket', 'withdraw', [worker.address, to])
  }

  async #refundsOf(batchIndex: number): Promise<void> {
    const batch = this.world.batches[batchIndex]
    if (batch === undefined) return
    const { header, built, voided } = batch
    if (voided.size === 0) return
    await this.act(this.anyone, 'InferenceMarket', 'refundBatch', [header, built.segments])
    for (const { channel, requestId } of built.segments) {
      await this.act(this.anyone, 'InferenceMarket', 'settleRefund', [
        header.batchId,
        channel === zeroHash ? requestId : channel,
      ])
    }
  }

  /** Takes all of a worker's stake out, once it is out of jail. */
  async #leave(worker: Hex): Promise<void> {
    const { chain } = this.world
    chain.advance(31n * 86_400n)
    await this.act(worker, 'WorkerRegistry', 'unjail', [])
    const { stake: staked } = (await chain.read('WorkerRegistry', 'workers', [worker])) as { stake: bigint }
    await this.act(worker, 'WorkerRegistry', 'requestUnbond', [staked])
    chain.advance(clocks.unbonding)
    await this.act(worker, 'WorkerRegistry', 'withdraw', [worker])
  }

  async #dayPasses(): Promise<void> {
    this.world.chain.advance(86_400n)
    for (const worker of this.actors) await this.act(worker, 'WorkerRegistry', 'unjail', [])
  }

  async #bonding(): Promise<void> {
    const worker = this.anyone
    const amount = BigInt(this.random.int(30)) * 10n ** 18n
    const kind = this.random.int(5)
    if (kind === 0) await this.act(worker, 'WorkerRegistry', 'requestUnbond', [amount])
    else if (kind === 1) await this.act(worker, 'WorkerRegistry', 'cancelUnbond', [])
    else if (kind === 2) {
      const to = this.random.pick([worker.address, hostile, addressOf('RoyaltyVault'), zeroAddress])
      await this.act(worker, 'WorkerRegistry', 'withdraw', [to])
    } else if (kind === 3) await this.act(worker, 'WorkerRegistry', 'unjail', [])
    else await this.act(worker, 'WorkerRegistry', 'addStake', [], amount)
  }

  /** Asks for a reward that was won, now and then for somebody else's. */
  async #reward(): Promise<void> {
    const subject = [...this.laws.rewards.keys()].at(-1)
    if (subject === undefined) return
    const holder = await this.#holderOf(subject)
    const from = this.random.chance(0.9) ? holder : this.anyone
    await this.act(from, 'DisputeGame', 'payReward', [subject, this.random.chance(0.8) ? holder : hostile])
  }

  async #holderOf(subject: Hex): Promise<Hex> {
    const { holder } = (await this.world.chain.stored('DisputeGame', 'rewardOf', subject)) as { holder: Hex }
    return holder
  }

  /** Everything out of every channel, and every refund. */
  async #emptyChannels(): Promise<void> {
    const { chain } = this.world
    const { channels, accounts } = this.laws
    const [keeper] = this.actors
    const homeOf = async (payer: Hex) =>
      String(await chain.read('InferenceMarket', 'homeOf', [payer])).toLowerCase() as Hex
    for (const [channel, { payer, worker }] of channels) {
      const { balance } = (await chain.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }
      if (balance === 0n) continue
      const home = await homeOf(payer)
      if (home === zeroAddress) await this.act(payer, 'InferenceMarket', 'requestWithdrawal', [worker, balance])
      else await this.act(home, 'InferenceMarket', 'recall', [payer, worker, balance])
    }
    chain.advance(clocks.withdrawalDelay)
    for (const { payer, worker } of channels.values()) {
      if ((await homeOf(payer)) === zeroAddress) {
        await this.act(payer, 'InferenceMarket', 'withdraw', [worker, keeper?.address])
      } else await this.act(payer, 'InferenceMarket', 'withdrawHome', [payer, worker])
    }
    for (const account of accounts) await this.act(account, 'InferenceMarket', 'claimRefund', [keeper?.address])
  }

  async #noise(): Promise<void> {
    const { contract, functionName, args, isPayable } = this.#chaos.next()
    // A home that takes no money keeps it out for good: whoever binds to one wants that.
    if (functionName === 'bindHome') return
    const value = isPayable && this.random.chance(0.7) ? this.random.big(60) : 0n
    await this.act(this.anyone, contract, functionName, args, value)
  }
}

const unchanged = (receipts: readonly BuiltReceipt[]): Spoilt => ({ receipts })

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
