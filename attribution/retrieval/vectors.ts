import { dotInt8 } from '../../precompiles-sim/influence-dot.ts'
import { mixed } from '../near-duplicates/signature.ts'

/** Components of a vector. */
export const vectorLength = 512
/** Length of a vector, as far as rounding its components to whole numbers leaves it. */
const norm = 256
const componentMax = 127

/**
 * A text's vector: hashed projection of its different terms and their parts of three letters, each by the term's rarity. No
 * model and no floating point, so the same bytes on every machine; similarity is InfluenceDot of two. docs/RETRIEVAL.md §4.
 */
export function vectorOf(terms: Iterable<string>, rarity: (term: string) => number): Int8Array {
  const sums = new Float64Array(vectorLength)
  for (const term of new Set(terms)) {
    // The root, since a term's weight is in both vectors of a product.
    const weight = Math.floor(Math.sqrt(rarity(term)))
    project(sums, term, weight)
    const parts = threes(term)
    for (const part of parts) project(sums, part, Math.floor(weight / parts.length))
  }
  const length = Math.floor(Math.sqrt(sums.reduce((sum, value) => sum + value * value, 0)))
  const largest = sums.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  // Few terms: what would not fit a byte keeps its direction and is shorter.
  const isShort = largest * norm > componentMax * length
  const [multiplier, divisor] = isShort ? [componentMax, largest] : [norm, Math.max(length, 1)]
  return Int8Array.from(sums, (value) => Math.floor((2 * value * multiplier + divisor) / (2 * divisor)))
}

export function vectorDot(a: Int8Array, b: Int8Array): number {
  return dotInt8(bytesOf(a), bytesOf(b))
}

function project(sums: Float64Array, feature: string, weight: number): void {
  const hash = featureHash(feature)
  const at = hash % vectorLength
  sums[at] = (sums[at] as number) + (hash >= 2 ** 31 ? -weight : weight)
}

/** Runs of three characters of `<term>`. */
function threes(term: string): string[] {
  const signs = ['<', ...term, '>'].slice(0, signsMax)
  return signs.slice(2).map((sign, i) => `${signs[i]}${signs[i + 1]}${sign}`)
}

/** A longer term's first letters say what it is. */
const signsMax = 66

/** FNV-1a of the UTF-8 bytes, mixed. */
function featureHash(feature: string): number {
  let hash = 0x811c_9dc5
  for (const byte of Buffer.from(feature)) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return mixed(hash)
}

function bytesOf(vector: Int8Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.length)
}
