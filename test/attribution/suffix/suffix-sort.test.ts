import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { separator, sortSuffixes } from '../../../attribution/suffix/suffix-sort.ts'
import { hardTexts, sortedByHand, textOf } from '../../fakes/suffix-texts.ts'

describe('sortSuffixes', () => {
  test('equals a sort of all keys, for random texts with many and few repetitions', () => {
    const vocab = fc.constantFrom(1, 2, 5, 300)
    const document = fc.array(fc.nat(299), { maxLength: 150 })
    const anyText = fc.tuple(vocab, fc.array(document, { minLength: 1, maxLength: 6 }))
    fc.assert(
      fc.property(anyText, ([vocab, documents]) => {
        const text = textOf(
          documents.map((tokens) => tokens.map((token) => token % vocab)),
          vocab,
        )
        expect([...sortSuffixes(text.tokens, vocab)]).toEqual(sortedByHand(text.tokens))
      }),
      { numRuns: 200 },
    )
  })

  test.each(Object.entries(hardTexts))('equals a sort of all keys: %s', (_, documents) => {
    const { tokens, vocab } = textOf(documents, 2)
    expect([...sortSuffixes(tokens, vocab)]).toEqual(sortedByHand(tokens))
  })

  test('suffixes alike in 64 tokens stand by position, whatever follows', () => {
    const { tokens } = textOf([[...Array(64).fill(1), 0], Array(65).fill(1), Array(64).fill(1)], 2)
    const first = [...sortSuffixes(tokens, 2)].filter((p) => [0, 66, 132].includes(p))
    expect(first).toEqual([0, 66, 132])
  })

  test('groups too wide for kept keys are sorted as narrow ones', () => {
    const n = 1_100_000
    const tokens = new Uint32Array(n)
    tokens[n - 1] = separator
    const suffixes = sortSuffixes(tokens, 1)
    // The last 64 by length, then all of 64 tokens by position.
    expect([...suffixes.subarray(0, 64)]).toEqual(Array.from({ length: 64 }, (_, i) => n - 1 - i))
    expect(suffixes.subarray(64).every((p, i) => p === i)).toBe(true)
  })
})
