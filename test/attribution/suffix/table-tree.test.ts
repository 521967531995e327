import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { offsetsOf } from '../../../attribution/suffix/build-index.ts'
import { documentTable, uintTable } from '../../../attribution/suffix/table.ts'
import { TableTree } from '../../../attribution/suffix/table-tree.ts'
import { bytesToHex, concatBytes, uintBytes } from '../../../protocol/bytes.ts'
import { merkleRoot, proveChunk } from '../../../protocol/content-hash.ts'
import { indexOfDocuments } from '../../fakes/suffix-texts.ts'

const sizes = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(2048, 2049, 4096, 6000, 8193))

describe('TableTree', () => {
  test('root and openings are those of the Merkle root over 128-byte chunks', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (size, pick) => {
        const values = Uint32Array.from({ length: size }, (_, i) => Math.imul(i + 1, 0x9e37_79b1))
        const bytes = concatBytes(...Array.from(values, (value) => uintBytes(value, 4)))
        const tree = new TableTree(uintTable(values))
        expect(bytesToHex(tree.root)).toBe(merkleRoot(bytes, 128))
        const index = pick % Math.ceil(size / 32)
        const { chunk, siblings } = proveChunk(bytes, 128, index)
        expect(bytesToHex(tree.open(index))).toBe(bytesToHex(concatBytes(uintBytes(index, 4), chunk, ...siblings)))
      }),
      { numRuns: 20 },
    )
  })

  test('rows of documents are start and contribution', () => {
    const table = documentTable(Uint32Array.of(0, 7), BigUint64Array.of(3n, 2n ** 63n))
    const bytes = concatBytes(uintBytes(0, 4), uintBytes(3, 8), uintBytes(7, 4), uintBytes(2n ** 63n, 8))
    expect(bytesToHex(new TableTree(table).root)).toBe(merkleRoot(bytes, 384))
  })

  test.each([31, 32, 33, 97, 32 * 64 - 1, 32 * 67, 32 * 131 + 5])(
    'the root of %i rows of documents is that of 384-byte chunks',
    (rows) => {
      const starts = Uint32Array.from({ length: rows }, (_, d) => 7 * d)
      const ids = BigUint64Array.from(starts, (start) => BigInt(start) * 0x1_0000_0001n)
      const rowsBytes = Array.from(starts, (start, d) =>
        concatBytes(uintBytes(start, 4), uintBytes(ids[d] as bigint, 8)),
      )
      expect(bytesToHex(new TableTree(documentTable(starts, ids)).root)).toBe(
        merkleRoot(concatBytes(...rowsBytes), 384),
      )
    },
  )

  test('refuses a chunk that is not there, and a table of nothing, by name', () => {
    const tree = new TableTree(uintTable(new Uint32Array(33)))
    expect(() => tree.open(2)).toThrow(expect.objectContaining({ code: 'size' }))
    expect(() => new TableTree(uintTable(new Uint32Array(0)))).toThrow(expect.objectContaining({ code: 'size' }))
  })

  test('offsets count the bytes of a document before each token, in whatever order they are read', () => {
    const { tables } = indexOfDocuments([[1, 0, 2], [], [2, 2]], 3)
    const table = offsetsOf(tables, Uint32Array.of(1, 10, 100))
    const read = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => Buffer.from(table.read(from, to)).readUInt32BE(4 * i))
    expect(read(0, 8)).toEqual([0, 10, 11, 111, 0, 0, 100, 200])
    expect(read(6, 8)).toEqual([100, 200])
    expect(read(1, 5)).toEqual([10, 11, 111, 0])
  })
})
