import { emptyBytes, equalBytes, trimLeft } from '../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../../../protocol/trie-root.ts'
import type { AccountState } from '../chain-view.ts'
import { MissingNodeError } from '../errors.ts'
import { emptyAccount } from './account-codec.ts'
import { cachedCode } from './code-cache.ts'
import { byteKey, keyBytes } from './key-hash.ts'
import type { StateDiff } from './state-store.ts'
import type { AccountChange, World } from './world.ts'

/** Accounts and slots remembered from block to block before the memory is given back: some 60 MB. */
const cachedEntriesMax = 200_000

/** The storage of one account as far as it was looked at. */
type StorageCache = {
  readonly slots: Map<string, Uint8Array>
  readonly dirty: Set<string>
  /** Nothing of the stored storage is left: a slot not in `slots` is zero. */
  readonly isWiped: boolean
}

/**
 * The state in the middle of a block: reads through to a {@link World}, keeps what was read and written, and undoes
 * writes back to a checkpoint. What was read stays cached for the blocks after it.
 */
export class FlatState {
  #world: World
  readonly #accounts = new Map<string, AccountState | undefined>()
  /** What the world says of the accounts in `#accounts`. */
  readonly #stored = new Map<string, AccountState | undefined>()
  readonly #storage = new Map<string, StorageCache>()
  readonly #dirty = new Set<string>()
  readonly #codes = new Map<string, Uint8Array>()
  readonly #undo: (() => void)[] = []
  readonly #checkpoints: number[] = []
  /** Slots as they were when the transaction began, by account. */
  readonly #original = new Map<string, Map<string, Uint8Array>>()
  #slotsCached = 0
  /** Hears of each account (and slot) looked at, before it is. */
  onAccess: ((address: Uint8Array, slot: Uint8Array | undefined) => void) | undefined

  constructor(world: World) {
    this.#world = world
  }

  get world(): World {
    return this.#world
  }

