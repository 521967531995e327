/** Where stored trie nodes and code are read from: the database, or the witness of a stateless block. */
export type StateStore = {
  /**
   * The node with this hash that hangs at `path` (nibbles) of a trie: of the accounts' where `owner` is undefined, of
   * the storage of the account with that hashed address otherwise. Undefined where it is not there.
   */
  readonly node: (owner: Uint8Array | undefined, path: Uint8Array, hash: Uint8Array) => Uint8Array | undefined
  readonly code: (hash: Uint8Array) => Uint8Array | undefined
}

/** A node's place: tries that share a node by hash still store it once for each place, so each can die alone. */
export type NodePlace = {
  readonly owner: Uint8Array | undefined
  readonly path: Uint8Array
  readonly hash: Uint8Array
}

/** What a block adds to the state's store, and what the states after it no longer need. */
export type StateDiff = {
  readonly root: Uint8Array
  readonly born: readonly (NodePlace & { readonly raw: Uint8Array })[]
  readonly stale: readonly NodePlace[]
  readonly codes: readonly { readonly hash: Uint8Array; readonly code: Uint8Array }[]
}
