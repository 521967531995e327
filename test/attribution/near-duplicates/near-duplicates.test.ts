import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  NearDuplicateFinder,
  nearDuplicateBps,
  nearDuplicates,
} from '../../../attribution/near-duplicates/near-duplicates.ts'
import { signatureOf, signatureOfShingles, similarityBps } from '../../../attribution/near-duplicates/signature.ts'
import { seedDatanets } from '../../../cli/dev/seed-sources.ts'
import { Random } from '../../fakes/random.ts'
import { exactSimilarity, withReplacedWords } from './texts.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const signed = (texts: readonly string[]) =>
  texts.map((text, i) => ({ contribId: BigInt(i + 1), signature: signatureOf(bytesOf(text)) }))

/** Texts of installed packages: licences, NatSpec comments, glosses of adverbs. */
const corpus = seedDatanets().flatMap(({ texts }) => texts.map(({ text }) => text))

describe('near-duplicates', () => {
  test('are those that comparing with every original finds', () => {
    const words = fc.array(fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 30 }), {
      maxLength: 25,
    })
    fc.assert(
      fc.property(words, (sets) => {
        const contributions = sets.map((set, i) => ({
          contribId: BigInt(i + 1),
          signature: signatureOfShingles(Uint32Array.from(set)),
        }))
        const originals: typeof contributions = []
        const expected: { contribId: bigint; original: bigint; bps: number }[] = []
        for (const contribution of contributions) {
          const first = originals.find(
            ({ signature }) => similarityBps(signature, contribution.signature) >= nearDuplicateBps,
          )
          if (first === undefined) originals.push(contribution)
          else {
            const bps = similarityBps(first.signature, contribution.signature)
            expected.push({ contribId: contribution.contribId, original: first.contribId, bps })
          }
        }
        expect(nearDuplicates(contributions)).toEqual(expected)
      }),
    )
  })

  test('a text with a twentieth of its words replaced is found, one with 40 % of the words is not', () => {
    const random = new Random(11)
    const texts = corpus.filter((text) => text.length > 2_000).slice(0, 100)
    const others = corpus
      .filter((text) => text.length < 200)
      .join(' ')
      .split(' ')
    for (const [i, text] of texts.entries()) {
      const finder = new NearDuplicateFinder()
      finder.add({ contribId: 1n, signature: signatureOf(bytesOf(text)) })
      const alike = withReplacedWords(text, 0.05, random)
      expect(finder.find(signatureOf(bytesOf(alike)))?.original).toBe(1n)
      const words = text.split(' ')
      const kept = words.slice(0, Math.floor(0.4 * words.length))
      const unlike = [...kept, ...others.slice(i * 200).slice(0, words.length - kept.length)].join(' ')
      expect(finder.find(signatureOf(bytesOf(unlike)))).toBeUndefined()
    }
  })

  test('of texts that are not near-duplicates at most 1 % are taken for one', () => {
    let wrong = 0
    for (const { contribId, original } of nearDuplicates(signed(corpus))) {
      const [text, earlier] = [corpus[Number(contribId) - 1], corpus[Number(original) - 1]] as [string, string]
      if (exactSimilarity(bytesOf(text), bytesOf(earlier)) < 0.5) wrong++
    }
    expect(corpus.length).toBeGreaterThan(4_000)
    expect(wrong / corpus.length).toBeLessThanOrEqual(0.01)
  })

  test('a contribution out of order is refused', () => {
    const finder = new NearDuplicateFinder()
    const [first] = signed(['a text of some words'])
    if (first === undefined) throw new Error('no contribution')
    finder.add(first)
    expect(() => finder.add(first)).toThrow(RangeError)
  })
})
