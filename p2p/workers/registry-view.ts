import type { Hex } from '../../protocol/bytes.ts'

/** What the chain says of a worker. */
export type RegisteredWorker = {
  /** Staked for its units and not in jail. */
  readonly isActive: boolean
  /** Block at which it last registered: older bindings of peers are void. */
  readonly boundAtBlock: bigint
}

/** The registry as of the head, in memory: asked for every message, so it never waits for anything. */
export type RegistryView = {
  /** Undefined for who never registered. */
  readonly worker: (address: Hex) => RegisteredWorker | undefined
  /** The operator's list of accounts whose verdicts are heard. */
  readonly isChecker: (address: Hex) => boolean
}

/** A request opened on chain, as of the head. */
export type JobsView = {
  /** `open` while it can be answered; `unknown` may be a block that we do not have yet. */
  readonly state: (requestId: Hex) => 'open' | 'closed' | 'unknown'
}

/** An event of WorkerRegistry, in the chain's order. */
export type RegistryEvent =
  | { readonly kind: 'registered'; readonly worker: Hex; readonly units: number; readonly block: bigint }
  | { readonly kind: 'staked'; readonly worker: Hex; readonly amount: bigint }
  | { readonly kind: 'unbonding'; readonly worker: Hex; readonly amount: bigint }
  | { readonly kind: 'bonded'; readonly worker: Hex; readonly amount: bigint }
  | { readonly kind: 'withdrawn'; readonly worker: Hex; readonly amount: bigint }
  | { readonly kind: 'slashed'; readonly worker: Hex; readonly amount: bigint }
  | { readonly kind: 'jailed' | 'unjailed'; readonly worker: Hex }

/** Wei of a compute unit; `STAKE_PER_UNIT` of WorkerRegistry. */
export const stakePerUnit = 100n * 10n ** 18n

type Entry = { units: number; stake: bigint; unbonding: bigint; isJailed: boolean; boundAtBlock: bigint }

/** The registry kept by its events, by the same arithmetic as the contract's. A reorg begins it anew with `reset`. */
export class WorkerBook implements RegistryView {
  readonly #workers = new Map<Hex, Entry>()
  readonly #checkers: ReadonlySet<Hex> | 'any'

  /** `any`: who is bound as a checker is one. For workers and clients, to whom a checker is only another reader. */
  constructor(checkers: Iterable<Hex> | 'any') {
    this.#checkers = checkers === 'any' ? 'any' : new Set(checkers)
  }

  readonly worker = (address: Hex): RegisteredWorker | undefined => {
    const entry = this.#workers.get(address)
    if (entry === undefined) return undefined
    const isStaked = entry.units > 0 && entry.stake >= BigInt(entry.units) * stakePerUnit
    return { isActive: isStaked && !entry.isJailed, boundAtBlock: entry.boundAtBlock }
  }

  /** Workers that are active and registered last in block `block` or before, with their units. */
  active(block: bigint): { readonly worker: Hex; readonly units: number }[] {
    return [...this.#workers]
      .filter(([worker, { boundAtBlock }]) => boundAtBlock <= block && this.worker(worker)?.isActive === true)
      .map(([worker, { units }]) => ({ worker, units }))
  }

  readonly isChecker = (address: Hex): boolean => this.#checkers === 'any' || this.#checkers.has(address)

  get size(): number {
    return this.#workers.size
  }

  reset(): void {
    this.#workers.clear()
  }

  apply(event: RegistryEvent): void {
    const entry = this.#entry(event.worker)
    switch (event.kind) {
      case 'registered':
        entry.units = event.units
        entry.boundAtBlock = event.block
        return
      case 'staked':
        entry.stake += event.amount
        return
      case 'unbonding':
        entry.stake -= event.amount
        entry.unbonding += event.amount
        return
      case 'bonded':
        entry.stake += event.amount
        entry.unbonding -= event.amount
        return
      case 'withdrawn':
        entry.unbonding -= event.amount
        return
      case 'slashed': {
        const ofStake = event.amount < entry.stake ? event.amount : entry.stake
        entry.stake -= ofStake
        entry.unbonding -= event.amount - ofStake
        return
      }
      case 'jailed':
      case 'unjailed':
        entry.isJailed = event.kind === 'jailed'
    }
  }

  #entry(worker: Hex): Entry {
    const known = this.#workers.get(worker)
    if (known !== undefined) return known
    const entry: Entry = { units: 0, stake: 0n, unbonding: 0n, isJailed: false, boundAtBlock: 0n }
    this.#workers.set(worker, entry)
    return entry
  }
}
