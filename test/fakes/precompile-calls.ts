import { type Abi, encodeFunctionData } from 'viem'
import { loadArtifact } from '../../contracts/artifact.ts'
import { precompiles } from '../../precompiles-sim/table.ts'
import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { merkleRoot, proveChunk } from '../../protocol/content-hash.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import type { Random } from './random.ts'
import type { TwinCall } from './twin-evms.ts'

const registry = '0x4f4c000000000000000000000000000000000002'
const ledger = '0x4f4c000000000000000000000000000000000005'
const separator = 0xffff_ffff

/** Calls of each precompile as a user would make them, and near misses. */
export const callMakers: Readonly<Record<string, (random: Random) => TwinCall>> = {
  ProRata: (random) => {
    const pool = random.big(random.pick([8, 64, 128, 256]))
    const weights = random.list(random.pick([0, 1, 3, 40]), () => random.big(random.pick([0, 1, 20, 64])))
    return encoded('ProRata', 'split', [pool, weights])
  },
  InfluenceDot: (random) => {
    const length = random.int(random.pick([2, 40, 300]))
    const other = random.chance(0.1) ? random.int(50) : length
    return encoded('InfluenceDot', 'dot', [bytesToHex(random.bytes(length)), bytesToHex(random.bytes(other))])
  },
  MinHashSim: (random) => {
    const words = random.list(128, () => uintBytes(random.pick([random.int(2), 0xffff_ffff]), 4))
    const others = words.map((word) => (random.chance(0.5) ? word : uintBytes(random.int(2 ** 31), 4)))
    const [a, b] = [concatBytes(...words), concatBytes(...others)]
    const cut = random.chance(0.1) ? random.int(600) : 512
    return encoded('MinHashSim', 'similarity', [bytesToHex(a), bytesToHex(b.subarray(0, cut))])
  },
  LicenceLattice: (random) => {
    // Rarely a bit that is no term; mostly what asks for little, so that much of it agrees.
    const terms = () => random.pick([random.int(4), random.int(16), random.int(random.chance(0.1) ? 256 : 8)])
    const works = random.list(random.pick([0, 1, 3, 40]), terms)
    if (random.chance(0.2)) return encoded('LicenceLattice', 'join', [works])
    return encoded('LicenceLattice', 'check', [works, terms(), random.int(random.chance(0.1) ? 20 : 16)])
  },
  ToplocCheck: toplocCall,
  MerkleSum: sumProofCall,
  SpanProof: spanProofCall,
  RoyaltyGraph: royaltyCall,
  AttributionContext: (random) => {
    const caller = random.chance(0.9) ? ledger : registry
    const call = random.pick([
      encoded('AttributionContext', 'push', [bytesToHex(random.bytes(random.int(random.pick([40, 100, 515]))))]),
      encoded('AttributionContext', 'current', []),
      encoded('AttributionContext', 'pop', []),
    ])
    return { ...call, caller, isStatic: random.chance(0.1) }
  },
}

/** The call with something wrong in its bytes. */
export function damaged(call: TwinCall, random: Random): TwinCall {
  const data = Uint8Array.from(call.data)
  const at = random.int(Math.max(data.length, 1))
  switch (random.int(6)) {
    case 0:
      data[at] = random.int(256)
      return { ...call, data }
    case 1:
      return { ...call, data: data.subarray(0, at) }
    case 2:
      return { ...call, data: concatBytes(data, random.bytes(random.int(70))) }
    case 3: {
      // A whole word: lengths and offsets out of any range.
      const word = 4 + 32 * random.int(Math.max(1, Math.ceil((data.length - 4) / 32)))
      if (word + 32 > data.length) return { ...call, data }
      data.set(uintBytes(random.big(random.pick([8, 32, 64, 65, 256])), 32), word)
      return { ...call, data }
    }
    case 4:
      return { ...call, value: BigInt(1 + random.int(5)) }
    default:
      return { ...call, data: random.bytes(random.int(200)) }
  }
}

