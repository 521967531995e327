import { SuffixError } from './suffix-error.ts'

/** No entry of the table is so near a half that squaring seventeen times at this precision could miss it. */
const precisionBits = 160n

/** log2 of 1 + i/256 in 1/65,536, i = 0 … 256. docs/ATTRIBUTION.md §3. */
export const log2Table: readonly number[] = Array.from({ length: 257 }, (_, i) => tableEntry(i))

/**
 * log2 in 1/65,536 of an integer below 2^40, between the table's entries by straight lines. Integers alone, so that every
 * machine and contract has the same. Throws {@link SuffixError} `size`.
 */
export function log2Fixed(x: number): number {
  if (!Number.isInteger(x) || x < 1 || x >= 2 ** 40) throw new SuffixError('size', `no logarithm of ${x}`)
  const exponent = x < 2 ** 32 ? 31 - Math.clz32(x) : 63 - Math.clz32(x / 2 ** 32)
  // Below 2^53: exact.
  const fraction = x * 2 ** (40 - exponent) - 2 ** 40
  const i = Math.floor(fraction / 2 ** 32)
  const [low, high] = [log2Table[i] as number, log2Table[i + 1] as number]
  return 65_536 * exponent + low + Math.floor(((high - low) * (fraction % 2 ** 32)) / 2 ** 32)
}

/** 65,536·log2(1 + i/256), rounded. A bit of the logarithm by every squaring; the one behind the sixteen kept rounds. */
function tableEntry(i: number): number {
  if (i === 256) return 65_536
  let power = (BigInt(256 + i) << precisionBits) / 256n
  let bits = 0
  for (let bit = 0; bit < 17; bit++) {
    power = (power * power) >> precisionBits
    const isSet = power >= 2n << precisionBits
    if (isSet) power >>= 1n
    bits = 2 * bits + (isSet ? 1 : 0)
  }
  return Math.floor((bits + 1) / 2)
}
