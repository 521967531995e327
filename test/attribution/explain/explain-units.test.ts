import fc from 'fast-check'
import { expect, test } from 'vitest'
import { explainUnits, type UnitsFacts, type UnitsIncome } from '../../../attribution/explain/explain-units.ts'
import type { Hex } from '../../../protocol/bytes.ts'

const holder = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`
const income = fc.record({
  amount: fc.bigInt({ min: 0n, max: 10n ** 24n }),
  units: fc.bigInt({ min: 0n, max: 10n ** 6n }),
})

/** What a chain that keeps every fraction would have: rest before, one unit's part and rest after, in wei/2⁶⁴. */
function kept(before: readonly UnitsIncome[], amount: bigint, units: bigint) {
  const all = [...before, { amount, units }]
  let rest = 0n
  let part = 0n
  for (const each of all) {
    rest += each.amount * 2n ** 64n
    part = each.units === 0n ? 0n : rest / each.units
    rest -= part * each.units
  }
  return { part, rest, inAll: all.reduce((sum, each) => sum + each.amount, 0n) }
}

const facts = fc
  .record({
    before: fc.array(income, { maxLength: 5 }),
    amount: fc.bigInt({ min: 0n, max: 10n ** 24n }),
    held: fc.array(fc.bigInt({ min: 0n, max: 10n ** 6n }), { maxLength: 8 }),
    unclaimed: fc.bigInt({ min: 0n, max: 1_000n }),
  })
  .map(({ before, amount, held, unclaimed }): UnitsFacts => {
    const total = held.reduce((sum, units) => sum + units, unclaimed)
    return {
      ...{ datanet: 3n, time: 9n, amount, total, unclaimed, before },
      holdings: held.map((units, i) => ({ holder: holder(i + 1), units })),
      credited: { amount, perUnitQ64: kept(before, amount, total).part },
    }
  })

test('all that came is the holders’, the unclaimed units’ or the rest’s, to the wei/2⁶⁴; no share is above its part', () => {
  fc.assert(
    fc.property(facts, (given) => {
      const { holders, differences, figures } = explainUnits(given)
      expect(differences).toEqual([])
      expect(figures).toHaveLength(3)
      const { part, rest } = kept(given.before, given.amount, given.total)
      const before = kept(given.before, 0n, 0n).rest
      const owed = holders.reduce((sum, { amount, restQ64 }) => sum + amount * 2n ** 64n + restQ64, 0n)
      expect(owed + given.unclaimed * part + rest).toBe(before + given.amount * 2n ** 64n)
      for (const { units, amount, restQ64 } of holders) expect(amount * 2n ** 64n + restQ64).toBe(units * part)
      expect(holders.map(({ units }) => units)).toEqual(
        holders.map(({ units }) => units).toSorted((a, b) => Number(b - a)),
      )
      expect(holders.some(({ units }) => units === 0n)).toBe(false)
    }),
    { seed: 8 },
  )
})

test('whatever the chain has else is told: units, what was brought, what one unit was owed', () => {
  fc.assert(
    fc.property(facts, fc.bigInt({ min: 1n, max: 99n }), (given, by) => {
      const { amount = 0n, perUnitQ64 = 0n } = given.credited ?? {}
      const lines = (change: Partial<UnitsFacts>) =>
        explainUnits({ ...given, ...change }).differences.map((line) => line.replace(/ is .*/, ''))
      const of = 'units of Datanet 3'
      expect(lines({ credited: { amount, perUnitQ64: perUnitQ64 + by } })).toEqual([`${of}: one unit in wei/2⁶⁴`])
      expect(lines({ credited: { amount: amount + by, perUnitQ64 } })).toEqual([`${of}: brought`])
      expect(lines({ unclaimed: given.unclaimed + by })).toEqual([`${of}: units`])
      expect(lines({ holdings: given.holdings, credited: undefined })).toEqual([])
    }),
    { seed: 9 },
  )
})
