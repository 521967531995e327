import { equalBytes } from '../../../../protocol/bytes.ts'
import { asBytes, rlpDecode, rlpEncode } from '../../../../protocol/rlp.ts'
import { emptyTrieRoot } from '../../../../protocol/trie-root.ts'
import type { AccountProof, AccountState } from '../chain-view.ts'
import { decodeAccount, encodeAccount } from './account-codec.ts'
import { byteKey, hashedKey } from './key-hash.ts'
import type { NodePlace, StateDiff, StateStore } from './state-store.ts'
import { Trie } from './trie.ts'

/** Storage tries kept in memory: those of the contracts used lately. */
const storageTriesMax = 2_048

/** Nodes a trie keeps in memory before it is read anew: about 100 MB of branches. */
const loadedNodesMax = 200_000

/** Accounts and slots that changed. A storage value is trimmed of leading zeros; empty deletes it. */
export type AccountChange = {
  readonly address: Uint8Array
  /** Undefined: the account is gone. Its `storageRoot` is ignored and computed from `slots`. */
  readonly after: AccountState | undefined
  /** The storage root before the block; the empty root where the storage was wiped in it. */
  readonly storageRoot: Uint8Array
  /** The stored storage to drop, where it was wiped. */
  readonly wipedRoot?: Uint8Array | undefined
  readonly slots: readonly (readonly [slot: Uint8Array, value: Uint8Array])[]
}

/** Storage tries by contract, with the roots they were read at. */
export type StorageTries = Map<string, { readonly root: Uint8Array; readonly trie: Trie }>

/** The state after one block: an account trie and a storage trie for each contract. Never changes; {@link apply} makes the next. */
export class World {
  readonly #store: StateStore
  readonly #accounts: Trie
  readonly #storages: StorageTries
  readonly root: Uint8Array

  constructor(store: StateStore, root: Uint8Array, accounts?: Trie, storages: StorageTries = new Map()) {
    this.#store = store
    this.root = root
    this.#accounts = accounts ?? new Trie((path, hash) => store.node(undefined, path, hash), root)
    this.#storages = storages
  }

  account(address: Uint8Array): AccountState | undefined {
    const raw = this.#accounts.get(hashedKey(address))
    return raw === undefined ? undefined : decodeAccount(raw)
  }

