import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KernelMemory } from '../../../inference/kernel-memory.ts'
import { loadKernels } from '../../../inference/wasm/kernels.ts'

const shared = new KernelMemory({ shared: true })
const kernels = loadKernels(shared.memory)
const sizes = { weights: 2 ** 20, inputs: 2 ** 16, out: 2 ** 16 }
const weights = shared.take(sizes.weights)
const inputs = shared.take(2 * sizes.inputs)
const out = shared.take(4 * sizes.out)
const untouched = 0x5a5a5a5a

/** The most columns of a model. */
const long = 2 ** 16
/** Rows of one and of several of the kernel's blocks, with any remainder. */
const shape = fc
  .record({
    columns: fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 1, max: 72 }).map((n) => 8 * n) },
      fc.constantFrom(1536, 8192, long),
    ),
    rows: fc.integer({ min: 1, max: 1200 }),
    tokens: fc.integer({ min: 1, max: 9 }),
    gap: fc.integer({ min: 0, max: 5 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 2 }),
  })
  .map(({ columns, rows, tokens, gap, seed }) => ({
    columns,
    tokens: Math.min(tokens, Math.floor(sizes.inputs / columns)),
    rows: Math.min(rows, Math.floor(sizes.weights / columns)),
    gap,
    seed,
  }))

test('every row gets its product with every input, whatever is left of blocks, and nothing else is written', () => {
  fc.assert(
    fc.property(shape, ({ columns, rows, tokens, gap, seed }) => {
      const next = noise(seed)
      const w = shared.int8(weights, rows * columns)
      const x = shared.int16(inputs, tokens * columns)
      const [stride, y] = [rows + gap, shared.int32(out, tokens * (rows + gap))]
      for (let i = 0; i < w.length; i++) w[i] = (next() % 255) - 127
      for (let i = 0; i < x.length; i++) x[i] = (next() % 2047) - 1023
      y.fill(untouched)
      kernels.multiply(weights, inputs, out, rows, columns, tokens, stride)
      for (let token = 0; token < tokens; token++) {
        for (let row = 0; row < stride; row++) {
          const expected = row < rows ? dot(w, row * columns, x, token * columns, columns) : untouched
          if (y[token * stride + row] !== expected) {
            expect({ row, token, sum: y[token * stride + row] }).toEqual({ row, token, sum: expected })
          }
        }
      }
    }),
    { seed: 20_261_122, numRuns: 24 },
  )
})

function dot(w: Int8Array, row: number, x: Int16Array, input: number, columns: number): number {
  let sum = 0
  for (let k = 0; k < columns; k++) sum += (w[row + k] ?? 0) * (x[input + k] ?? 0)
  return sum
}

/** Park and Miller's generator. */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state
  }
}
