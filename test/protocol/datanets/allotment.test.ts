import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { Allotment, parseShares } from '../../../protocol/datanets/allotment.ts'
import { PayoutTree } from '../../fakes/payout-tree.ts'

const shares = fc.uniqueArray(
  fc.record({
    contributor: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => bytesToHex(bytes)),
    units: fc.bigInt(0n, 1n << 100n),
  }),
  { minLength: 1, maxLength: 40, selector: ({ contributor }) => contributor },
)

describe('an allotment', () => {
  test('is a payout tree over contributors, whatever the order of the list', () => {
    fc.assert(
      fc.property(shares, (list) => {
        const allotment = new Allotment(list)
        const tree = new PayoutTree(list.map(({ contributor, units }) => ({ payee: contributor, cumulative: units })))
        expect(allotment.root).toBe(tree.root)
        expect(new Allotment([...list].reverse()).root).toBe(tree.root)
        for (const { contributor, units } of list) {
          const { index, count, siblings } = tree.claim(0n, contributor)
          expect(allotment.leafOf(contributor)).toEqual({ contributor, units, index, count, siblings })
        }
      }),
    )
  })

  test('refuses none, one twice, and more than fits', () => {
    const one = { contributor: `0x${'aa'.repeat(20)}` as Hex, units: 1n }
    expect(() => new Allotment([])).toThrow('contributors')
    expect(
      () => new Allotment([one, { ...one, contributor: one.contributor.toUpperCase().replace('0X', '0x') as Hex }]),
    ).toThrow('twice')
    expect(() => new Allotment([{ ...one, units: 1n << 128n }])).toThrow('128 bits')
  })

  test('is read from lines, and a line that is none is named', () => {
    const address = `0x${'Ab'.repeat(20)}`
    expect(parseShares(`# who\n${address}, 12\n\n`)).toEqual([{ contributor: address.toLowerCase(), units: 12n }])
    expect(() => parseShares(`${address},12\n${address};13`)).toThrow('line 2')
    expect(() => parseShares(`${address},-1`)).toThrow('line 1')
  })
})
