import { bitLength, maxMagnitude, roundDiv, roundShift, saturate } from '../integer.ts'

/** A vector as few bits with its scale: element i stands for `values[i] · mantissa · 2^exponent / inputMax`. */
export type Quantised = { readonly mantissa: number; readonly exponent: number; readonly values: Int16Array }

/** Dynamic quantisation of one token's vector to magnitudes up to `inputMax`. docs/canonical-inference.md §5.2. */
export function quantise(x: ArrayLike<number>, inputMax: number): Quantised {
  const max = maxMagnitude(x)
  const values = new Int16Array(x.length)
  if (max === 0) return { mantissa: 0, exponent: 0, values }
  const exponent = Math.max(0, bitLength(max) - 15)
  const mantissa = Math.ceil(max / 2 ** exponent)
  const reciprocal = roundDiv(inputMax * 2 ** 22, mantissa)
  for (let i = 0; i < x.length; i++) {
    values[i] = saturate(roundShift((x[i] ?? 0) * reciprocal, 22 + exponent), inputMax)
  }
  return { mantissa, exponent, values }
}
