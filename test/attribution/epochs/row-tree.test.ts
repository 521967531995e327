import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RowTree } from '../../../attribution/epochs/row-tree.ts'
import { bytesToHex, concatBytes, FormatError, uintBytes } from '../../../protocol/bytes.ts'
import { SumTree } from '../../../protocol/sum-tree.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
// A third of the range each: three of them overflow, two do not.
const anySum = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.bigInt({ min: 0n, max: (2n ** 128n - 1n) / 2n }))

function rows(sums: number, sum = anySum): fc.Arbitrary<Uint8Array[]> {
  const row = fc
    .tuple(hash, fc.array(sum, { minLength: sums, maxLength: sums }))
    .map(([head, values]) => concatBytes(head, ...values.map((value) => uintBytes(value, 16))))
  return fc.array(row, { minLength: 1, maxLength: 70 })
}

/** Root, totals and the siblings of a range, or what was thrown. */
function facts(tree: () => Pick<SumTree, 'root' | 'totals' | 'siblings'>, start: number, count: number): unknown {
  try {
    const { root, totals } = tree()
    return [root, totals, ...tree().siblings(start, count)].map(bytesToHex)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return error.message
  }
}

describe('RowTree', () => {
  test.each([1, 4, 10])('equals the tree of objects bit for bit, with %i sums', (sums) => {
    fc.assert(
      fc.property(rows(sums), fc.nat(71), fc.nat(71), (leaves, start, count) => {
        const flat = facts(() => RowTree.of(concatBytes(...leaves), 32 + 16 * sums), start, count)
        expect(flat).toEqual(facts(() => new SumTree(leaves), start, count))
      }),
      { numRuns: 150 },
    )
  })

  test('is the same after its levels went to another thread', () => {
    fc.assert(
      fc.property(rows(1, fc.bigInt({ min: 0n, max: 2n ** 120n })), (leaves) => {
        const tree = RowTree.of(concatBytes(...leaves), 48)
        const copy = RowTree.ofLevels(48, structuredClone(tree.levels))
        expect(copy.root).toEqual(tree.root)
        expect(copy.siblings(leaves.length - 1)).toEqual(tree.siblings(leaves.length - 1))
      }),
      { numRuns: 50 },
    )
  })

  test.each([
    ['no rows', 0, 48],
    ['half a row', 72, 48],
    ['rows without a sum', 64, 32],
    ['rows with half a sum', 40, 40],
  ])('refuses %s', (_, length, rowBytes) => {
    expect(() => RowTree.of(new Uint8Array(length), rowBytes)).toThrow(FormatError)
  })
})
