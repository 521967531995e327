import type { AccountState } from '../../node/engine/embedded/chain-view.ts'
import { MissingNodeError } from '../../node/engine/embedded/errors.ts'
import { emptyAccount } from '../../node/engine/embedded/state/account-codec.ts'
import type { StateStore } from '../../node/engine/embedded/state/state-store.ts'
import type { Trie } from '../../node/engine/embedded/state/trie.ts'
import { type StorageTries, World } from '../../node/engine/embedded/state/world.ts'
import { bytesToHex, emptyBytes, equalBytes, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { messagePasserAddress } from '../../protocol/genesis-file.ts'
import { decodeHeader } from '../../protocol/header.ts'
import { asObject } from '../../protocol/json-fields.ts'
import { keccakHex } from '../../protocol/keccak.ts'

/**
 * State as a witness has it. What the witness lacks reads as absent and is noted: another client may leave out what no
 * rule depends on, such as the account in whose name system calls are made. A block that comes out with its hash did not
 * depend on it; any other result says nothing then. op-geth leaves out the message passer too: where nothing reads it,
 * nothing writes it either, and its storage root is the one of the parent's header.
 */
export class WitnessWorld extends World {
  readonly gaps: MissingNodeError[] = []
  readonly #messagePasserRoot: Uint8Array | undefined

  constructor(
    store: StateStore,
    root: Uint8Array,
    messagePasserRoot: Uint8Array | undefined,
    accounts?: Trie,
    storages?: StorageTries,
  ) {
    super(store, root, accounts, storages)
    this.#messagePasserRoot = messagePasserRoot
  }

  override account(address: Uint8Array): AccountState | undefined {
    const root = equalBytes(address, messagePasserAddress) ? this.#messagePasserRoot : undefined
    const absent = root === undefined ? undefined : { ...emptyAccount, storageRoot: root }
    return this.#read(() => super.account(address), absent)
  }

  override storage(address: Uint8Array, storageRoot: Uint8Array, slot: Uint8Array): Uint8Array {
    return this.#read(() => super.storage(address, storageRoot, slot), emptyBytes)
  }

  protected override next(store: StateStore, root: Uint8Array, accounts: Trie, storages: StorageTries): World {
    return new WitnessWorld(store, root, this.#messagePasserRoot, accounts, storages)
  }

  #read<T>(read: () => T, absent: T): T {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof MissingNodeError)) throw error
      this.gaps.push(error)
      return absent
    }
  }
}

/** State read from preimages by hash, as a stateless execution has it. Each is checked to have its hash. */
export class Witness implements StateStore {
  readonly #preimages = new Map<string, Uint8Array>()

  constructor(preimages: unknown) {
    for (const [hash, value] of Object.entries(asObject(preimages, 'preimages'))) {
      if (typeof value !== 'string') throw new FormatError(`preimage of ${hash} is no hex string`)
      const bytes = hexToBytes(value)
      const key = keccakHex(bytes)
      if (key !== hash.toLowerCase()) throw new FormatError(`preimage of ${hash} hashes to ${key}`)
      this.#preimages.set(key, bytes)
    }
  }

  node(_owner: Uint8Array | undefined, _path: Uint8Array, hash: Uint8Array): Uint8Array | undefined {
    return this.#preimages.get(bytesToHex(hash))
  }

  code(hash: Uint8Array): Uint8Array | undefined {
    return this.#preimages.get(bytesToHex(hash))
  }

  /** Hash of the ancestor at `number`, found over parent hashes from the block `from`. Undefined where a header is missing. */
  ancestorHash(from: { readonly hash: Uint8Array; readonly number: bigint }, number: bigint): Uint8Array | undefined {
    let { hash } = from
    for (let at = from.number; at > number; at--) {
      const raw = this.#preimages.get(bytesToHex(hash))
      if (raw === undefined) return undefined
      hash = decodeHeader(raw).parentHash
    }
    return hash
  }
}
