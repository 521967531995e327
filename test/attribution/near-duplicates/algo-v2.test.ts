import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { algoHashV2, attributeV2, earningPlaces, originalsOf } from '../../../attribution/near-duplicates/algo-v2.ts'
import { attribute } from '../../../attribution/suffix/attribute.ts'
import { algoHashV1 } from '../../../protocol/attribution-rule.ts'
import { Random } from '../../fakes/random.ts'
import { indexOfDocuments, randomDocuments, stitchedAnswer } from '../../fakes/suffix-texts.ts'

const vocab = 500
const passage = Array.from({ length: 40 }, (_, i) => 100 + i)
const filler = (id: number) => Array.from({ length: 30 }, (_, i) => 200 + ((7 * id + i) % 250))

/** Of contributions 1000, 1001, …: the first holds the passage, so many copies behind it hold it too, and one stranger does not. */
function copiedIndex(copies: number) {
  return indexOfDocuments([...Array.from({ length: copies + 1 }, () => passage), filler(1)], vocab)
}
const first = 1_000n
const copiesOfFirst = (copies: number) =>
  originalsOf(
    Array.from({ length: copies }, (_, i) => ({ contribId: first + BigInt(i + 1), original: first, bps: 10_000 })),
  )

describe('algoHash v2', () => {
  test.each([1, 5, 12, 63])('%i copies take nothing from the first, whom v1 lets share or be buried', (copies) => {
    const index = copiedIndex(copies)
    const { shares } = attributeV2([index], passage, copiesOfFirst(copies))
    expect(shares).toEqual([{ class: 'S', id: first, weight: 1_000_000 }])
    const v1 = attribute([index], passage).shares.find(({ class: letter, id }) => letter === 'S' && id === first)
    expect(v1?.weight ?? 0).toBe(copies > 9 ? 0 : Math.ceil(1_000_000 / (copies + 1)))
  })

  test('is v1 where nothing is a near-duplicate and no contribution has a span twice', () => {
    const random = new Random(5)
    let compared = 0
    for (let round = 0; round < 40; round++) {
      const documents = randomDocuments(random, vocab)
      const index = indexOfDocuments(documents, vocab)
      const answer = stitchedAnswer(random, documents, vocab)
      const [v1, v2] = [attribute([index], answer), attributeV2([index], answer, new Map())]
      const isOnce = v2.spans.every(({ start, length, places }) => {
        const other = v1.spans.find((span) => span.start === start && span.length === length)
        return other?.places.length === places.length
      })
      if (!isOnce || v1.spans.length !== v2.spans.length) continue
      compared++
      expect(v2.shares).toEqual(v1.shares)
      expect(v2.matched).toBe(v1.matched)
    }
    expect(compared).toBeGreaterThan(10)
  })

  test('of each group the earliest that holds the span earns, the original or not', () => {
    const place = fc.record({
      index: fc.constant(0),
      position: fc.integer({ min: 0, max: 1_000 }),
      contribId: fc.bigInt({ min: 1n, max: 12n }),
    })
    const originals = new Map([5n, 6n, 7n].map((id) => [id, 2n]))
    fc.assert(
      fc.property(fc.uniqueArray(place, { selector: ({ position }) => position, maxLength: 20 }), (places) => {
        const earning = earningPlaces(places, originals).map(({ contribId }) => contribId)
        const held = new Set(places.map(({ contribId }) => contribId))
        const family = [2n, 5n, 6n, 7n].filter((id) => held.has(id))
        const expected = [...held].filter((id) => !family.includes(id) || id === family[0])
        expect([...earning].sort()).toEqual(expected.sort())
      }),
    )
  })

  test('is another rule than v1, and its hash that of the page', () => {
    expect(algoHashV2()).not.toBe(algoHashV1)
    expect(algoHashV2()).toBe('0x38e4ee9484555c6629495df3af96e5198f06ef6afac4954b245c2d428737c95b')
  })
})