  account(address: Uint8Array): AccountState | undefined {
    this.onAccess?.(address, undefined)
    const key = byteKey(address)
    const known = this.#accounts.get(key)
    if (known !== undefined || this.#accounts.has(key)) return known
    const stored = this.#world.account(address)
    this.#accounts.set(key, stored)
    this.#stored.set(key, stored)
    return stored
  }

  setAccount(address: Uint8Array, account: AccountState | undefined): void {
    const key = byteKey(address)
    const before = this.account(address)
    this.#undo.push(() => this.#accounts.set(key, before))
    this.#accounts.set(key, account)
    this.#dirty.add(key)
    if (account === undefined) this.clearStorage(address)
  }

  /** Changes some fields of an account, which begins to exist if it does not. */
  updateAccount(address: Uint8Array, fields: Partial<AccountState>): void {
    this.setAccount(address, { ...(this.account(address) ?? emptyAccount), ...fields })
  }

  balance(address: Uint8Array): bigint {
    return this.account(address)?.balance ?? 0n
  }

  nonce(address: Uint8Array): bigint {
    return this.account(address)?.nonce ?? 0n
  }

  addBalance(address: Uint8Array, amount: bigint): void {
    this.updateAccount(address, { balance: this.balance(address) + amount })
  }

  code(address: Uint8Array): Uint8Array {
    const hash = this.account(address)?.codeHash
    if (hash === undefined || equalBytes(hash, emptyCodeHash)) return emptyBytes
    const key = byteKey(hash)
    const code = this.#codes.get(key) ?? cachedCode(key, () => this.#world.code(hash))
    if (code === undefined) throw new MissingNodeError(`code ${Buffer.from(hash).toString('hex')} is missing`)
    return code
  }

  setCode(address: Uint8Array, code: Uint8Array): void {
    const codeHash = code.length === 0 ? emptyCodeHash : keccak256(code)
    // Code is addressed by its hash: nothing to undo.
    if (code.length > 0) this.#codes.set(byteKey(codeHash), code)
    this.updateAccount(address, { codeHash })
  }

  /** Trimmed of leading zeros. */
  storage(address: Uint8Array, slot: Uint8Array): Uint8Array {
    this.onAccess?.(address, slot)
    const cache = this.#storageOf(address)
    const key = byteKey(slot)
    const known = cache.slots.get(key)
    if (known !== undefined) return known
    const stored = this.#stored.get(byteKey(address))
    const value =
      cache.isWiped || stored === undefined ? emptyBytes : this.#world.storage(address, stored.storageRoot, slot)
    cache.slots.set(key, value)
    this.#slotsCached++
    return value
  }

  setStorage(address: Uint8Array, slot: Uint8Array, value: Uint8Array): void {
    const before = this.storage(address, slot)
    const cache = this.#storageOf(address)
    const key = byteKey(slot)
    this.#rememberOriginal(address, key, before)
    this.#undo.push(() => cache.slots.set(key, before))
    cache.slots.set(key, trimLeft(value))
    cache.dirty.add(key)
    this.#dirty.add(byteKey(address))
  }

  /** The slot as it was when the transaction began (EIP-2200). */
  originalStorage(address: Uint8Array, slot: Uint8Array): Uint8Array {
    return this.#original.get(byteKey(address))?.get(byteKey(slot)) ?? this.storage(address, slot)
  }

  /** Forgets what {@link originalStorage} says: a new transaction begins. */
  beginTransaction(): void {
    this.#original.clear()
  }

  clearStorage(address: Uint8Array): void {
    this.account(address)
    const key = byteKey(address)
    const before = this.#storage.get(key)
    const stored = this.#stored.get(key)
    const hasStored = stored !== undefined && !equalBytes(stored.storageRoot, emptyTrieRoot)
    if (!hasStored && (before === undefined || before.slots.size === 0)) return
    for (const [slot, value] of before?.slots ?? []) this.#rememberOriginal(address, slot, value)
    this.#undo.push(() => (before === undefined ? this.#storage.delete(key) : this.#storage.set(key, before)))
    this.#storage.set(key, { slots: new Map(), dirty: new Set(), isWiped: true })
    this.#dirty.add(key)
  }

  checkpoint(): void {
    this.#checkpoints.push(this.#undo.length)
  }

  commit(): void {
    this.#checkpoints.pop()
    if (this.#checkpoints.length === 0) this.#undo.length = 0
  }

  revert(): void {
    const length = this.#checkpoints.pop() ?? 0
    while (this.#undo.length > length) this.#undo.pop()?.()
  }

  /** The world with everything written so far, and what to store for it. Changes nothing here. */
  seal(): { world: World; diff: StateDiff; accounts: ReadonlyMap<string, AccountState> } {
    const codes = [...this.#codes].map(([hash, code]) => ({ hash: keyBytes(hash), code }))
    return this.#world.apply(this.#changes(), codes)
  }

  /** Goes on from a sealed block: its writes become what is stored. */
  rebase(world: World, accounts: ReadonlyMap<string, AccountState>): void {
    this.#world = world
    for (const key of this.#dirty) {
      const account = accounts.get(key) ?? this.#accounts.get(key)
      this.#accounts.set(key, account)
      this.#stored.set(key, account)
      const cache = this.#storage.get(key)
      if (account === undefined) this.#storage.delete(key)
      else if (cache !== undefined) this.#storage.set(key, { slots: cache.slots, dirty: new Set(), isWiped: false })
    }
    this.#dirty.clear()
    this.#codes.clear()
    this.#undo.length = 0
    this.#checkpoints.length = 0
    this.#original.clear()
    if (this.#accounts.size + this.#slotsCached > cachedEntriesMax) this.#forget()
  }

  #changes(): AccountChange[] {
    const changes: AccountChange[] = []
    for (const key of this.#dirty) {
      const after = this.#accounts.get(key)
      const stored = this.#stored.get(key)
      if (after === undefined && stored === undefined) continue
      const cache = this.#storage.get(key)
      const storedRoot = stored?.storageRoot ?? emptyTrieRoot
      const isWiped = cache?.isWiped === true
      changes.push({
        address: keyBytes(key),
        after,
        storageRoot: isWiped ? emptyTrieRoot : storedRoot,
        wipedRoot: isWiped ? storedRoot : undefined,
        slots: cache === undefined ? [] : [...cache.dirty].map((slot) => [keyBytes(slot), slotValue(cache, slot)]),
      })
    }
    return changes
  }

  #storageOf(address: Uint8Array): StorageCache {
    const key = byteKey(address)
    const known = this.#storage.get(key)
    if (known !== undefined) return known
    if (!this.#accounts.has(key)) this.account(address)
    const cache = { slots: new Map<string, Uint8Array>(), dirty: new Set<string>(), isWiped: false }
    this.#storage.set(key, cache)
    return cache
  }

  #rememberOriginal(address: Uint8Array, slot: string, value: Uint8Array): void {
    const key = byteKey(address)
    let slots = this.#original.get(key)
    if (slots === undefined) {
      slots = new Map()
      this.#original.set(key, slots)
    }
    if (!slots.has(slot)) slots.set(slot, value)
  }

  #forget(): void {
    this.#accounts.clear()
    this.#stored.clear()
    this.#storage.clear()
    this.#slotsCached = 0
  }
}

function slotValue(cache: StorageCache, slot: string): Uint8Array {
  return cache.slots.get(slot) ?? emptyBytes
}
