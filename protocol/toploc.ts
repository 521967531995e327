/**
 * TOPLOC's commitments to floats (arXiv 2501.16007): a polynomial over {@link toplocField} through (index mod modulus, bf16 bits).
 * Whoever computed the floats anew asks it at his own indices and compares exponents and mantissas.
 */

/** The largest prime below 2^16 that its authors chose. */
export const toplocField = 65_497
/** What mean and median are where no exponent agrees. */
const noHit = 0xffff_ffff

/** Errors in thousandths of a unit of the 7-bit mantissa. */
export type ToplocDistance = { readonly expHits: number; readonly meanMilli: number; readonly medianMilli: number }

export type ToplocPoint = { readonly index: number; readonly bits: number }

/** `coeffs`: u16 each, the constant first. */
export type ToplocCommitment = { readonly modulus: number; readonly coeffs: Uint8Array }

/** The commitment to points of different indices, at most {@link toplocField} of them: as many coefficients as points. */
export function commitToploc(points: readonly ToplocPoint[]): ToplocCommitment {
  const modulus = injectiveModulus(points.map(({ index }) => index))
  const xs = points.map(({ index }) => index % modulus)
  const coefficients = interpolate(
    xs,
    points.map(({ bits }) => bits % toplocField),
  )
  const coeffs = new Uint8Array(2 * coefficients.length)
  const view = new DataView(coeffs.buffer)
  for (const [i, coefficient] of coefficients.entries()) view.setUint16(2 * i, coefficient)
  return { modulus, coeffs }
}

/** Points as the precompile ToplocCheck takes them: (index u32 ‖ bits u16) each. */
export function toplocPoints(points: readonly ToplocPoint[]): Uint8Array {
  const bytes = new Uint8Array(6 * points.length)
  const view = new DataView(bytes.buffer)
  for (const [i, { index, bits }] of points.entries()) {
    view.setUint32(6 * i, index)
    view.setUint16(6 * i + 4, bits)
  }
  return bytes
}

/** How far a commitment is from recomputed floats, as {@link toplocPoints} writes them. */
export function compareToploc(modulus: number, coeffs: Uint8Array, points: Uint8Array): ToplocDistance {
  const polynomial = Array.from({ length: coeffs.length / 2 }, (_, i) => uint16(coeffs, 2 * i))
  const errors: number[] = []
  const view = new DataView(points.buffer, points.byteOffset, points.length)
  for (let at = 0; at < points.length; at += 6) {
    const committed = evaluate(polynomial, view.getUint32(at) % modulus)
    const actual = view.getUint16(at + 4)
    if (exponent(committed) === exponent(actual)) errors.push(Math.abs(mantissa(committed) - mantissa(actual)))
  }
  const expHits = errors.length
  if (expHits === 0) return { expHits, meanMilli: noHit, medianMilli: noHit }
  errors.sort((a, b) => a - b)
  const sum = errors.reduce((total, error) => total + error, 0)
  const middles = (errors[(expHits - 1) >> 1] ?? 0) + (errors[expHits >> 1] ?? 0)
  return { expHits, meanMilli: Math.floor((1_000 * sum) / expHits), medianMilli: 500 * middles }
}

const word = new DataView(new ArrayBuffer(4))

/** The nearest bf16, ties to even. */
export function bf16Bits(value: number): number {
  word.setFloat32(0, value)
  const bits = word.getUint32(0)
  return Math.min((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16, 0xffff)
}

/** The largest modulus up to the field's size by which all indices differ. */
function injectiveModulus(indices: readonly number[]): number {
  for (let modulus = toplocField; modulus > 0; modulus--) {
    const seen = new Set<number>()
    if (indices.every((index) => seen.size < seen.add(index % modulus).size)) return modulus
  }
  throw new RangeError(`${indices.length} points, of which some have one index`)
}

/** Newton's divided differences, multiplied out; the constant first. Products are below 2^32. */
function interpolate(xs: readonly number[], ys: readonly number[]): number[] {
  const differences = [...ys]
  for (let order = 1; order < xs.length; order++) {
    for (let i = xs.length - 1; i >= order; i--) {
      const rise = modField((differences[i] ?? 0) - (differences[i - 1] ?? 0))
      differences[i] = (rise * inverse(modField((xs[i] ?? 0) - (xs[i - order] ?? 0)))) % toplocField
    }
  }
  let polynomial: number[] = []
  for (let i = xs.length - 1; i >= 0; i--) {
    const next = [0, ...polynomial]
    for (const [j, value] of polynomial.entries()) next[j] = modField((next[j] ?? 0) - value * (xs[i] ?? 0))
    next[0] = modField((next[0] ?? 0) + (differences[i] ?? 0))
    polynomial = next
  }
  return polynomial.slice(0, xs.length)
}

/** `a^(p - 2)`. */
function inverse(a: number): number {
  let [result, base] = [1, a]
  for (let power = toplocField - 2; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) result = (result * base) % toplocField
    base = (base * base) % toplocField
  }
  return result
}

function modField(value: number): number {
  return ((value % toplocField) + toplocField) % toplocField
}

/** Horner's rule. */
function evaluate(polynomial: readonly number[], x: number): number {
  return polynomial.reduceRight((y, coefficient) => (y * x + coefficient) % toplocField, 0)
}

const exponent = (bits: number): number => (bits >> 7) & 0xff
const mantissa = (bits: number): number => bits & 0x7f

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
