import { int16Max, roundShift, saturate } from '../integer.ts'

/**
 * Rotates each head's pairs (i, i + headDim/2) by the position's angles and narrows Q16 to int16 Q10 in one rounding.
 * `cos` and `sin` are the position's rows of the tables, Q14.
 */
export function rope(x: Int32Array, cos: Int16Array, sin: Int16Array): Int16Array {
  const half = cos.length
  const out = new Int16Array(x.length)
  for (let head = 0; head < x.length; head += 2 * half) {
    for (let i = 0; i < half; i++) {
      const [a, b, c, s] = [x[head + i] ?? 0, x[head + half + i] ?? 0, cos[i] ?? 0, sin[i] ?? 0]
      out[head + i] = saturate(roundShift(a * c - b * s, 20), int16Max)
      out[head + half + i] = saturate(roundShift(b * c + a * s, 20), int16Max)
    }
  }
  return out
}

/** Q16 to int16 Q10: the form of cached values. */
export function narrow(x: Int32Array): Int16Array {
  return Int16Array.from(x, (value) => saturate(roundShift(value, 6), int16Max))
}
