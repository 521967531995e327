import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import type { Totals } from '../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { addressOf, type MoneyChain, type MoneyEvent } from './money-chain.ts'

const supply = 10n ** 27n
const { timelock } = openLedgerPredeploys

/** `settledBy` of a request whose receipt is void. */
const refundable = (1n << 64n) - 2n

/**
 * What the contracts should hold, told by their events and views: learns every event of a chain, compares when asked.
 * Laws of docs/MONEY.md §1.
 */
export class MoneyLaws {
  readonly #chain: MoneyChain
  /** Everybody's channels, by id. */
  readonly channels = new Map<Hex, { readonly payer: Hex; readonly worker: Hex }>()
  /** Requests opened on chain. */
  readonly requests = new Set<Hex>()
  /** Who was ever owed a refund. */
  readonly accounts = new Set<Hex>()
  readonly #fees = new Map<bigint, bigint>()
  readonly #pending = new Set<string>()
  /** Of epochs that stand or are orphans, by number. */
  readonly #bonds = new Map<bigint, bigint>()
  readonly #prepaid = new Map<string, bigint>()
  /** Rewards of disputes that are not paid yet, by subject. */
  readonly rewards = new Map<Hex, bigint>()
  /** Wei that each payee was paid. */
  readonly claimed = new Map<Hex, bigint>()
  /** All stake, that being unbonded included. */
  readonly stakes = new Map<Hex, bigint>()
  /** Members of every pool that was funded or given units. */
  readonly pools = new Map<Hex, Set<Hex>>([[poolPayee(payeePools.treasury, 0n), new Set([timelock])]])
  burned = 0n
  /** wei of batches that receipts' voiding took off. */
  readonly #voided = new Map<bigint, bigint>()
  readonly #proposals = new Map<bigint, { readonly header: EpochHeader; readonly totals: Totals }>()
  #credited = 0n
  #unclaimed = 0n
  #pools = 0n

  constructor(chain: MoneyChain) {
    this.#chain = chain
  }

  learn(events: readonly MoneyEvent[]): void {
    for (const event of events) this.#learn(event)
  }

  /** Throws what law is broken, and by how much. */
  async check(): Promise<void> {
    const { actual, owed } = await this.compare()
    for (const [name, wei] of Object.entries(owed)) {
      if (actual[name] !== wei) throw new Error(`${name} holds ${actual[name]} wei, owes ${wei}`)
    }
    if (this.#unclaimed < 0n || this.#pools < 0n) {
      throw new Error(
        `more was paid than was owed: ${this.#unclaimed} wei of credits and ${this.#pools} of pools are left`,
      )
    }
    if (this.#chain.supply() !== supply) throw new Error(`balances sum to ${this.#chain.supply()} wei`)
  }

  async compare(): Promise<Record<'actual' | 'owed', Record<string, bigint>>> {
    const chain = this.#chain
    const sum = (values: Iterable<bigint>) => [...values].reduce((total, value) => total + value, 0n)
    const owed = {
      InferenceMarket: await this.#marketOwes(),
      RoyaltyVault: this.#unclaimed + this.#pools,
      AttributionLedger: sum(this.#bonds.values()) + sum(this.#prepaid.values()),
      WorkerRegistry: sum(this.stakes.values()),
      DisputeGame: sum(this.rewards.values()),
      DatanetRegistry: await this.#datanetsOwe(),
    }
    const names = Object.keys(owed) as (keyof typeof owed)[]
    return { actual: Object.fromEntries(names.map((name) => [name, chain.balance(name)])), owed }
  }

  async #datanetsOwe(): Promise<bigint> {
    const read = (name: string) => this.#chain.stored('DatanetRegistry', name)
    return ((await read('bondsLocked')) as bigint) + ((await read('refundsOwed')) as bigint)
  }

  async #marketOwes(): Promise<bigint> {
    const read = (name: string, ...args: readonly unknown[]) => this.#chain.stored('InferenceMarket', name, ...args)
    let owed = 0n
    for (const channel of this.channels.keys())
      owed += ((await read('channels', channel)) as { balance: bigint }).balance
    for (const account of this.accounts) owed += (await read('refundOf', account)) as bigint
    for (const id of this.requests) {
      const { maxFee, settledBy } = (await read('openRequestOf', id)) as { maxFee: bigint; settledBy: bigint }
      if (settledBy === 0n || settledBy === refundable) owed += maxFee
    }
    const [lastMature, totals] = (await read('maturedTotals')) as [bigint, Totals]
    for (const [id, fee] of this.#fees) {
      const { isVoid, owesRefunds } = (await read('batchState', id)) as { isVoid: boolean; owesRefunds: boolean }
      if (owesRefunds || (id > lastMature && !isVoid)) owed += fee
    }
    for (const key of this.#pending) {
      const [id = '', place] = key.split(' ')
      const { isVoid } = (await read('batchState', BigInt(id))) as { isVoid: boolean }
      if (!isVoid && BigInt(id) <= lastMature) owed += (await read('pendingRefundOf', BigInt(id), place)) as bigint
    }
    const paid = (await read('paidToEpochs')) as bigint
    return owed + totals.payable_ + totals.platform + totals.stakers - paid
  }

