import { KernelMemory } from '../kernel-memory.ts'
import { type CheckKernels, loadCheckKernels } from './check-kernels.ts'
import { highDigit, lowDigit } from './field.ts'

/** Rows of one round: so many sums of products fit 32 bits, see `accumulate`. */
const roundRowsMax = 256
/** Weights of one round, so that they stay in a cache. */
const roundWeightsMax = 2 ** 20

/**
 * Projects one matrix by many vectors while its rows pass by once: `u = rᵀW` of each. Holds a few MB and, per vector, 8 bytes a
 * column.
 */
export class Projector {
  readonly #memory = new KernelMemory()
  readonly #kernels: CheckKernels
  readonly #vectors: readonly Int32Array[]
  readonly #columns: number
  readonly #weights: number
  readonly #paired: number
  readonly #digits: number
  readonly #sums: number
  /** Rows of a round; even. */
  readonly roundRows: number
  #row = 0

  /** Vectors of centred elements, one per row of the matrix. */
  constructor(vectors: readonly Int32Array[], columns: number) {
    this.#vectors = vectors
    this.#columns = columns
    this.roundRows = Math.max(2, Math.min(roundRowsMax, 2 * Math.floor(roundWeightsMax / columns / 2)))
    this.#kernels = loadCheckKernels(this.#memory.memory)
    this.#weights = this.#memory.take(this.roundRows * columns)
    this.#paired = this.#memory.take(2 * this.roundRows * columns)
    this.#digits = this.#memory.take(4 * this.roundRows)
    this.#sums = this.#memory.take(8 * columns * vectors.length)
  }

  /** Takes the next rows, at most {@link roundRows}; fewer only at the end. */
  add(rows: Int8Array): void {
    const count = rows.length / this.#columns
    const even = count + (count % 2)
    const weights = new Int8Array(this.#memory.memory.buffer, this.#weights, even * this.#columns)
    weights.fill(0, rows.length)
    weights.set(rows)
    this.#kernels.pairRows(this.#weights, even, this.#columns, this.#paired)
    for (const [i, vector] of this.#vectors.entries()) {
      this.#putDigits(vector, even)
      const sums = this.#sums + 8 * this.#columns * i
      this.#kernels.accumulate(this.#paired, even / 2, this.#columns, this.#digits, sums)
    }
    this.#row += count
  }

  #putDigits(vector: Int32Array, rows: number): void {
    const digits = new Int16Array(this.#memory.memory.buffer, this.#digits, 2 * rows)
    for (let row = 0; row < rows; row++) {
      const r = vector[this.#row + row] ?? 0
      const to = 4 * (row >> 1) + (row & 1)
      digits[to] = lowDigit(r)
      digits[to + 2] = highDigit(r)
    }
  }

  /** The projections, elements of [0, p), vector after vector. */
  *projections(): Generator<Uint32Array> {
    for (const i of this.#vectors.keys()) {
      const sums = this.#sums + 8 * this.#columns * i
      this.#kernels.residues(sums, this.#columns)
      yield new Uint32Array(this.#memory.memory.buffer, sums, this.#columns).slice()
    }
  }
}