  /** wei of all accounts together; reads the whole account trie. */
  totalBalance(): bigint {
    let total = 0n
    for (const raw of this.#accounts.values()) total += decodeAccount(raw).balance
    return total
  }

  /** Trimmed of leading zeros. */
  storage(address: Uint8Array, storageRoot: Uint8Array, slot: Uint8Array): Uint8Array {
    if (equalBytes(storageRoot, emptyTrieRoot)) return new Uint8Array(0)
    const raw = this.#storage(address, storageRoot).get(hashedKey(slot))
    return raw === undefined ? new Uint8Array(0) : asBytes(rlpDecode(raw), 'storage value')
  }

  code(hash: Uint8Array): Uint8Array | undefined {
    return this.#store.code(hash)
  }

  /** Proofs of an account and of slots of it. Source: EIP-1186. */
  proof(address: Uint8Array, slots: readonly Uint8Array[]): AccountProof {
    const account = this.account(address)
    const root = account?.storageRoot ?? emptyTrieRoot
    const trie = this.#storage(address, root)
    return {
      account,
      accountProof: this.#accounts.proof(hashedKey(address)),
      storageProof: slots.map((key) => {
        const value = this.storage(address, root, key)
        return {
          key,
          value: value.length === 0 ? 0n : BigInt(`0x${Buffer.from(value).toString('hex')}`),
          proof: trie.proof(hashedKey(key)),
        }
      }),
    }
  }

  /** The state with these changes, what to store for it, and the changed accounts with their new storage roots. */
  apply(
    changes: readonly AccountChange[],
    codes: StateDiff['codes'],
  ): { world: World; diff: StateDiff; accounts: ReadonlyMap<string, AccountState> } {
    const diff = new DiffCollector()
    const storages = new Map(this.#storages)
    const accounts = new Map<string, AccountState>()
    const trie = this.#accounts.copy()
    for (const change of changes) {
      if (change.wipedRoot !== undefined) this.#wipe(change.address, change.wipedRoot, diff)
      if (change.after === undefined) storages.delete(byteKey(change.address))
      else {
        const storageRoot = this.#applyStorage(change, storages, diff)
        const after = { ...change.after, storageRoot }
        accounts.set(byteKey(change.address), after)
        trie.put(hashedKey(change.address), encodeAccount(after))
      }
    }
    // Deletions last: a branch that loses and gains a child need not look at its other children (a witness lacks them).
    for (const change of changes) if (change.after === undefined) trie.delete(hashedKey(change.address))
    const root = trie.commit(diff.sink(undefined))
    return { world: this.next(this.#store, root, trie, storages), diff: diff.result(root, codes), accounts }
  }

  /** The world behind this one, of the same kind. */
  protected next(store: StateStore, root: Uint8Array, accounts: Trie, storages: StorageTries): World {
    return new World(store, root, accounts, storages)
  }

  /** Bounds memory. Only after the diff of this state is in the store. */
  trim(): void {
    if (this.#accounts.loaded > loadedNodesMax) this.#accounts.forget()
    let loaded = 0
    for (const { trie } of this.#storages.values()) loaded += trie.loaded
    if (loaded > loadedNodesMax || this.#storages.size > storageTriesMax) this.#storages.clear()
  }

  #storage(address: Uint8Array, root: Uint8Array): Trie {
    const key = byteKey(address)
    const known = this.#storages.get(key)
    if (known !== undefined && equalBytes(known.root, root)) return known.trie
    const owner = hashedKey(address)
    const trie = new Trie((path, hash) => this.#store.node(owner, path, hash), root)
    this.#storages.set(key, { root, trie })
    return trie
  }

  #applyStorage(change: AccountChange, storages: StorageTries, diff: DiffCollector): Uint8Array {
    if (change.slots.length === 0) return change.storageRoot
    const trie = this.#storage(change.address, change.storageRoot).copy()
    for (const [slot, value] of change.slots) if (value.length > 0) trie.put(hashedKey(slot), rlpEncode(value))
    for (const [slot, value] of change.slots) if (value.length === 0) trie.delete(hashedKey(slot))
    const root = trie.commit(diff.sink(hashedKey(change.address)))
    storages.set(byteKey(change.address), { root, trie })
    return root
  }

  #wipe(address: Uint8Array, root: Uint8Array, diff: DiffCollector): void {
    if (equalBytes(root, emptyTrieRoot)) return
    const trie = this.#storage(address, root).copy()
    trie.clear()
    trie.commit(diff.sink(hashedKey(address)))
    diff.hasWiped = true
  }
}

class DiffCollector {
  readonly #born: (NodePlace & { raw: Uint8Array })[] = []
  readonly #stale: NodePlace[] = []
  /** A wiped storage may be written again in the same block and bear the nodes that died with it. */
  hasWiped = false

  sink(owner: Uint8Array | undefined) {
    return {
      born: (path: Uint8Array, hash: Uint8Array, raw: Uint8Array) => this.#born.push({ owner, path, hash, raw }),
      stale: (path: Uint8Array, hash: Uint8Array) => this.#stale.push({ owner, path, hash }),
    }
  }

  result(root: Uint8Array, codes: StateDiff['codes']): StateDiff {
    if (!this.hasWiped) return { root, born: this.#born, stale: this.#stale, codes }
    const born = new Set(this.#born.map(placeKey))
    return { root, born: this.#born, stale: this.#stale.filter((place) => !born.has(placeKey(place))), codes }
  }
}

function placeKey({ owner, path, hash }: NodePlace): string {
  return `${owner === undefined ? '' : byteKey(owner)}/${byteKey(path)}/${byteKey(hash)}`
}
