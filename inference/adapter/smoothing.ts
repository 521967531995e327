import type { FloatLayer, FloatMatrix } from '../float/float-model.ts'
import type { Layer, Matrix } from '../model.ts'
import type { Target } from './adapter.ts'

/** By what conversion multiplied a linear's rows and columns. */
export type Factors = { readonly rows: Float64Array; readonly columns: Float64Array }

/**
 * How a linear was smoothed, seen from the layer before and after: inputs of the first five by their norm, which took the
 * inverse; all else by least squares over the weights, in which the rounding to int8 averages out.
 */
export function smoothingOf(before: FloatLayer, after: Layer, target: Target, inputMax: number): Factors {
  const [float, canonical] = [before[target], after[target]]
  if (target === 'output' || target === 'down') {
    return { rows: new Float64Array(float.rows).fill(1), columns: columnFactors(float, canonical, inputMax) }
  }
  const norm = target === 'gate' || target === 'up' ? 'ffnNorm' : 'attentionNorm'
  const columns = Float64Array.from(before[norm], (weight, i) => ratio(weight, (after[norm][i] ?? 0) / 65_536))
  return { rows: rowFactors(float, canonical, columns, inputMax), columns }
}

function columnFactors(float: FloatMatrix, canonical: Matrix, inputMax: number): Float64Array {
  const [products, squares] = [new Float64Array(float.columns), new Float64Array(float.columns)]
  for (let row = 0; row < float.rows; row++) {
    const step = rowStep(canonical, row, inputMax)
    for (let i = 0; i < float.columns; i++) {
      const weight = float.weights[row * float.columns + i] ?? 0
      products[i] = (products[i] ?? 0) + weight * step * (canonical.weights[row * float.columns + i] ?? 0)
      squares[i] = (squares[i] ?? 0) + weight * weight
    }
  }
  return products.map((product, i) => ratio(product, squares[i] ?? 0))
}

function rowFactors(float: FloatMatrix, canonical: Matrix, columns: Float64Array, inputMax: number): Float64Array {
  return Float64Array.from({ length: float.rows }, (_, row) => {
    let [product, square] = [0, 0]
    for (let i = 0; i < float.columns; i++) {
      const weight = (float.weights[row * float.columns + i] ?? 0) * (columns[i] ?? 1)
      product += weight * (canonical.weights[row * float.columns + i] ?? 0)
      square += weight * weight
    }
    return ratio(product * rowStep(canonical, row, inputMax), square)
  })
}

/** What one step of the row's weights is worth. */
function rowStep({ scales }: Matrix, row: number, inputMax: number): number {
  const scale = scales[row] ?? 0
  return (inputMax * (scale >>> 8)) / 2 ** (scale & 255)
}

/** Where nothing can be seen, nothing was done. */
function ratio(a: number, b: number): number {
  const quotient = a / b
  return Number.isFinite(quotient) && quotient !== 0 ? quotient : 1
}
