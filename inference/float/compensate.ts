import { int8Max, saturate } from '../integer.ts'
import type { FloatMatrix } from './float-model.ts'

/** Wider inputs would take more memory and time than a conversion has: their weights are rounded each by itself. */
const columnsMax = 2048
/** Added to the moments' diagonal, in shares of its mean, so that channels that calibration hardly met stay as they are. */
const damping = 0.01

/** Vectors per column from which on moments tell of other texts, too. */
const vectorsPerColumn = 4

/** Second moments of an input of linears over calibration tokens: Σ x·xᵀ. */
export class Moments {
  readonly columns: number
  #vectors = 0
  /** Row after row; the lower half and the diagonal. */
  readonly sums: Float64Array

  constructor(columns: number) {
    this.columns = columns
    this.sums = new Float64Array(columns * columns)
  }

  /** Undefined where the input is too wide. */
  static of(columns: number): Moments | undefined {
    return columns > columnsMax ? undefined : new Moments(columns)
  }

  /** Whether enough was seen to round weights by. */
  get isEnough(): boolean {
    return this.#vectors >= vectorsPerColumn * this.columns
  }

  add(x: Float64Array): void {
    const { columns, sums } = this
    this.#vectors++
    for (let i = 0; i < columns; i++) {
      const value = x[i] as number
      if (value === 0) continue
      for (let j = 0, at = i * columns; j <= i; j++, at++) sums[at] = (sums[at] as number) + value * (x[j] as number)
    }
  }

  /** Those of inputs divided by `factors`. */
  dividedBy(factors: Float64Array): Moments {
    const out = new Moments(this.columns)
    for (let i = 0; i < this.columns; i++) {
      for (let j = 0; j <= i; j++) {
        const at = i * this.columns + j
        out.sums[at] = (this.sums[at] as number) / ((factors[i] as number) * (factors[j] as number))
      }
    }
    return out
  }
}

/**
 * Steps of `step` per weight, rounded one column after another, each rounding's error made good by the columns behind it as far as
 * their inputs go together (Frantar et al., GPTQ, 2022).
 */
export class Rounding {
  readonly #columns: number
  /** Upper triangle U with UᵀU the inverse of the moments, row after row. */
  readonly #factor: Float64Array

  constructor(moments: Moments) {
    this.#columns = moments.columns
    this.#factor = inverseUpper(upperRoot(moments), moments.columns)
  }

  /** Row `row` of a matrix to int8 at `out`. */
  row({ columns, weights }: FloatMatrix, row: number, step: number, out: Int8Array): void {
    const left = Float64Array.from(weights.subarray(row * columns, (row + 1) * columns))
    for (let i = 0; i < this.#columns; i++) {
      const weight = left[i] as number
      const rounded = saturate(Math.round(weight / step), int8Max)
      out[row * columns + i] = rounded
      const from = i * columns
      const error = (weight - rounded * step) / (this.#factor[from + i] as number)
      for (let j = i + 1; j < columns; j++) left[j] = (left[j] as number) - error * (this.#factor[from + j] as number)
    }
  }
}

/** Upper triangle V with V·Vᵀ the damped moments. */
function upperRoot({ columns: n, sums }: Moments): Float64Array {
  let mean = 0
  for (let i = 0; i < n; i++) mean += (sums[i * n + i] as number) / n
  const add = mean > 0 ? damping * mean : 1
  const v = new Float64Array(n * n)
  for (let j = n - 1; j >= 0; j--) {
    for (let i = j; i >= 0; i--) {
      let sum = (sums[j * n + i] as number) + (i === j ? add : 0)
      for (let k = j + 1; k < n; k++) sum -= (v[i * n + k] as number) * (v[j * n + k] as number)
      v[i * n + j] = i === j ? Math.sqrt(sum) : sum / (v[j * n + j] as number)
    }
  }
  return v
}

/** The inverse of an upper triangle, row by row from below. */
function inverseUpper(v: Float64Array, n: number): Float64Array {
  const u = new Float64Array(n * n)
  for (let i = n - 1; i >= 0; i--) {
    const pivot = 1 / (v[i * n + i] as number)
    u[i * n + i] = pivot
    for (let k = i + 1; k < n; k++) {
      const factor = -pivot * (v[i * n + k] as number)
      if (factor === 0) continue
      for (let j = k; j < n; j++) u[i * n + j] = (u[i * n + j] as number) + factor * (u[k * n + j] as number)
    }
  }
  return u
}