  #learn({ contract, name, args }: MoneyEvent): void {
    const at = (key: string) => args[key] as bigint
    const text = (key: string) => String(args[key]).toLowerCase() as Hex
    switch (name) {
      case 'PayerDeposited':
        this.channels.set(text('channel'), { payer: text('payer'), worker: text('worker') })
        break
      case 'RequestOpened':
        this.requests.add(text('requestId'))
        break
      case 'RequestRefunded':
        this.accounts.add(text('payer'))
        break
      case 'BatchCommitted':
        this.#fees.set(at('batchId'), at('feeSum'))
        break
      case 'ReceiptVoided':
        this.#voided.set(at('batchId'), (this.#voided.get(at('batchId')) ?? 0n) + at('fee'))
        this.#pending.add(`${at('batchId')} ${text('channel') === zeroHash ? text('requestId') : text('channel')}`)
        break
      case 'FeesSplit':
        this.#requireSplit(args)
        break
      case 'EpochCredited':
        this.#unclaimed += at('credits')
        this.#credited += at('credits') + at('platform') + at('stakers')
        break
      case 'PoolFunded':
        this.#pools += at('amount')
        this.#poolOf(text('pool'))
        break
      case 'PoolUnits':
        this.#poolOf(text('pool')).add(text('member'))
        break
      case 'Transfer':
        if (contract === addressOf('DatanetUnits')) {
          this.#poolOf(poolPayee(payeePools.units, at('id') >> 32n)).add(text('receiver'))
        }
        break
      case 'Claimed':
        this.#unclaimed -= at('amount')
        this.claimed.set(text('payee'), (this.claimed.get(text('payee')) ?? 0n) + at('amount'))
        break
      case 'PoolClaimed':
        this.#pools -= at('amount')
        break
      case 'EpochProposed':
        this.#bonds.set(at('epoch'), at('bond'))
        this.#proposals.set(at('epoch'), { header: args['header'] as EpochHeader, totals: args['totals'] as Totals })
        break
      case 'EpochFinalized':
        this.#requirePaidOut(at('epoch'))
        this.#bonds.delete(at('epoch'))
        break
      case 'EpochReverted':
      case 'EpochOrphaned':
        this.#bonds.delete(at('epoch'))
        break
      case 'DataRequested':
        this.#prepaid.set(text('demandId'), at('prepaid'))
        break
      case 'DataServed':
      case 'DataMissing':
      case 'DataRequestDropped':
        this.#prepaid.delete(text('demandId'))
        break
      case 'RewardWon':
        this.rewards.set(text('subject'), (this.rewards.get(text('subject')) ?? 0n) + at('amount'))
        break
      case 'RewardPaid':
        this.rewards.delete(text('subject'))
        break
      case 'StakeAdded':
        this.#stake(text('worker'), at('amount'))
        break
      case 'StakeWithdrawn':
      case 'WorkerSlashed':
        this.#stake(text('worker'), -at('amount'))
        break
      case 'Burned':
        if (contract === addressOf('OpenBurner')) this.burned += at('amount')
        break
      default:
    }
  }

  membersOf(pool: Hex): Hex[] {
    return [...(this.pools.get(pool) ?? [])]
  }

  #poolOf(pool: Hex): Set<Hex> {
    const members = this.pools.get(pool) ?? new Set()
    this.pools.set(pool, members)
    return members
  }

  /** Σ parts = fee, of all live receipts of a batch. */
  #requireSplit({ batchId, ...parts }: Readonly<Record<string, unknown>>): void {
    const sum = Object.values(parts as Record<string, bigint>).reduce((total, part) => total + part, 0n)
    const id = batchId as bigint
    const fee = (this.#fees.get(id) ?? 0n) - (this.#voided.get(id) ?? 0n)
    if (sum !== fee) throw new Error(`batch ${id} of ${fee} wei was split into ${sum}`)
  }

  /** Σ amounts + dust = pool, with less dust than credits; and all that matured was paid out through this epoch. */
  #requirePaidOut(epoch: bigint): void {
    const [proposal, before] = [this.#proposals.get(epoch), this.#proposals.get(epoch - 1n)]
    if (proposal === undefined) throw new Error(`epoch ${epoch} was never proposed`)
    const { header, totals } = proposal
    const dust = totals.payable_ - (before?.totals.payable_ ?? 0n) - header.creditsSum
    if (dust < 0n || dust >= BigInt(header.creditsCount)) throw new Error(`epoch ${epoch} has ${dust} wei of dust`)
    const matured = totals.payable_ + totals.platform + totals.stakers
    if (matured !== this.#credited)
      throw new Error(`of ${matured} wei through epoch ${epoch} ${this.#credited} were paid`)
  }

  #stake(worker: Hex, change: bigint): void {
    this.stakes.set(worker, (this.stakes.get(worker) ?? 0n) + change)
  }
}