function encoded(name: string, functionName: string, args: readonly unknown[]): TwinCall {
  const to = precompiles.find((precompile) => precompile.name === name)?.address
  if (to === undefined) throw new Error(`no precompile ${name}`)
  const abi = loadArtifact(name).abi as Abi
  return { to, data: hexToBytes(encodeFunctionData({ abi, functionName, args })) }
}

/** A polynomial through some of the points, so that exponents agree now and then. */
function toplocCall(random: Random): TwinCall {
  const modulus = random.pick([65_497, 65_497, 1 + random.int(65_535), random.int(3)])
  const coeffs = random.chance(0.6) ? uintBytes(0x3f80 + random.int(200), 2) : random.bytes(2 * random.int(12))
  const value = coeffs.length === 2 ? new DataView(coeffs.buffer, coeffs.byteOffset).getUint16(0) : 0
  const points = random.list(random.int(random.pick([2, 9, 30])), () =>
    concatBytes(random.bytes(4), uintBytes(random.chance(0.7) ? value ^ random.int(256) : random.int(65_536), 2)),
  )
  const extra = random.bytes(random.chance(0.05) ? 1 : 0)
  return encoded('ToplocCheck', 'check', [
    modulus,
    bytesToHex(coeffs),
    bytesToHex(concatBytes(...points, extra)),
    { expHitsMin: random.int(10), meanMax: random.int(90_000), medianMax: random.int(90_000) },
  ])
}

/** A proof of a run of leaves in a random sum tree, sometimes of what is not there. */
function sumProofCall(random: Random): TwinCall {
  const sums = 1 + random.int(random.pick([1, 1, 4, 17]))
  const n = 1 + random.int(random.pick([1, 2, 9, 40]))
  const leaves = random.list(n, () =>
    concatBytes(random.bytes(32), ...random.list(sums, () => uintBytes(random.big(100), 16))),
  )
  const start = random.int(n)
  const count = 1 + random.int(random.chance(0.5) ? 1 : n - start)
  const tree = new SumTree(leaves)
  const siblings = tree.siblings(start, count)
  const shown = leaves.slice(start, start + count)
  // A sum that overflows on the way up.
  if (random.chance(0.05)) shown[0]?.fill(0xff, 32)
  return encoded('MerkleSum', 'verify', [
    bytesToHex(tree.root),
    random.chance(0.1) ? random.int(2 * n + 2) : n,
    random.chance(0.1) ? random.int(n + 2) : start,
    bytesToHex(tree.totals),
    bytesToHex(concatBytes(...shown)),
    bytesToHex(concatBytes(...(random.chance(0.1) ? siblings.slice(random.int(2)) : siblings))),
  ])
}

/** A span of a small text in few words, so that spans repeat; the proof is as it should be, or lacks or misplaces something. */
function spanProofCall(random: Random): TwinCall {
  const text = random.list(1 + random.int(random.pick([3, 40, 100, 200])), () =>
    random.chance(0.1) ? separator : random.int(random.pick([2, 5])),
  )
  const query = random.chance(0.8) ? spanOf(text, random) : random.list(random.int(67), () => random.int(4))
  const suffixes = suffixArray(text)
  const { lo, hi } = rangeOf(text, suffixes, query)
  const moved = (bound: number) => (random.chance(0.05) ? Math.max(0, bound + random.int(3) - 1) : bound)
  const [from, to] = [moved(lo), moved(hi)]
  const args = spanProofArgs(text, query, from, to, random)
  if (random.chance(0.03)) args[2] = random.int(300)
  return encoded('SpanProof', 'prove', args)
}

