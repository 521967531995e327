import { createHash } from 'node:crypto'
import { equalBytes, uintBytes } from '../protocol/bytes.ts'
import { abiPrecompile, customError, encodeResults } from './abi.ts'
import type { GasMeter, Revert } from './precompile.ts'

/** How often tokens stand in a committed text. Twin of contracts/src/precompiles/SpanProof.sol, which has the format. */
export const spanProof = abiPrecompile('SpanProof', '0x4f4c000000000000000000000000000000000013', [
  {
    signature: 'prove(bytes32,bytes32,uint32,bytes,uint32,uint32,bytes)',
    words: 7,
    run(args, _call, gas) {
      const roots = { tokenRoot: uintBytes(args.uint(0, 256), 32), suffixRoot: uintBytes(args.uint(1, 256), 32) }
      const n = args.uint(2, 32)
      const query = args.bytes(3)
      const [lo, hi] = [args.uint(4, 32), args.uint(5, 32)]
      const ok = provesCount({ ...roots, n }, query, lo, hi, args.bytes(6), gas)
      return encodeResults(ok, ok ? hi - lo : 0n)
    },
  },
])

/** Roots of a text and its suffix array, of `n` entries each. */
export type TextRoots = { readonly tokenRoot: Uint8Array; readonly suffixRoot: Uint8Array; readonly n: bigint }

/** Whether the openings show that the query stands in the text exactly hi − lo times. Throws {@link Revert} for a wrong form. */
export function provesCount(
  { tokenRoot, suffixRoot, n }: TextRoots,
  query: Uint8Array,
  lo: bigint,
  hi: bigint,
  openings: Uint8Array,
  gas: GasMeter,
): boolean {
  gas.charge(baseGas)
  checkQuery(query)
  gas.charge(gasPerToken * (query.length / 4))
  if (n === 0n || lo > hi || hi > n) throw customError('BadRange(uint32,uint32,uint32)', n, lo, hi)
  const index = openIndex(Number(n), tokenRoot, suffixRoot, openings, gas)
  return index !== undefined && isProven(index, query, Number(lo), Number(hi), gas)
}

const baseGas = 200
const gasPerToken = 8
const gasPerOpening = 300
const gasPerLevel = 60
const tokensMax = 64
const chunkEntries = 32
const openingsMax = 64
const separator = 0xffff_ffff

/** Entries of a tree whose chunk was opened; undefined for the others. */
type Entries = (place: number) => number | undefined

type OpenedIndex = { readonly n: number; readonly text: Entries; readonly suffixes: Entries }

function checkQuery(query: Uint8Array): void {
  const shaped = query.length > 0 && query.length % 4 === 0 && query.length <= 4 * tokensMax
  const hasSeparator = () => tokensOf(query).includes(separator)
  if (!shaped || hasSeparator()) throw customError('BadQuery(uint256)', BigInt(query.length))
}

/** Undefined where an opening does not lead to its root. */
function openIndex(
  n: number,
  tokenRoot: Uint8Array,
  suffixRoot: Uint8Array,
  openings: Uint8Array,
  gas: GasMeter,
): OpenedIndex | undefined {
  const [texts = 0, suffixCount = 0] = openings
  if (openings.length < 2 || texts + suffixCount > openingsMax) throw badOpenings(openings)
  const text = openTree(n, tokenRoot, openings, 2, texts, gas)
  if (text === undefined) return undefined
  const suffixes = openTree(n, suffixRoot, openings, text.end, suffixCount, gas)
  if (suffixes === undefined) return undefined
  if (suffixes.end !== openings.length) throw badOpenings(openings)
  return { n, text: entriesOf(text.chunks), suffixes: entriesOf(suffixes.chunks) }
}

function openTree(
  n: number,
  root: Uint8Array,
  openings: Uint8Array,
  begin: number,
  count: number,
  gas: GasMeter,
): { readonly chunks: Map<number, Uint8Array>; readonly end: number } | undefined {
  const leaves = Math.ceil(n / chunkEntries)
  const depth = depthOf(leaves)
  const chunks = new Map<number, Uint8Array>()
  let at = begin
  let previous = -1
  for (let i = 0; i < count; i++) {
    if (at + 4 > openings.length) throw badOpenings(openings)
    const leaf = uint32(openings, at)
    if (leaf >= leaves || leaf <= previous) return undefined
    const size = 4 * (leaf + 1 === leaves ? n - leaf * chunkEntries : chunkEntries)
    const end = at + 4 + size + 32 * depth
    if (end > openings.length) throw badOpenings(openings)
    gas.charge(gasPerOpening + gasPerLevel * depth)
    if (!equalBytes(rootOf(openings.subarray(at, end), leaf, size), root)) return undefined
    chunks.set(leaf, openings.subarray(at + 4, at + 4 + size))
    previous = leaf
    at = end
  }
  return { chunks, end: at }
}

function depthOf(leaves: number): number {
  let depth = 0
  for (let width = leaves; width > 1; width = Math.ceil(width / 2)) depth++
  return depth
}

/** The root that an opening `index u32 ‖ entries ‖ siblings` leads to. */
function rootOf(opening: Uint8Array, leaf: number, size: number): Uint8Array {
  let node: Uint8Array = createHash('sha256')
    .update(leafPrefix)
    .update(opening.subarray(0, 4 + size))
    .digest()
  let position = leaf
  for (let at = 4 + size; at < opening.length; at += 32) {
    const sibling = opening.subarray(at, at + 32)
    const [left, right] = position % 2 === 0 ? [node, sibling] : [sibling, node]
    node = createHash('sha256').update(nodePrefix).update(left).update(right).digest()
    position = Math.floor(position / 2)
  }
  return node
}

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

function entriesOf(chunks: ReadonlyMap<number, Uint8Array>): Entries {
  return (place) => {
    const chunk = chunks.get(Math.floor(place / chunkEntries))
    return chunk === undefined ? undefined : uint32(chunk, 4 * (place % chunkEntries))
  }
}

/** Neighbours strictly outside, bounds inside: by the array's order all between begin with the query, and no others. */
function isProven(index: OpenedIndex, query: Uint8Array, lo: number, hi: number, gas: GasMeter): boolean {
  const tokens = tokensOf(query)
  const order = (place: number) => {
    gas.charge(gasPerToken)
    return compare(index, place, tokens)
  }
  if (lo > 0 && order(lo - 1) !== 'less') return false
  if (hi < index.n && order(hi) !== 'greater') return false
  return lo === hi || (order(lo) === 'begins' && order(hi - 1) === 'begins')
}

/** How the suffix at a place of the array compares with the query. */
function compare(
  { n, text, suffixes }: OpenedIndex,
  place: number,
  query: readonly number[],
): 'less' | 'begins' | 'greater' | 'unknown' {
  const begin = suffixes(place)
  if (begin === undefined || begin >= n) return 'unknown'
  for (const [i, wanted] of query.entries()) {
    if (begin + i === n) return 'less'
    const token = text(begin + i)
    if (token === undefined) return 'unknown'
    if (token === separator || token < wanted) return 'less'
    if (token > wanted) return 'greater'
  }
  return 'begins'
}

function tokensOf(query: Uint8Array): number[] {
  return Array.from({ length: query.length / 4 }, (_, i) => uint32(query, 4 * i))
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
}

function badOpenings(openings: Uint8Array): Revert {
  return customError('BadOpenings(uint256)', BigInt(openings.length))
}
