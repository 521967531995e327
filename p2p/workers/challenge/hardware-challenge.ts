import { createHash, randomInt } from 'node:crypto'
import { bytesToHex, equalBytes, type Hex, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'

/** Sizes that are asked: a matrix product of some ms on a GPU, of a second on a CPU. */
export const sizes = [256, 512, 1_024, 2_048] as const
export type Size = (typeof sizes)[number]
/** Rows that a checker recomputes, each n² multiply-adds: a worker that left out a tenth of them is found out four times in five. */
export const openedRows = 16

/** The product of two n × n matrices of int8 made from a seed, asked of a worker that says how fast it is. */
export type HardwareChallenge = { readonly seed: Hex; readonly size: Size }

/** A row of the product as it was committed to: its hash is leaf `index` of the list. */
export type OpenedRow = { readonly index: number; readonly row: Int32Array }

/**
 * Left and right matrix, row by row: the first and second n² bytes of `SHAKE256("openledger hardware 1" ‖ seed ‖ n u32)`.
 * Entries are int8, so a product's entries are below 2²⁵ and int32 holds them.
 */
export function challengeMatrices({ seed, size }: HardwareChallenge): {
  readonly left: Int8Array
  readonly right: Int8Array
} {
  const bytes = createHash('shake256', { outputLength: 2 * size * size })
    .update('openledger hardware 1')
    .update(hexToBytes(seed))
    .update(uintBytes(size, 4))
    .digest()
  const all = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return { left: all.subarray(0, size * size), right: all.subarray(size * size) }
}

/** Row `index` of the product. */
export function productRow(left: Int8Array, right: Int8Array, size: number, index: number): Int32Array {
  const row = new Int32Array(size)
  for (let k = 0; k < size; k++) {
    const factor = left[index * size + k] ?? 0
    const start = k * size
    for (let j = 0; j < size; j++) row[j] = (row[j] ?? 0) + factor * (right[start + j] ?? 0)
  }
  return row
}

/** The product in plain TypeScript; a worker has something faster. Row by row, n² entries. */
export function product(challenge: HardwareChallenge): Int32Array {
  const { left, right } = challengeMatrices(challenge)
  const { size } = challenge
  const result = new Int32Array(size * size)
  for (let i = 0; i < size; i++) result.set(productRow(left, right, size, i), i * size)
  return result
}

/** `SHA-256(0x00 ‖ index u32 ‖ row as int32 little-endian)`. */
export function rowHash(index: number, row: Int32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * row.length))
  for (const [i, value] of row.entries()) bytes.setInt32(4 * i, value, true)
  return sha256(Uint8Array.of(0), uintBytes(index, 4), new Uint8Array(bytes.buffer))
}

/** What a worker sends when it is done, and by which its time is taken: `SHA-256(0x01 ‖ seed ‖ all row hashes)`. */
export function commitment({ seed }: HardwareChallenge, hashes: readonly Uint8Array[]): Hex {
  return bytesToHex(sha256(Uint8Array.of(1), hexToBytes(seed), ...hashes))
}

/** Rows to open, drawn after the commitment came. Different ones. */
export function drawRows(size: number, random: (below: number) => number = (below) => randomInt(below)): number[] {
  const rows = new Set<number>()
  while (rows.size < Math.min(openedRows, size)) rows.add(random(size))
  return [...rows]
}

/**
 * True where the hashes are those committed to and each asked row is the product's. Costs `openedRows · n²` multiply-adds where
 * the worker paid n³.
 */
export function holdsUp(
  challenge: HardwareChallenge,
  committed: Hex,
  hashes: readonly Uint8Array[],
  asked: readonly number[],
  opened: readonly OpenedRow[],
): boolean {
  const { size } = challenge
  if (hashes.length !== size || commitment(challenge, hashes) !== committed || opened.length !== asked.length)
    return false
  const { left, right } = challengeMatrices(challenge)
  return opened.every(({ index, row }, i) => {
    const hash = hashes[index]
    if (index !== asked[i] || row.length !== size || hash === undefined) return false
    const wanted = productRow(left, right, size, index)
    return equalBytes(hash, rowHash(index, row)) && row.every((value, j) => value === wanted[j])
  })
}

/** Multiply-adds a second of who took so long: what a capability says of itself. */
export function scoreOf({ size }: HardwareChallenge, ms: number): bigint {
  return BigInt(Math.floor((size ** 3 * 1_000) / Math.max(1, ms)))
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
