import { createHash } from 'node:crypto'
import type { Block } from '../../inference/gradients/lora-shape.ts'
import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { GradientError } from './gradient-error.ts'

const domain = new TextEncoder().encode('openledger sketch')

/** How many parameters share one number of a sketch. */
export const folds = [1, 2, 4, 8] as const
export type Fold = (typeof folds)[number]

/** One block's part of a gradient and of a sketch: elements `from` … `to`, numbers `start` … `end`. */
type Part = { readonly from: number; readonly to: number; readonly start: number; readonly end: number }

/**
 * Random projection of an adapter's gradient: in each block `fold` elements that the seed chooses are added up, each with a sign, so
 * that inner products keep their expected value. docs/GRADIENTS.md §5.
 */
export class Projection {
  /** Numbers of a sketch. */
  readonly size: number
  readonly parts: readonly Part[]
  /** Per parameter its place in the sketch, and 1 or -1. */
  readonly #places: Int32Array
  readonly #signs: Int8Array

  /** Throws {@link GradientError} for another fold than {@link folds}. */
  constructor(blocks: readonly Block[], rank: number, seed: number, fold: number) {
    if (!folds.some((known) => known === fold)) throw new GradientError('size', `fold ${fold}, must be ${folds.join()}`)
    const parts: Part[] = []
    let start = 0
    for (const { offset, columns } of blocks) {
      const count = rank * columns
      parts.push({ from: offset, to: offset + count, start, end: start + count / fold })
      start += count / fold
    }
    this.parts = parts
    this.size = start
    this.#places = new Int32Array(start * fold)
    this.#signs = new Int8Array(start * fold)
    for (const [b, part] of parts.entries()) this.#place(part, blockWords(seed, b, part.to - part.from), fold)
  }

  /** Sums in doubles, in the order of the parameters. */
  project(gradient: Float32Array): Float64Array {
    const out = new Float64Array(this.size)
    for (let i = 0; i < gradient.length; i++) {
      const place = this.#places[i] as number
      out[place] = (out[place] as number) + (this.#signs[i] as number) * (gradient[i] as number)
    }
    return out
  }

  /** Elements in the order of their words share numbers; a word's last bit is the sign. */
  #place({ from, start }: Part, words: Uint32Array, fold: number): void {
    const order = Array.from(words, (_, i) => i)
    order.sort((a, b) => (words[a] as number) - (words[b] as number) || a - b)
    for (const [position, i] of order.entries()) {
      this.#places[from + i] = start + Math.floor(position / fold)
      this.#signs[from + i] = (words[i] as number) % 2 === 0 ? 1 : -1
    }
  }
}

/** u32 of SHA-256(domain ‖ seed u32 ‖ block u32 ‖ counter u32), eight a hash. */
function blockWords(seed: number, block: number, count: number): Uint32Array {
  const out = new Uint32Array(count)
  for (let i = 0; i < count; i += 8) {
    const fields = [seed, block, i / 8].map((value) => uintBytes(value, 4))
    const digest = createHash('sha256')
      .update(concatBytes(domain, ...fields))
      .digest()
    for (let j = 0; j < 8 && i + j < count; j++) out[i + j] = digest.readUInt32BE(4 * j)
  }
  return out
}
