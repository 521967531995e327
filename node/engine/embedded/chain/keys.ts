import { concatBytes, emptyBytes, type Hex, hexToBytes, uintBytes } from '../../../../protocol/bytes.ts'
import type { NodePlace } from '../state/state-store.ts'

/**
 * Keys of the chain's database. A trie node is stored under its place and its hash, so that two tries which share a node
 * by hash each own a copy, and one can be pruned without the other.
 */
export const keys = {
  header: (hash: Hex) => key('h', hexToBytes(hash)),
  body: (hash: Hex) => key('b', hexToBytes(hash)),
  receipts: (hash: Hex) => key('r', hexToBytes(hash)),
  canonical: (number: bigint) => key('n', uintBytes(number, 8)),
  location: (txHash: Hex) => key('t', hexToBytes(txHash)),
  code: (hash: Uint8Array) => key('c', hash),
  node: ({ owner, path, hash }: NodePlace) =>
    concatBytes(owner === undefined ? account : storage, owner ?? emptyBytes, path, hash),
  /** Nodes that the block of that number and hash made stale. */
  stale: (number: bigint, hash: Hex) => key('x', concatBytes(uintBytes(number, 8), hexToBytes(hash))),
  staleRange: (number: bigint) => ({ gte: key('x', uintBytes(number, 8)), lt: key('x', uintBytes(number + 1n, 8)) }),
  meta: (name: string) => key('m', Buffer.from(name)),
} as const

const account = prefix('a')
const storage = prefix('s')

function prefix(letter: string): Uint8Array {
  return Uint8Array.of(letter.charCodeAt(0))
}

function key(letter: string, rest: Uint8Array): Uint8Array {
  return concatBytes(prefix(letter), rest)
}
