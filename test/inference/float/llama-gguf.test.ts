import { expect, test } from 'vitest'
import { halfBits } from '../../../inference/float/half-float.ts'
import { llamaGguf } from '../../../inference/float/llama-gguf.ts'
import { readGguf } from '../../../inference/loaders/gguf.ts'
import { readTensor, type Tensor } from '../../../inference/loaders/tensor.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'

const model = randomModel(3, { ...smallConfig, ffnDim: 64 })

test.each([
  ['q8', 'scales'],
  ['f16', 'weights'],
] as const)(
  'a GGUF for llama.cpp in %s has the weights of the canonical model, but for the rounding of %s',
  (form, _) => {
    const { metadata, tensors } = readGguf(memorySource(llamaGguf(model, 10_000, form)))
    const read = (name: string) => readTensor(tensors.get(name) as Tensor)
    const { gate, query } = model.layers[1] ?? model.layers[0] ?? { gate: model.head, query: model.head }
    const real = ({ weights, scales, columns }: typeof gate, row: number, column: number) => {
      const scale = scales[row] ?? 0
      return (((scale >>> 8) / 2 ** (scale & 255)) * 127 * (weights[row * columns + column] ?? 0)) as number
    }
    const [written, turned] = [read('blk.1.ffn_gate.weight'), read('blk.1.attn_q.weight')]
    for (let row = 0; row < gate.rows; row++) {
      for (let column = 0; column < gate.columns; column += 7) {
        const value = real(gate, row, column)
        expect(Math.abs((written[row * gate.columns + column] ?? 0) - value)).toBeLessThanOrEqual(
          Math.abs(value) / 1000,
        )
      }
    }
    // Rotary pairs are beside each other: row 1 of a head is the one half a head further.
    const value = real(query, smallConfig.headDim / 2, 5)
    expect(turned[query.columns + 5]).toBeCloseTo(value, 3)
    expect(metadata.count('llama.attention.head_count_kv')).toBe(smallConfig.kvHeads)
  },
)

test.each([
  [1, 0x3c00],
  [-2, 0xc000],
  [65_504, 0x7bff],
  [2 ** -14, 0x0400],
  [2 ** -24, 0x0001],
  [0.1, 0x2e66],
  [1 + 2 ** -11, 0x3c00],
  [1 + 3 * 2 ** -11, 0x3c02],
  [2 - 2 ** -12, 0x4000],
  [0, 0],
])('half precision of %d', (value, bits) => {
  expect(halfBits(value)).toBe(bits)
})
