import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { measuredMin, outliers, wordRarities } from '../../../attribution/integrity/outliers.ts'
import { seedDatanets } from '../../../cli/dev/seed-sources.ts'
import { Random } from '../../fakes/random.ts'

const measured = fc
  .array(fc.integer({ min: -(10 ** 6), max: 10 ** 6 }), { minLength: measuredMin, maxLength: 80 })
  .map((values) => values.map((value, i) => ({ contribId: BigInt(i + 1), value })))

describe('outliers', () => {
  test('do not depend on the scale, the origin or the order of what is measured', () => {
    fc.assert(
      fc.property(
        measured,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: -1_000, max: 1_000 }),
        (list, by, plus) => {
          const ids = (of: typeof list) => outliers(of).map(({ contribId }) => contribId)
          const moved = list.map(({ contribId, value }) => ({ contribId, value: by * value + plus }))
          expect(ids(moved)).toEqual(ids(list))
          expect(ids([...list].reverse())).toEqual(ids(list).reverse())
        },
      ),
    )
  })

  test('are fewer than half, and above every one that is none', () => {
    fc.assert(
      fc.property(measured, (list) => {
        const found = outliers(list)
        expect(found.length).toBeLessThan(list.length / 2)
        const least = Math.min(...found.map(({ value }) => value))
        for (const each of list) if (!found.includes(each)) expect(each.value).toBeLessThan(least)
      }),
    )
  })

  test('few or equal values have none', () => {
    const equal = Array.from({ length: 40 }, (_, i) => ({ contribId: BigInt(i), value: i === 0 ? 1_000 : 5 }))
    expect(outliers(equal)).toEqual([])
    expect(outliers(equal.slice(0, measuredMin - 1))).toEqual([])
  })

  test('of glosses a fiftieth of which had their letters shuffled are the shuffled ones, and at most 1 % of the others', () => {
    const random = new Random(9)
    const texts = (seedDatanets().find(({ name }) => name === 'WordNet adverbs')?.texts ?? []).map(({ text }) => text)
    const shuffled = new Set<bigint>()
    const documents = texts.map((text, i) => {
      const contribId = BigInt(i + 1)
      if (!random.chance(0.02)) return { contribId, content: Buffer.from(text) }
      shuffled.add(contribId)
      const letters = [...text].map((letter) => ({ letter, at: random.int(2 ** 30) })).sort((a, b) => a.at - b.at)
      return { contribId, content: Buffer.from(letters.map(({ letter }) => letter).join('')) }
    })
    const found = new Set(outliers(wordRarities(documents)).map(({ contribId }) => contribId))
    const missed = [...shuffled].filter((id) => !found.has(id)).length
    const wrong = [...found].filter((id) => !shuffled.has(id)).length
    expect(shuffled.size).toBeGreaterThan(40)
    expect(missed / shuffled.size).toBeLessThan(0.2)
    expect(wrong / texts.length).toBeLessThan(0.01)
  })
})
