import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type ElementTypeName, elementTypes } from '../../../inference/loaders/element-types.ts'
import { readTensor } from '../../../inference/loaders/tensor.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import { memorySource } from '../../fakes/memory-source.ts'

/** Byte offsets of the binary16 (of BF16: bfloat16) fields of a block; one bit is cleared so that none is infinite. */
const halfFields: Readonly<Record<ElementTypeName, readonly number[]>> = {
  F32: [2],
  F16: [0],
  BF16: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
}

/** `SHA-256(type name ‖ counter)` block after block, then the top bit of each exponent cleared. */
function rawBlocks(name: ElementTypeName, count: number): Uint8Array {
  const { blockBytes } = elementTypes[name]
  const hashes = Array.from({ length: Math.ceil((count * blockBytes) / 32) }, (_, i) =>
    createHash('sha256').update(`${name}${i}`).digest(),
  )
  const raw = concatBytes(...hashes).slice(0, count * blockBytes)
  for (let block = 0; block < count; block++) {
    for (const field of halfFields[name]) {
      const at = block * blockBytes + field + 1
      raw[at] = (raw[at] ?? 0) & 0xbf
    }
  }
  return raw
}

describe('element types', () => {
  // The figures are of gguf.quants 0.19.0 (ggml's Python implementation) on the same bytes.
  test.each([
    ['F32', 'c86ab9a72797e31f656c438a76a27995'],
    ['F16', '8e367e66eaffc93b9662745df9c11741'],
    ['BF16', '216129a7c3ef182fb0f161b66500ffb7'],
    ['Q4_0', '11eb78094d4ffd5d97fd57a6ce9245cd'],
    ['Q4_1', '1edb95e55ecc290c330c76e0442adda2'],
    ['Q5_0', '08df78e3c427a96d8e8cb2365389234d'],
    ['Q5_1', '517c1b9ca7f0d0bf042eca37e08c5199'],
    ['Q8_0', 'bd78a1b29f7eae3d217a8ceda2ed5f41'],
    ['Q4_K', 'ddd6a2fa7593b51cead4a4fac1949842'],
    ['Q5_K', 'b6180a945519dc896201f346c80dd152'],
    ['Q6_K', '44e70254e82b0a94bddec58b07553462'],
  ] as const)('%s gives the numbers that ggml gives', (name, expected) => {
    const type = elementTypes[name]
    const bytes = rawBlocks(name, 64)
    const tensor = { name, type, shape: [2, 32 * type.blockElements], source: memorySource(bytes), offset: 0 }
    const values = readTensor(tensor)
    expect(values.length).toBe(64 * type.blockElements)
    expect(createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex').slice(0, 32)).toBe(expected)
  })

  test('a number that is none is refused with its place', () => {
    const type = elementTypes.BF16
    const bytes = Uint8Array.of(0, 0, 0x80, 0x7f, 0xc0, 0x7f)
    const read = (offset: number) =>
      readTensor({ name: 'w', type, shape: [1], source: memorySource(bytes, 'x'), offset })
    expect(read(0)).toEqual(Float32Array.of(0))
    expect(() => read(2)).toThrow('x: w: element 0 is Infinity')
    expect(() => read(4)).toThrow('x: w: element 0 is NaN')
  })

  test('rows that are no whole blocks are refused', () => {
    const tensor = {
      name: 'w',
      type: elementTypes.Q8_0,
      shape: [4, 40],
      source: memorySource(new Uint8Array()),
      offset: 0,
    }
    expect(() => readTensor(tensor)).toThrow('file: w: rows of 40 are no whole blocks of Q8_0')
  })
})
