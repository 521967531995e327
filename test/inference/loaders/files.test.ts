import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fields } from '../../../inference/loaders/fields.ts'
import { readGguf } from '../../../inference/loaders/gguf.ts'
import { LoadError } from '../../../inference/loaders/load-error.ts'
import { readSafetensors, readShards } from '../../../inference/loaders/safetensors.ts'
import { readTensor } from '../../../inference/loaders/tensor.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { type GgufTensor, ggufFile, numbersIn, safetensorsFile, type TensorData } from '../../fakes/model-files.ts'

const values = Float32Array.of(1, -2.5, 0.125, 3, 4, -0.5)
const data = (name: string): TensorData => ({ name, shape: [2, 3], bytes: numbersIn('F32', values) })
const safetensors = safetensorsFile([data('a'), data('b')], 'F32')

describe('safetensors', () => {
  test.each(['F32', 'F16', 'BF16'] as const)('numbers of %s are read', (type) => {
    const file = safetensorsFile([{ ...data('a'), bytes: numbersIn(type, values) }], type)
    const tensor = readSafetensors(memorySource(file)).get('a')
    expect(tensor?.shape).toEqual([2, 3])
    expect(tensor && readTensor(tensor)).toEqual(values)
  })

  const entry = (change: object) =>
    JSON.stringify({ a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24], ...change } })
  test.each([
    ['is cut in its data', safetensors.slice(0, -1), 'its tensors end at'],
    ['is longer than its tensors', new Uint8Array([...safetensors, 0]), 'its tensors end at'],
    ['is cut in its header', safetensors.slice(0, 60), 'header of'],
    ['has no header', new Uint8Array(7), '7 bytes are no safetensors file'],
    ['has a header that is not JSON', safetensorsFile([], 'F32', '{"a":'), 'header is not JSON'],
    [
      'has a type that is not supported',
      safetensorsFile([data('a')], 'F32', entry({ dtype: 'I64' })),
      'a is of type I64',
    ],
    ['has another size than its shape', safetensorsFile([data('a')], 'F32', entry({ shape: [2, 4] })), 'a of 32 bytes'],
    ['has a shape that is none', safetensorsFile([data('a')], 'F32', entry({ shape: [2, -3] })), 'a: shape 2 × -3'],
    ['begins elsewhere', safetensorsFile([data('a')], 'F32', entry({ data_offsets: [8, 32] })), 'a begins at'],
    [
      'has tensors that overlap',
      safetensorsFile([data('a')], 'F32', `{"a":${entry({}).slice(5, -1)},"b":${entry({}).slice(5, -1)}}`),
      'b begins at',
    ],
  ] as const)('a file that %s is refused by name', (_, file, message) => {
    const read = () => readSafetensors(memorySource(file, 'x.safetensors'))
    expect(read).toThrow(LoadError)
    expect(read).toThrow(`x.safetensors: `)
    expect(read).toThrow(message)
  })

  test('shards are read by their index, and both must agree', () => {
    const files: Readonly<Record<string, Uint8Array>> = {
      one: safetensorsFile([data('a')], 'F32'),
      two: safetensorsFile([data('b')], 'F32'),
    }
    const shards = (map: object) =>
      readShards(Fields.of('index', { weight_map: map }), (file) => memorySource(files[file] ?? new Uint8Array(), file))
    expect([...shards({ a: 'one', b: 'two' }).keys()]).toEqual(['a', 'b'])
    expect(() => shards({ a: 'two', b: 'one' })).toThrow('two: b is not there by the index')
    expect(() => shards({ a: 'one', b: 'two', c: 'two' })).toThrow('two: c of the index is missing')
    expect(() => shards({ a: 3 })).toThrow('a is 3')
  })
})

const tensor = (name: string, change: Partial<GgufTensor> = {}): GgufTensor => ({ ...data(name), type: 0, ...change })
const metadata = { 'general.architecture': 'llama', n: 7, real: 0.5, list: ['x', 'yy'], on: true, numbers: [1, 2] }
const gguf = ggufFile(metadata, [tensor('a'), tensor('b')])
const replace = (at: number, ...bytes: readonly number[]) => {
  const copy = gguf.slice()
  copy.set(bytes, at)
  return copy
}
/** Where the second tensor's info ends: its offset's bytes are before this. */
const infoEnd = (() => {
  const at = Buffer.from(gguf).lastIndexOf(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 98))
  return at + 8 + 1 + 4 + 16 + 4 + 8
})()

describe('GGUF', () => {
  test('metadata of all kinds and tensors are read', () => {
    const { metadata: fields, tensors } = readGguf(memorySource(gguf))
    expect(Object.fromEntries(fields.names.map((name) => [name, fields.get(name)]))).toEqual(metadata)
    for (const name of ['a', 'b']) {
      const found = tensors.get(name)
      expect(found?.shape).toEqual([2, 3])
      expect(found && readTensor(found)).toEqual(values)
    }
  })

  test.each([
    ['is cut in its data', gguf.slice(0, -20), 'b ends at'],
    ['is longer than its tensors', new Uint8Array([...gguf, ...new Uint8Array(40)]), 'bytes behind the tensors'],
    ['is no GGUF', replace(0, 0), 'is no GGUF file'],
    ['is of version 1', replace(4, 1), 'GGUF version 1'],
    ['is big-endian', replace(4, 0, 0, 0, 3), 'big-endian'],
    ['has billions of tensors', replace(15, 1), 'tensors at'],
    ['has a tensor elsewhere', replace(infoEnd - 8, 64), 'b is at'],
    ['has an unknown element type', replace(infoEnd - 12, 16), 'b is of ggml type 16'],
    ['has the same tensor twice', ggufFile(metadata, [tensor('a'), tensor('a')]), 'a is there twice'],
    ['has a tensor of rows in no blocks', ggufFile({}, [tensor('a', { type: 8 })]), 'a: rows of 3'],
    ['has an odd alignment', ggufFile({ 'general.alignment': 24 }, [tensor('a')]), 'alignment 24'],
  ] as const)('a file that %s is refused by name', (_, file, message) => {
    const read = () => readGguf(memorySource(file, 'x.gguf'))
    expect(read).toThrow(LoadError)
    expect(read).toThrow(message)
  })

  test('cut anywhere it is refused, and a changed byte never makes it read outside the file', () => {
    for (let length = 0; length < gguf.length - 31; length++) {
      expect(() => readGguf(memorySource(gguf.slice(0, length)))).toThrow(LoadError)
    }
    fc.assert(
      fc.property(fc.nat(infoEnd), fc.integer({ min: 1, max: 255 }), (at, change) => {
        try {
          for (const found of readGguf(memorySource(gguf.with(at, (gguf[at] ?? 0) ^ change))).tensors.values()) {
            readTensor(found)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError)
        }
      }),
      { numRuns: 500 },
    )
  })
})
