import type { PooledTransaction } from '../chain-view.ts'

/** A pooled transaction with what the pool computed about it once. */
export type PoolEntry = PooledTransaction & {
  /** Order of arrival: older first among equal tips. */
  readonly sequence: number
  readonly addedAtMs: number
  /** Most it can cost its sender: gas, value, data fee, operator fee. */
  readonly cost: bigint
}

/** The pooled transactions of one sender, one per nonce. */
export class SenderQueue {
  readonly #byNonce = new Map<bigint, PoolEntry>()
  #stateNonce: bigint
  #executable = 0
  /** Block building asks for the same list many times between two changes. */
  #executableList: readonly PoolEntry[] | undefined

  constructor(stateNonce: bigint) {
    this.#stateNonce = stateNonce
  }

  get size(): number {
    return this.#byNonce.size
  }

  /** Transactions from the account's nonce up to the first gap. */
  get executableCount(): number {
    return this.#executable
  }

  get queuedCount(): number {
    return this.#byNonce.size - this.#executable
  }

  /** The account's nonce at the head. */
  get stateNonce(): bigint {
    return this.#stateNonce
  }

  /** The nonce a new transaction should have. */
  get nextNonce(): bigint {
    return this.#stateNonce + BigInt(this.#executable)
  }

  get(nonce: bigint): PoolEntry | undefined {
    return this.#byNonce.get(nonce)
  }

  /** Adds the entry in place of the one with its nonce, if any. */
  set(entry: PoolEntry): void {
    this.#byNonce.set(entry.tx.nonce, entry)
    this.#executableList = undefined
    this.#extend()
  }

  delete(nonce: bigint): void {
    this.#byNonce.delete(nonce)
    this.#recount()
  }

  /** Moves to the account's new nonce and returns the entries that it made stale. */
  advance(stateNonce: bigint): PoolEntry[] {
    this.#stateNonce = stateNonce
    const stale = [...this.#byNonce.values()].filter((entry) => entry.tx.nonce < stateNonce)
    for (const entry of stale) this.#byNonce.delete(entry.tx.nonce)
    this.#recount()
    return stale
  }

  isExecutable(nonce: bigint): boolean {
    return nonce >= this.#stateNonce && nonce < this.nextNonce
  }

  /** Executable entries, nonces ascending. */
  executable(): readonly PoolEntry[] {
    this.#executableList ??= this.#slice((nonce) => this.isExecutable(nonce))
    return this.#executableList
  }

  /** Entries behind a gap, nonces ascending. */
  queued(): PoolEntry[] {
    return this.#slice((nonce) => !this.isExecutable(nonce))
  }

  /** The entry with the highest nonce: the only one whose removal makes no gap. */
  last(): PoolEntry | undefined {
    let last: PoolEntry | undefined
    for (const entry of this.#byNonce.values()) if (last === undefined || entry.tx.nonce > last.tx.nonce) last = entry
    return last
  }

  /** What all transactions but the one with `nonce` can cost together. */
  costWithout(nonce: bigint): bigint {
    let cost = 0n
    for (const entry of this.#byNonce.values()) if (entry.tx.nonce !== nonce) cost += entry.cost
    return cost
  }

  #slice(wanted: (nonce: bigint) => boolean): PoolEntry[] {
    const entries = [...this.#byNonce.values()].filter((entry) => wanted(entry.tx.nonce))
    return entries.sort((a, b) => (a.tx.nonce < b.tx.nonce ? -1 : 1))
  }

  #recount(): void {
    this.#executable = 0
    this.#executableList = undefined
    this.#extend()
  }

  #extend(): void {
    while (this.#byNonce.has(this.nextNonce)) this.#executable++
  }
}
