import { int32Max, roundShift, roundShiftBig, saturate, saturateBig } from '../integer.ts'
import type { Matrix, RowScales } from '../model.ts'
import type { Quantised } from './quantise.ts'

/** Accumulators `W · q`, exact: |each| ≤ 127 · inputMax · columns < 2^30. */
export function multiply(matrix: Matrix, { values }: Quantised): Int32Array {
  const { rows, columns, weights } = matrix
  const out = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < columns; i++) sum += (weights[row * columns + i] ?? 0) * (values[i] ?? 0)
    out[row] = sum
  }
  return out
}

/** Accumulators to Q16 by the row's scale and the input's. docs/canonical-inference.md §5.3. */
export function dequantise(accumulators: Int32Array, scales: RowScales, { mantissa, exponent }: Quantised): Int32Array {
  return accumulators.map((accumulator, row) => {
    const [scale, shift] = [(scales[row] ?? 0) >>> 8, (scales[row] ?? 0) & 255]
    return saturateBig(roundShiftBig(BigInt(accumulator) * BigInt(mantissa * scale), shift - exponent))
  })
}

/** A linear's output with that of an adapter of weight / 2^16 on top; both Q16. docs/canonical-inference.md §5.9. */
export function addWeighted(y: Int32Array, delta: Int32Array, weight: number): Int32Array {
  return y.map((value, i) => saturate(value + roundShift((delta[i] ?? 0) * weight, 16), int32Max))
}

/** A row of the embedding in Q16: one step of a weight is worth `mantissa / 2^shift`. */
export function embed({ columns, weights, scales }: Matrix, token: number): Int32Array {
  const [scale, shift] = [(scales[token] ?? 0) >>> 8, (scales[token] ?? 0) & 255]
  return Int32Array.from({ length: columns }, (_, i) =>
    saturateBig(roundShiftBig(BigInt((weights[token * columns + i] ?? 0) * scale) << 16n, shift)),
  )
}