/** Arguments that show what can be shown of a range; with `random`, now and then an opening is left out. */
export function spanProofArgs(
  text: readonly number[],
  query: readonly number[],
  lo: number,
  hi: number,
  random?: Random,
): unknown[] {
  const suffixes = suffixArray(text)
  const places = [lo - 1, lo, hi - 1, hi].filter((place) => place >= 0 && place < text.length)
  const positions = places.flatMap((place) => query.map((_, i) => (suffixes[place] ?? 0) + i))
  const [tokenBytes, suffixBytes] = [wordsOf(text), wordsOf(suffixes)]
  const opened = (wanted: readonly number[]) => {
    const chunks = chunksOf(wanted, text.length)
    return random?.chance(0.03) === true ? chunks.slice(1) : chunks
  }
  return [
    merkleRoot(tokenBytes, chunkBytes),
    merkleRoot(suffixBytes, chunkBytes),
    text.length,
    bytesToHex(wordsOf(query)),
    lo,
    hi,
    bytesToHex(openings(tokenBytes, opened(positions), suffixBytes, opened(places))),
  ]
}

const chunkBytes = 128

function spanOf(text: readonly number[], random: Random): number[] {
  const at = random.int(text.length)
  const span = text.slice(at, at + 1 + random.int(random.pick([3, 10, 64])))
  return random.chance(0.95) ? span.filter((token) => token !== separator) : span
}

/** All positions, sorted by the tokens up to the next separator; a shorter suffix first, ties by position. */
export function suffixArray(text: readonly number[]): number[] {
  return text.map((_, i) => i).sort((a, b) => compareSuffixes(text, a, b) || a - b)
}

function compareSuffixes(text: readonly number[], a: number, b: number): number {
  for (let i = 0; i < 64; i++) {
    const [x, y] = [text[a + i] ?? separator, text[b + i] ?? separator]
    if (x === separator || y === separator) return Number(x !== separator) - Number(y !== separator)
    if (x !== y) return x - y
  }
  return 0
}

/** Places of the suffixes that begin with the query, by looking at every one. */
function rangeOf(text: readonly number[], suffixes: readonly number[], query: readonly number[]) {
  const begins = (at: number) => query.every((token, i) => text[at + i] === token)
  const isLess = (at: number) => {
    for (const [i, token] of query.entries()) {
      const actual = text[at + i] ?? separator
      if (actual === separator || actual < token) return true
      if (actual > token) return false
    }
    return false
  }
  const lo = suffixes.filter(isLess).length
  return { lo, hi: lo + suffixes.filter(begins).length }
}

function chunksOf(places: readonly number[], n: number): number[] {
  const indexes = places.filter((place) => place < n).map((place) => Math.floor(place / 32))
  return [...new Set(indexes)].sort((a, b) => a - b)
}

function openings(
  text: Uint8Array,
  textChunks: readonly number[],
  suffixes: Uint8Array,
  suffixChunks: readonly number[],
) {
  const open = (bytes: Uint8Array, index: number) => {
    const { chunk, siblings } = proveChunk(bytes, chunkBytes, index)
    return concatBytes(uintBytes(index, 4), chunk, ...siblings)
  }
  return concatBytes(
    Uint8Array.of(textChunks.length, suffixChunks.length),
    ...textChunks.map((index) => open(text, index)),
    ...suffixChunks.map((index) => open(suffixes, index)),
  )
}

function wordsOf(values: readonly number[]): Uint8Array {
  return concatBytes(...values.map((value) => uintBytes(value, 4)))
}

/** Edges among a few dozen models, and questions about them. */
function royaltyCall(random: Random): TwinCall {
  const id = () => BigInt(random.int(random.pick([4, 40])))
  const max = () => random.pick([0n, 5n, 32n, 1_024n, 1n << 200n])
  const call = random.chance(0.6)
    ? encoded('RoyaltyGraph', 'setEdge', [id(), id(), random.int(random.pick([900, 10_002])), random.int(3)])
    : random.pick([
        encoded('RoyaltyGraph', 'parents', [id()]),
        encoded('RoyaltyGraph', 'ancestors', [id(), max()]),
        encoded('RoyaltyGraph', 'hasPath', [id(), id()]),
        encoded('RoyaltyGraph', 'flatten', [id(), max()]),
      ])
  return { ...call, caller: random.chance(0.95) ? registry : ledger, isStatic: random.chance(0.05) }
}
