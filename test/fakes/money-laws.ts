import type { Hex } from '../../protocol/bytes.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import type { Totals } from '../../protocol/epoch-record.ts'
import { addressOf, type MoneyChain, type MoneyEvent } from './money-chain.ts'

const supply = 10n ** 27n

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
  readonly #requests = new Set<Hex>()
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
  burned = 0n
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
    }
    const names = Object.keys(owed) as (keyof typeof owed)[]
    return { actual: Object.fromEntries(names.map((name) => [name, chain.balance(name)])), owed }
  }

  async #marketOwes(): Promise<bigint> {
    const read = (name: string, ...args: readonly unknown[]) => this.#chain.stored('InferenceMarket', name, ...args)
    let owed = 0n
    for (const channel of this.channels.keys())
      owed += ((await read('channels', channel)) as { balance: bigint }).balance
    for (const account of this.accounts) owed += (await read('refundOf', account)) as bigint
    for (const id of this.#requests) {
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
        this.#requests.add(text('requestId'))
        break
      case 'RequestRefunded':
        this.accounts.add(text('payer'))
        break
      case 'BatchCommitted':
        this.#fees.set(at('batchId'), at('feeSum'))
        break
      case 'ReceiptVoided':
        this.#pending.add(`${at('batchId')} ${text('channel') === zeroHash ? text('requestId') : text('channel')}`)
        break
      case 'EpochCredited':
        this.#unclaimed += at('credits')
        break
      case 'PoolFunded':
        this.#pools += at('amount')
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
        break
      case 'EpochReverted':
      case 'EpochFinalized':
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

  #stake(worker: Hex, change: bigint): void {
    this.stakes.set(worker, (this.stakes.get(worker) ?? 0n) + change)
  }
}
