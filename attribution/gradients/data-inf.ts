import type { Block } from '../../inference/gradients/lora-shape.ts'
import { damping } from './sketches.ts'

/**
 * DataInf (Kwon, Wu, Wu and Zou, 2024) as published, on whole gradients in doubles: what sketches are measured against. Scores are
 * influences with their sign turned: a positive one lowers the loss of the query.
 */
export class DataInf {
  readonly #gradients: readonly Float32Array[]
  readonly #ranges: readonly (readonly [from: number, to: number])[]
  /** Per block its λ, per block and example |g|². */
  readonly #lambdas: readonly number[]
  readonly #squares: readonly Float64Array[]

  constructor(blocks: readonly Block[], rank: number, gradients: readonly Float32Array[]) {
    this.#gradients = gradients
    this.#ranges = blocks.map(({ offset, columns }) => [offset, offset + rank * columns])
    this.#squares = this.#ranges.map(([from, to]) => Float64Array.from(gradients, (g) => dot(g, g, from, to)))
    this.#lambdas = this.#squares.map((squares, b) => {
      const [from, to] = this.#ranges[b] as readonly [number, number]
      return (damping * squares.reduce((sum, square) => sum + square, 0)) / (squares.length * (to - from))
    })
  }

  scores(query: Float32Array): Float64Array {
    const out = new Float64Array(this.#gradients.length)
    for (const [b, [from, to]] of this.#ranges.entries()) {
      if (this.#lambdas[b] === 0) continue
      const inverse = this.#inverse(query, b, from, to)
      for (const [k, gradient] of this.#gradients.entries()) {
        let sum = 0
        for (let i = from; i < to; i++) sum += (inverse[i - from] as number) * (gradient[i] as number)
        out[k] = (out[k] as number) + sum
      }
    }
    return out
  }

  /** `1/(nλ) Σ_i [v − (v·g_i)/(λ + |g_i|²) g_i]` of one block. */
  #inverse(query: Float32Array, b: number, from: number, to: number): Float64Array {
    const count = this.#gradients.length
    const lambda = this.#lambdas[b] as number
    const out = Float64Array.from(query.subarray(from, to), (value) => value * count)
    for (const [k, gradient] of this.#gradients.entries()) {
      const factor = dot(query, gradient, from, to) / (lambda + ((this.#squares[b] as Float64Array)[k] as number))
      for (let i = from; i < to; i++) out[i - from] = (out[i - from] as number) - factor * (gradient[i] as number)
    }
    return out.map((value) => value / (count * lambda))
  }
}

export function dot(a: Float32Array, b: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}
