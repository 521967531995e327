import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeConfig, encodeConfig } from '../../inference/model-config.ts'
import { decodeModel, encodeModel, modelRoot, rowLeafBytes, sectionsOf } from '../../inference/model-file.ts'
import { sectionLeaf } from '../../inference/sections.ts'
import { bytesToHex, FormatError } from '../../protocol/bytes.ts'
import { merkleRootOf } from '../../protocol/content-hash.ts'
import { randomModel, smallConfig, wideInputConfig } from '../fakes/random-model.ts'

const tied = randomModel(3)
const separate = randomModel(4, { ...smallConfig, tiedHead: false })
const wide = randomModel(5, wideInputConfig)

describe('model file', () => {
  test.each([
    ['tied head', tied],
    ['separate head', separate],
    ['wide inputs', wide],
  ])('a model of the kind %s reads back the same, from any offset', (_, model) => {
    const file = encodeModel(model)
    expect(decodeModel(file)).toEqual(model)
    const shifted = new Uint8Array(file.length + 3)
    shifted.set(file, 3)
    expect(modelRoot(decodeModel(shifted.subarray(3)))).toBe(modelRoot(model))
  })

  test('formats 1 and 2 differ by their first word, and other words or wide linears of more than 8192 columns are refused', () => {
    const [narrow, two] = [encodeConfig(smallConfig), encodeConfig(wideInputConfig)]
    expect([narrow[3], two[3], two.subarray(4)]).toEqual([1, 2, narrow.subarray(4)])
    for (const version of [0, 3]) expect(() => decodeConfig(narrow.with(3, version))).toThrow(/model format/)
    expect(decodeConfig(encodeConfig({ ...wideInputConfig, ffnDim: 8192 })).inputMax).toBe(1023)
    expect(() => encodeConfig({ ...wideInputConfig, ffnDim: 8208 })).toThrow(/8192 columns/)
    expect(decodeConfig(encodeConfig({ ...smallConfig, ffnDim: 8208 })).inputMax).toBe(127)
  })

  test('any changed byte is refused or changes the root', () => {
    const file = encodeModel(tied)
    const root = modelRoot(tied)
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = file.slice()
        changed[at] = (changed[at] ?? 0) ^ flip
        let changedRoot = ''
        try {
          changedRoot = modelRoot(decodeModel(changed))
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
        expect(changedRoot).not.toBe(root)
      }),
      { numRuns: 60 },
    )
  })

  test('a file cut at any length or longer by one byte is refused', () => {
    const file = encodeModel(tied)
    fc.assert(
      fc.property(fc.nat(file.length - 1), (length) => {
        expect(() => decodeModel(file.slice(0, length))).toThrow(FormatError)
      }),
      { numRuns: 60 },
    )
    expect(() => decodeModel(new Uint8Array([...file, 0]))).toThrow(FormatError)
  })

  test.each([
    ['a weight of -128', { embedding: { ...tied.embedding, weights: tied.embedding.weights.with(5, -128) } }],
    [
      'a row scale with shift 16',
      { embedding: { ...tied.embedding, scales: tied.embedding.scales.with(5, 256 + 16) } },
    ],
    [
      'a row scale with 16 bits',
      { embedding: { ...tied.embedding, scales: tied.embedding.scales.with(5, 2 ** 23 + 40) } },
    ],
    ['a norm weight of 256', { finalNorm: tied.finalNorm.with(0, 2 ** 24) }],
    ['a cosine above 1', { ropeCos: tied.ropeCos.with(0, 2 ** 14 + 1) }],
    ['a table of its own', { expTable: tied.expTable.with(9, 1) }],
  ])('%s is refused', (_, change) => {
    expect(() => decodeModel(encodeModel({ ...tied, ...change }))).toThrow(FormatError)
  })

  test('the root is the tree over section leaves, and a leaf of a matrix lies within one row', () => {
    expect(modelRoot(tied)).toBe(bytesToHex(merkleRootOf(sectionsOf(tied).map(sectionLeaf))))
    expect([32, 576, 1536, 2048, 8192, 11_008].map(rowLeafBytes)).toEqual([32, 576, 768, 1024, 1024, 688])
  })
})
