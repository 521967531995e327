import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { tokensPerLeaf } from '../../protocol/token-list.ts'
import { chunkEntries } from './table.ts'

/** Neighbouring chunks with the hashes beside their way up, as contracts/src/lib/Chunks.sol opens them. */
export type Run = { readonly first: number; readonly data: Hex; readonly siblings: readonly Hex[] }

/** Where a run is not looked at. */
export const noRun: Run = { first: 0, data: '0x', siblings: [] }

/** What opens one chunk: `index u32 ‖ entries ‖ siblings`. */
export type ChunkOpener = { readonly entries: number; open(chunk: number): Uint8Array }

/** The chunks of entries from … to − 1 of a table: siblings of the first on the left, of the last on the right. */
export function openRun(table: ChunkOpener, from: number, to: number): Run {
  const depth = Math.ceil(Math.log2(Math.ceil(table.entries / chunkEntries)))
  const [first, last] = [Math.floor(from / chunkEntries), Math.floor((to - 1) / chunkEntries)]
  const openings = Array.from({ length: last - first + 1 }, (_, i) => table.open(first + i))
  const siblingOf = (opening: Uint8Array | undefined, height: number): Hex => {
    const at = (opening?.length ?? 0) - 32 * (depth - height)
    return bytesToHex(opening?.subarray(at, at + 32) ?? new Uint8Array(32))
  }
  const siblings: Hex[] = []
  for (let height = 0; height < depth; height++) {
    if (Math.floor(first / 2 ** height) % 2 === 1) siblings.push(siblingOf(openings[0], height))
    if (Math.floor(last / 2 ** height) % 2 === 0) siblings.push(siblingOf(openings.at(-1), height))
  }
  const data = openings.map((opening) => opening.subarray(4, opening.length - 32 * depth))
  return { first, data: bytesToHex(concatBytes(...data)), siblings }
}

/** The leaves of tokens from … to − 1 of a token list, whose odd nodes go up unchanged. docs/MONEY.md §2. */
export function openTokens(tokens: ArrayLike<number>, from: number, to: number): Run {
  const leaves = Array.from({ length: Math.ceil(tokens.length / tokensPerLeaf) }, (_, i) =>
    tokenBytes(tokens, tokensPerLeaf * i, Math.min(tokens.length, tokensPerLeaf * (i + 1))),
  )
  let [first, last] = [Math.floor(from / tokensPerLeaf), Math.floor((to - 1) / tokensPerLeaf)]
  const run = { first, data: bytesToHex(concatBytes(...leaves.slice(first, last + 1))) }
  const siblings: Uint8Array[] = []
  let level = leaves.map((leaf, i) => sha256(Uint8Array.of(0), uintBytes(i, 4), leaf))
  while (level.length > 1) {
    const [left, right] = [level[first - 1], level[last + 1]]
    if (first % 2 === 1 && left !== undefined) siblings.push(left)
    if (last % 2 === 0 && right !== undefined) siblings.push(right)
    level = above(level)
    first = Math.floor(first / 2)
    last = Math.floor(last / 2)
  }
  return { ...run, siblings: siblings.map((sibling) => bytesToHex(sibling)) }
}

function above(level: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
    const [left = new Uint8Array(0), right] = level.slice(2 * i, 2 * i + 2)
    return right === undefined ? left : sha256(Uint8Array.of(1), left, right)
  })
}

function tokenBytes(tokens: ArrayLike<number>, from: number, to: number): Uint8Array {
  return concatBytes(...Array.from({ length: to - from }, (_, i) => uintBytes(tokens[from + i] as number, 4)))
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
