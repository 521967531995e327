import { bytesToHex, emptyBytes, equalBytes, FormatError, type Hex } from './bytes.ts'
import { asArray, asData, asFixed, asObject, uintQuantity } from './json-fields.ts'
import { keccak256 } from './keccak.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpUint } from './rlp.ts'
import { emptyCodeHash, emptyTrieRoot, toNibbles } from './trie-root.ts'

/** An account as the state trie holds it. */
export type TrieAccount = {
  readonly nonce: bigint
  readonly balance: bigint
  readonly storageRoot: Uint8Array
  readonly codeHash: Uint8Array
}

/** An `eth_getProof` answer whose every claim was proven. */
export type AccountProof = {
  readonly address: Uint8Array
  /** The empty account where the proof shows that there is none. */
  readonly account: TrieAccount
  readonly slots: readonly { readonly key: Uint8Array; readonly value: bigint }[]
}

/** A branch holds 17 items of at most 33 bytes; a leaf's value is an account or a slot. */
const proofNodeBytesMax = 1024
/** 64 nibbles of a hashed key, the root and one embedded node. */
const proofNodesMax = 66

/**
 * The value at `key` (used as it is: hash it first for a secure trie) under `root`, or undefined where the proof shows
 * its absence. Throws {@link FormatError} where the nodes prove neither.
 */
export function verifyTrieProof(
  root: Uint8Array,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (equalBytes(root, emptyTrieRoot) && (proof.length === 0 || isEmptyTrie(proof))) return undefined
  const nodes = new ProofNodes(proof)
  return nodes.end(trieValue(root, key, (hash) => nodes.next(hash)))
}

/** Follows a key's path from the root on; `nodeOf` is asked for every node that stands by its hash. */
function trieValue(root: Uint8Array, key: Uint8Array, nodeOf: (hash: Uint8Array) => RlpItem): Uint8Array | undefined {
  const path = toNibbles(key)
  let offset = 0
  let node: RlpItem = nodeOf(root)
  for (;;) {
    const items = asList(node, 'trie node')
    if (items.length === 17) {
      if (offset === path.length) return branchValue(items[16])
      const child = items[path[offset] ?? 0]
      offset++
      if (child === undefined || isEmpty(child)) return undefined
      node = resolved(child, nodeOf)
      continue
    }
    if (items.length !== 2) throw new FormatError(`trie node of ${items.length} items`)
    const { nibbles, isLeaf } = decodeHexPrefix(asBytes(items[0], 'trie path'))
    const matches = startsWith(path, offset, nibbles)
    if (isLeaf) return matches && offset + nibbles.length === path.length ? asBytes(items[1], 'trie value') : undefined
    if (!matches) return undefined
    offset += nibbles.length
    node = resolved(items[1] ?? emptyBytes, nodeOf)
  }
}

/** A child by hash, or a short one as it stands in its parent. */
function resolved(child: RlpItem, nodeOf: (hash: Uint8Array) => RlpItem): RlpItem {
  if (!(child instanceof Uint8Array)) return child
  if (child.length !== 32) throw new FormatError(`trie reference of ${child.length} bytes`)
  return nodeOf(child)
}

/** Nodes of any tries that prove many keys together: what several paths share is there once. */
export class TrieNodes {
  readonly #nodes: ReadonlyMap<Hex, Uint8Array>
  readonly #needed = new Set<Uint8Array>()

  constructor(nodes: readonly Uint8Array[]) {
    this.#nodes = new Map(nodes.map((node) => [bytesToHex(keccak256(node)), node]))
  }

  /** As {@link verifyTrieProof}: throws {@link FormatError} where a node that it takes is not here. */
  value(root: Uint8Array, key: Uint8Array): Uint8Array | undefined {
    if (equalBytes(root, emptyTrieRoot)) return undefined
    return trieValue(root, key, (hash) => this.#node(hash))
  }

  /** The nodes that were needed, by when they first were. */
  get needed(): readonly Uint8Array[] {
    return [...this.#needed]
  }

  #node(hash: Uint8Array): RlpItem {
    const name = bytesToHex(hash)
    const node = this.#nodes.get(name)
    if (node === undefined) throw new FormatError(`there is no trie node ${name}`)
    this.#needed.add(node)
    return rlpDecode(node)
  }
}

/** Verifies an `eth_getProof` answer against a state root. Throws {@link FormatError} for any claim that is not proven. */
export function verifyAccountProof(stateRoot: Uint8Array, json: unknown): AccountProof {
  const object = asObject(json, 'account proof')
  const address = asFixed(object['address'], 'address', 20)
  const claimed: TrieAccount = {
    nonce: uintQuantity(object['nonce'], 'nonce'),
    balance: uintQuantity(object['balance'], 'balance', 256),
    storageRoot: asFixed(object['storageHash'], 'storageHash', 32),
    codeHash: asFixed(object['codeHash'], 'codeHash', 32),
  }
  const value = verifyTrieProof(stateRoot, keccak256(address), proofNodes(object['accountProof'], 'accountProof'))
  const account = value === undefined ? emptyAccount : decodeAccount(value)
  requireSameAccount(account, claimed, value === undefined)
  const storageProof = object['storageProof'] ?? []
  const slots = asArray(storageProof, 'storageProof').map((entry) => verifySlot(account.storageRoot, entry))
  return { address, account, slots }
}

/** Reads an account of the state trie. Throws {@link FormatError}. */
export function decodeAccount(value: Uint8Array): TrieAccount {
  const fields = asList(rlpDecode(value), 'account', 4)
  return {
    nonce: asUint(fields[0], 'account nonce', 8),
    balance: asUint(fields[1], 'account balance'),
    storageRoot: asBytes(fields[2], 'storage root', 32),
    codeHash: asBytes(fields[3], 'code hash', 32),
  }
}

const emptyAccount: TrieAccount = { nonce: 0n, balance: 0n, storageRoot: emptyTrieRoot, codeHash: emptyCodeHash }

/** The nodes of one proof, each found by its hash and used once, in order. */
class ProofNodes {
  readonly #proof: readonly Uint8Array[]
  #used = 0

