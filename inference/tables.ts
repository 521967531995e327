/**
 * Tables of docs/canonical-inference.md §3, made by integer arithmetic alone, so that every machine makes the same ones.
 */

/** What 1 is in {@link exp2Negative}: 32767·2^9, so that a probability rounded to 15 bits fits an int16. */
export const expOne = 32767 * 512
export const expTableEntries = 1025
export const sigmoidTableEntries = 4097

const fractionBits = 160n
const one = 1n << fractionBits

/** `round(expOne · 2^(-i/1024))` for i = 0 … 1024. */
export function makeExpTable(): Uint32Array {
  let root = one / 2n
  for (let i = 0; i < 10; i++) root = bigSqrt(root * one)
  const table = new Uint32Array(expTableEntries)
  let power = one
  for (let i = 0; i < expTableEntries; i++) {
    table[i] = Number((power * BigInt(expOne) + one / 2n) / one)
    power = (power * root) / one
  }
  return table
}

/** `round(2^16 / (1 + e^-x))` for x = -16 + i/128, i = 0 … 4096. */
export function makeSigmoidTable(): Uint32Array {
  const step = expOf(128n)
  const table = new Uint32Array(sigmoidTableEntries)
  const middle = (sigmoidTableEntries - 1) / 2
  let power = one
  for (let i = 0; i <= middle; i++) {
    // power = e^(-i/128): σ(i/128) = 1 / (1 + power), σ(-x) = power / (1 + power).
    const sum = one + power
    table[middle + i] = Number(((one << 17n) + sum) / (2n * sum))
    table[middle - i] = Number(((power << 17n) + sum) / (2n * sum))
    power = (power * step) / one
  }
  return table
}

/** e^(-1/n) by its series. */
function expOf(n: bigint): bigint {
  let [sum, term] = [one, one]
  for (let i = 1n; term !== 0n; i++) {
    term = term / (n * i)
    sum += i % 2n === 1n ? -term : term
  }
  return sum
}

function bigSqrt(a: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(a.toString(2).length / 2))
  for (let next = (root + a / root) / 2n; next < root; next = (root + a / root) / 2n) root = next
  return root
}

/**
 * `expOne · 2^(-z / 2^16) / 2^shift`, rounded, of 0 ≤ z < 2^32: linear between the table's entries. `shift` 9 gives the 15 bits
 * of attention, 0 the 24 bits of the sampler.
 */
export function exp2Negative(table: Uint32Array, z: number, shift: number): number {
  const whole = Math.floor(z / 65536)
  if (whole + shift >= 25) return 0
  const fraction = z % 65536
  const index = fraction >>> 6
  const [high, low] = [table[index] ?? 0, table[index + 1] ?? 0]
  const value = high - (((high - low) * (fraction & 63) + 32) >>> 6)
  const bits = whole + shift
  return bits === 0 ? value : (value + 2 ** (bits - 1)) >>> bits
}

/** σ in Q16 of x in Q16. Outside [-16, 16) the ends hold. */
export function sigmoid(table: Uint32Array, x: number): number {
  const place = Math.min(Math.max(x + 2 ** 20, 0), 2 ** 21 - 1)
  const index = place >>> 9
  const [low, high] = [table[index] ?? 0, table[index + 1] ?? 0]
  return low + (((high - low) * (place & 511) + 256) >>> 9)
}
