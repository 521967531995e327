import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { eachTerm, termForm } from '../terms.ts'

/** Entries of a signature. */
export const signatureEntries = 128
/** Terms of a shingle. */
export const shingleTerms = 3
/** Rounds in which a shingle chooses its entry; entries that none chose take the least of all shingles. */
export const choosingRounds = 8
/** The entry of a text without terms. */
const emptyEntry = 0xffff_ffff

/**
 * MinHash signature of a UTF-8 content: of two contents the share of equal entries estimates the Jaccard similarity of their
 * sets of shingles. The signature of a union is the entry-wise minimum. docs/NEAR-DUPLICATES.md §1.
 */
export function signatureOf(content: Uint8Array): Uint32Array {
  return signatureOfShingles(shinglesOf(content))
}

/** Hashes of the runs of three terms, repeats included. A content of fewer terms is one shingle, of none no shingle. */
export function shinglesOf(content: Uint8Array): Uint32Array {
  const hashes = termHashes(content)
  const shingles = new Uint32Array(hashes.length === 0 ? 0 : Math.max(1, hashes.length - shingleTerms + 1))
  for (let i = 0; i < shingles.length; i++) {
    let hash = 0
    for (let j = i; j < Math.min(i + shingleTerms, hashes.length); j++) hash = mixed(hash + (hashes[j] as number))
    shingles[i] = hash
  }
  return shingles
}

/**
 * Round r of eight: shingle x gives y = mixed(x + r·step) to entry y mod 128; an entry is `round ‖ y's upper 25 bits`, the
 * least there is. Rounds end when every entry has a value. In round 8 every shingle gives a value to each entry left.
 */
export function signatureOfShingles(shingles: Uint32Array): Uint32Array {
  const entries = new Uint32Array(signatureEntries).fill(emptyEntry)
  if (shingles.length === 0) return entries
  let empty = signatureEntries
  for (let round = 0; round < choosingRounds && empty > 0; round++) {
    const offset = Math.imul(round, step)
    const high = round * 2 ** 25
    for (let i = 0; i < shingles.length; i++) {
      const y = mixed((shingles[i] as number) + offset)
      const at = y & (signatureEntries - 1)
      const value = high + (y >>> 7)
      const before = entries[at] as number
      if (value >= before) continue
      if (before === emptyEntry) empty--
      entries[at] = value
    }
  }
  for (let at = 0; at < signatureEntries; at++) {
    if (entries[at] === emptyEntry) entries[at] = choosingRounds * 2 ** 25 + (leastFor(at, shingles) >>> 7)
  }
  return entries
}

/** What a contribution commits to as its `simHash`. */
export function signatureHash(signature: Uint32Array): Hex {
  return bytesToHex(keccak256(concatBytes(hashPrefix, encodeSignature(signature))))
}

/** 512 bytes: each entry a u32. */
export function encodeSignature(signature: Uint32Array): Uint8Array {
  return concatBytes(...Array.from(signature, (entry) => uintBytes(entry, 4)))
}

/** The entries of 512 bytes. */
export function decodeSignature(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i))
}

/** Equal entries in ten-thousandths, rounded down; 0 where either text has no terms. What precompile MinHashSim answers. */
export function similarityBps(a: Uint32Array, b: Uint32Array): number {
  let equal = 0
  for (let i = 0; i < signatureEntries; i++) if (a[i] === b[i] && a[i] !== emptyEntry) equal++
  return Math.floor((10_000 * equal) / signatureEntries)
}

function leastFor(entry: number, shingles: Uint32Array): number {
  const offset = Math.imul(choosingRounds + entry, step)
  let least = emptyEntry
  for (let i = 0; i < shingles.length; i++) least = Math.min(least, mixed((shingles[i] as number) + offset))
  return least
}

/** FNV-1a of each term's form. */
function termHashes(content: Uint8Array): Uint32Array {
  let hashes = new Uint32Array(64)
  let count = 0
  eachTerm(content, (start, end, isAscii) => {
    if (count === hashes.length) {
      const grown = new Uint32Array(2 * count)
      grown.set(hashes)
      hashes = grown
    }
    hashes[count++] = isAscii ? asciiHash(content, start, end) : formHash(content.subarray(start, end))
  })
  return hashes.subarray(0, count)
}

function asciiHash(content: Uint8Array, start: number, end: number): number {
  let hash = fnvBasis
  for (let at = start; at < end; at++) {
    const byte = content[at] as number
    const isCapital = byte >= 0x41 && byte <= 0x5a
    hash = Math.imul(hash ^ (isCapital ? byte + 0x20 : byte), fnvPrime)
  }
  return hash
}

function formHash(bytes: Uint8Array): number {
  let hash = fnvBasis
  for (const byte of Buffer.from(termForm(bytes, false))) hash = Math.imul(hash ^ byte, fnvPrime)
  return hash
}

/** The finaliser of MurmurHash3 over 32 bits: a permutation. */
export function mixed(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const fnvBasis = 0x811c_9dc5
const fnvPrime = 0x0100_0193
const step = 0x9e37_79b9
const hashPrefix = Uint8Array.of(0x0e)