  constructor(proof: readonly Uint8Array[]) {
    if (proof.length > proofNodesMax) throw new FormatError(`trie proof of ${proof.length} nodes`)
    this.#proof = proof
  }

  next(hash: Uint8Array): RlpItem {
    const node = this.#proof[this.#used++]
    if (node === undefined) throw new FormatError('trie proof ends early')
    if (!equalBytes(keccak256(node), hash)) throw new FormatError(`trie proof node is not ${bytesToHex(hash)}`)
    return rlpDecode(node)
  }

  end(value: Uint8Array | undefined): Uint8Array | undefined {
    if (this.#used < this.#proof.length) throw new FormatError('trie proof has nodes beyond its end')
    return value
  }
}

function verifySlot(storageRoot: Uint8Array, json: unknown): { key: Uint8Array; value: bigint } {
  const object = asObject(json, 'storage proof')
  const key = slotKey(object['key'])
  const claimed = uintQuantity(object['value'], 'storage value', 256)
  const proven = verifyTrieProof(storageRoot, keccak256(key), proofNodes(object['proof'], 'storage proof nodes'))
  const value = proven === undefined ? 0n : asUint(rlpDecode(proven), 'storage value')
  if (value !== claimed) throw new FormatError(`storage slot ${bytesToHex(key)} is ${value}, not ${claimed}`)
  return { key, value }
}

/** Servers write keys as 32 bytes or as quantities. */
function slotKey(json: unknown): Uint8Array {
  const uint = uintQuantity(json, 'storage key', 256)
  const minimal = rlpUint(uint)
  const key = new Uint8Array(32)
  key.set(minimal, 32 - minimal.length)
  return key
}

function requireSameAccount(proven: TrieAccount, claimed: TrieAccount, isAbsent: boolean): void {
  // Some servers answer zero hashes for an account that does not exist.
  const hashMatches = (a: Uint8Array, b: Uint8Array) => equalBytes(a, b) || (isAbsent && b.every((byte) => byte === 0))
  if (proven.nonce !== claimed.nonce) throw new FormatError(`account nonce is ${proven.nonce}, not ${claimed.nonce}`)
  if (proven.balance !== claimed.balance)
    throw new FormatError(`account balance is ${proven.balance}, not ${claimed.balance}`)
  if (!hashMatches(proven.storageRoot, claimed.storageRoot)) throw new FormatError('account storage hash is not proven')
  if (!hashMatches(proven.codeHash, claimed.codeHash)) throw new FormatError('account code hash is not proven')
}

function proofNodes(json: unknown, what: string): Uint8Array[] {
  return asArray(json, what).map((node) => asData(node, what, proofNodeBytesMax))
}

function decodeHexPrefix(bytes: Uint8Array): { nibbles: Uint8Array; isLeaf: boolean } {
  const all = toNibbles(bytes)
  const flag = all[0]
  if (flag === undefined || flag > 3 || (flag % 2 === 0 && all[1] !== 0)) throw new FormatError('trie path prefix')
  return { nibbles: all.subarray(flag % 2 === 1 ? 1 : 2), isLeaf: flag >= 2 }
}

function startsWith(path: Uint8Array, offset: number, nibbles: Uint8Array): boolean {
  return equalBytes(path.subarray(offset, offset + nibbles.length), nibbles)
}

function branchValue(item: RlpItem | undefined): Uint8Array | undefined {
  const bytes = asBytes(item, 'branch value')
  return bytes.length === 0 ? undefined : bytes
}

function isEmpty(item: RlpItem): boolean {
  return item instanceof Uint8Array && item.length === 0
}

function isEmptyTrie(proof: readonly Uint8Array[]): boolean {
  return proof.length === 1 && proof[0]?.length === 1 && proof[0][0] === 0x80
}
