import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { separator, sortSuffixes } from '../../../attribution/suffix/suffix-sort.ts'
import { Random } from '../../fakes/random.ts'
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
  test('wide groups that part again and again, and copies of one document, come out in order', () => {
    const random = new Random(5)
    const bits = Uint32Array.from({ length: 540_000 }, () => random.int(2))
    const document = Uint32Array.from({ length: 200 }, () => random.int(3))
    for (let start = 300_000; start < 340_000; start += 200) bits.set(document, start)
    for (let end = 700; end < 540_000; end += 10_700) bits[end] = separator
    bits[bits.length - 1] = separator
    const sorted = sortSuffixes(bits, 3)
    let wrong = 0
    for (let i = 1; i < sorted.length; i++) if (!isBefore(bits, sorted[i - 1] as number, sorted[i] as number)) wrong++
    expect(wrong).toBe(0)
    expect(sorted.length).toBe(bits.length)
  })

  test('a text that no memory of 32-bit addresses holds is refused by name', () => {
    const text = { length: 600_000_000 } as Uint32Array
    expect(() => sortSuffixes(text, 2)).toThrow(expect.objectContaining({ code: 'size' }))
  })
})

/** By keys of 64 tokens, then by position. */
function isBefore(tokens: Uint32Array, a: number, b: number): boolean {
  for (let i = 0; i < 64; i++) {
    const [x, y] = [tokens[a + i] as number, tokens[b + i] as number]
    if (x === separator || y === separator) return x === separator && (y !== separator || a < b)
    if (x !== y) return x < y
  }
  return a < b
}
