import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pieces } from '../../inference/tokenizer/pieces.ts'
import { Tokenizer } from '../../inference/tokenizer/tokenizer.ts'
import { decodeTokenizer, encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { trainTokenizer } from '../../inference/tokenizer/train.ts'
import { FormatError } from '../../protocol/bytes.ts'

const corpus = new Uint8Array(readFileSync(join(import.meta.dirname, '../../docs/TRUST.md')))
const specials = 3
const trained = trainTokenizer(corpus, 500, specials)
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

describe('tokenizer', () => {
  test('any bytes come back from their tokens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        expect(trained.decode(trained.encode(bytes))).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (string) => {
        expect(Buffer.from(trained.decode(trained.encode(string))).toString()).toBe(string)
      }),
    )
  })

  test('no text makes a special token', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(trained.encode(bytes).every((token) => token >= specials && token < trained.vocab)).toBe(true)
      }),
    )
    expect(trained.decode([0, 1, 2])).toEqual(new Uint8Array(0))
  })

  test('pieces are words with their space, digits, signs and blanks, and together the text', () => {
    const cut = (string: string) =>
      pieces(new TextEncoder().encode(string)).map((piece) => Buffer.from(piece).toString())
    expect(cut('Two  words, 42\n\n of tea.')).toEqual(['Two', ' ', ' words', ',', ' 42', '\n\n', ' of', ' tea', '.'])
    expect(cut('a ')).toEqual(['a', ' '])
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(text(new Uint8Array(Buffer.concat(pieces(bytes))))).toBe(text(bytes))
      }),
    )
  })

  test('training learns the text: its tokens are fewer than half its bytes, and the first merges are the most frequent', () => {
    expect(trained.vocab).toBe(500)
    expect(trained.encode(corpus).length).toBeLessThan(corpus.length / 2)
    const simple = trainTokenizer(new TextEncoder().encode('abab abab cd cd cd'), 260, 0)
    // ab stands 4 times, then ' c' and 'cd' 3 times each.
    expect(simple.merges[0]).toEqual([97, 98])
    expect(simple.merges[1]).toEqual([32, 99])
  })

  test('an equal count is decided by the lower token, not by the order of the text', () => {
    const merges = (string: string) => trainTokenizer(new TextEncoder().encode(string), 258, 0).merges
    expect(merges(' zy zy ab ab')).toEqual(merges(' ab ab zy zy'))
  })

  test('a file reads back the same, and any shorter or longer one is refused', () => {
    const file = encodeTokenizer(trained)
    expect(decodeTokenizer(file).merges).toEqual(trained.merges)
    expect(decodeTokenizer(file).specials).toBe(specials)
    for (const bad of [file.slice(0, 11), file.slice(0, -1), new Uint8Array([...file, 0]), file.with(3, 2)]) {
      expect(() => decodeTokenizer(bad)).toThrow(FormatError)
    }
  })

  test.each([
    ['joins a special token', [[0, 50]]],
    ['joins a token that comes later', [[259, 50]]],
    [
      'is given twice',
      [
        [50, 51],
        [50, 51],
      ],
    ],
  ] as const)('a merge that %s is refused', (_, merges) => {
    expect(() => new Tokenizer(specials, merges)).toThrow(FormatError)
  })

  test('a piece without end takes no quadratic time', () => {
    const long = new Uint8Array(200_000).fill(97)
    expect(trained.decode(trained.encode(long))).toEqual(long)
  })
})
