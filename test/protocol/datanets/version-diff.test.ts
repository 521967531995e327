import fc from 'fast-check'
import { expect, test } from 'vitest'
import { itemTree } from '../../../attribution/suffix/item-tree.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { merkleRoot, proveChunk, verifyChunk } from '../../../protocol/content-hash.ts'
import { batchRecord, batchRecordBytes, encodeBatchRecords } from '../../../protocol/datanets/item-record.ts'
import {
  diffItems,
  listRoot,
  type VersionDiff,
  versionDiff,
  wrongFields,
} from '../../../protocol/datanets/version-diff.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const item = (n: number) => ({ contribId: BigInt(n), contentHash: word(n) })
const lists = fc
  .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 12 })
  .map((ids) => ids.sort((a, b) => a - b).map(item))
const sizeOf = (id: bigint) => Number(id) * 3

test('a version is the one before without what was removed and with what was added, to the byte', () => {
  fc.assert(
    fc.property(lists, lists, (previous, next) => {
      const { diff, lists: parts } = versionDiff(previous, next, sizeOf)
      const gone = new Set(parts.removed.map(({ contribId }) => contribId))
      const made = [...previous.filter(({ contribId }) => !gone.has(contribId)), ...parts.added]
      expect(made.sort((a, b) => Number(a.contribId - b.contribId))).toEqual(next)
      expect(diff.itemCount).toBe(previous.length + diff.added - diff.removed)
      expect(diff.addedBytes).toBe(parts.added.reduce((sum, { contribId }) => sum + 3n * contribId, 0n))
      expect(wrongFields(diff, previous, next, sizeOf)).toEqual([])
      if (next.length > 0) expect(listRoot(next)).toBe(itemTree(next).root)
    }),
  )
})

test('every field of a difference that is not the lists’ is named', () => {
  const [previous, next] = [
    [item(1), item(2)],
    [item(1), item(5)],
  ]
  const { diff } = versionDiff(previous, next, sizeOf)
  for (const field of Object.keys(diff) as (keyof VersionDiff)[]) {
    const value = typeof diff[field] === 'string' ? zeroHash : typeof diff[field] === 'bigint' ? 999n : 999
    expect(wrongFields({ ...diff, [field]: value }, previous, next, sizeOf)).toEqual([field])
  }
})

test('a list that does not ascend is no version', () => {
  expect(() => diffItems([item(2), item(1)], [])).toThrow('contribution 1 stands behind 2')
  expect(() => diffItems([], [item(3), item(3)])).toThrow()
})

test('each of 10,000 items of a batch is proven by its leaf, with its own size', () => {
  const items = Array.from({ length: 10_000 }, (_, i) => {
    return { contentHash: word(i), simHash: word(7 * i), consent: i % 4096, size: (i * 31) % 900 }
  })
  const records = encodeBatchRecords(items)
  const root = merkleRoot(records, batchRecordBytes)
  for (const i of [0, 1, 4_096, 8_191, 9_999]) {
    expect(batchRecord(records, i)).toEqual(items[i])
    expect(verifyChunk(root, proveChunk(records, batchRecordBytes, i))).toBe(true)
  }
  expect(() => batchRecord(records, 10_000)).toThrow()
  expect(() => encodeBatchRecords([])).toThrow()
  expect(() => encodeBatchRecords([{ contentHash: word(1), simHash: word(1), consent: 0, size: 2 ** 32 }])).toThrow()
})
