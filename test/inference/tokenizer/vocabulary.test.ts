import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergePiece } from '../../../inference/tokenizer/merge-piece.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { Tokenizer } from '../../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../../inference/tokenizer/tokenizer-file.ts'
import { decodeVocabulary, encodeVocabulary } from '../../../inference/tokenizer/vocabulary-file.ts'
import type { Vocabulary, VocabularyToken } from '../../../inference/tokenizer/vocabulary-tokenizer.ts'
import { FormatError } from '../../../protocol/bytes.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const token = (text: string, kind: VocabularyToken['kind'] = 'text'): VocabularyToken => ({ kind, bytes: bytes(text) })

/** Letters a to h and a space, pairs of them, marks; tokens in an order that says nothing about merges. */
const vocabulary: Vocabulary = {
  rule: 'gpt2',
  wholePieces: false,
  tokens: [
    token('<|end|>', 'special'),
    ...Array.from('hgfedcba ', (letter) => token(letter)),
    token('<tool>', 'added'),
    token('cab'),
    token('ab'),
    token('bc'),
    token(' c'),
    token('abc'),
    { kind: 'unused', bytes: new Uint8Array() },
  ],
  merges: [
    [8, 7],
    [7, 6],
    [9, 6],
    [12, 6],
    [6, 12],
  ],
}
const section = encodeVocabulary(vocabulary)
const tokenizer = decodeVocabulary(section)

describe('vocabulary of a real model', () => {
  test('the earliest merge is made first, into the token of its bytes', () => {
    expect(tokenizer.encode('abc')).toEqual([15])
    expect(tokenizer.encode('bcab')).toEqual([13, 12])
    expect(tokenizer.encode('cab')).toEqual([11])
    expect(tokenizer.encode('a cab')).toEqual([8, 14, 12])
  })

  test('marks are found by name only, and stand for no bytes where they are special', () => {
    expect(tokenizer.special('<|end|>')).toBe(0)
    expect(tokenizer.special('<tool>')).toBe(10)
    expect(tokenizer.special('ab')).toBeUndefined()
    expect(tokenizer.encode('<|end|>')).not.toContain(0)
    expect(Buffer.from(tokenizer.decode([0, 12, 10, 16])).toString()).toBe('ab<tool>')
    expect(() => tokenizer.decode([17])).toThrow('token 17')
  })

  test('bytes without a token are left out, and what stands around them meets', () => {
    expect(tokenizer.encode('axb')).toEqual([12])
    expect(tokenizer.encode('é')).toEqual([])
    const whole = decodeVocabulary(encodeVocabulary({ ...vocabulary, wholePieces: true, merges: [] }))
    expect(whole.encode('cab abc')).toEqual([11, 9, 8, 7, 6])
  })

  test('Llama 2 puts a space before a text, and takes bytes for characters that have no token', () => {
    const byte = (value: number): VocabularyToken => ({ kind: 'added', bytes: Uint8Array.of(value) })
    const llama2 = decodeVocabulary(
      encodeVocabulary({
        rule: 'llama2',
        wholePieces: false,
        tokens: [
          ...Array.from({ length: 256 }, (_, value) => byte(value)),
          ...[' ', 'a', 'é', ' a', 'é a'].map((text) => token(text)),
        ],
        merges: [
          [256, 257],
          [258, 259],
        ],
      }),
    )
    expect(llama2.encode('a')).toEqual([259])
    expect(llama2.encode('')).toEqual([])
    expect(llama2.encode('é a\u2581b')).toEqual([256, 260, 256, 98])
    expect(llama2.encode('日')).toEqual([256, 0xe6, 0x97, 0xa5])
    expect(Buffer.from(llama2.decode(llama2.encode('日 é a'))).toString()).toBe(' 日 é a')
  })

  test('merging with a queue makes what making one merge after another makes', () => {
    const merges: readonly (readonly [number, number])[] = [
      [0, 1],
      [1, 0],
      [4, 4],
      [2, 0],
      [5, 3],
      [4, 2],
      [0, 0],
      [10, 10],
    ]
    const find = (left: number, right: number) => {
      const rank = merges.findIndex(([a, b]) => a === left && b === right)
      return rank < 0 ? undefined : { rank, joined: 4 + rank }
    }
    const oneByOne = (tokens: readonly number[]): readonly number[] => {
      const pairs = tokens.slice(1).map((right, at) => find(tokens[at] ?? 0, right)?.rank ?? Number.POSITIVE_INFINITY)
      const best = Math.min(...pairs)
      if (!Number.isFinite(best)) return tokens
      return oneByOne(tokens.toSpliced(pairs.indexOf(best), 2, 4 + best))
    }
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 40 }), (tokens) => {
        expect(mergePiece(tokens, find)).toEqual(oneByOne(tokens))
      }),
      { numRuns: 500 },
    )
    expect(mergePiece(new Array<number>(200_000).fill(0), find).length).toBe(50_000)
  })

  test('a section reads back the same, and any other is refused', () => {
    expect(tokenizer.vocabulary).toEqual(vocabulary)
    const change = (at: number, value: number) => section.with(at, value)
    const bad: readonly Uint8Array[] = [
      section.slice(0, 23),
      section.slice(0, -1),
      new Uint8Array([...section, 0]),
      change(3, 3),
      change(7, 4),
      change(11, 2),
      change(15, 16),
      change(27, 1),
      change(31, 4),
      change(29, 6),
    ]
    for (const one of bad) expect(() => decodeVocabulary(one)).toThrow(FormatError)
    fc.assert(
      fc.property(fc.nat(section.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = section.with(at, (section[at] ?? 0) ^ change)
        try {
          expect(encodeVocabulary(decodeVocabulary(changed).vocabulary)).toEqual(changed)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
    )
  })

  test.each([
    ['two tokens of the same bytes', { tokens: [token('a'), token('a')], merges: [] }],
    ['a text token without bytes', { tokens: [token('')], merges: [] }],
    ['a token that is too long', { tokens: [token('a'.repeat(1025))], merges: [] }],
    ['a merge into no token', { tokens: [token('a'), token('b')], merges: [[0, 1]] }],
    ['a merge of a mark', { tokens: [token('a', 'added'), token('b'), token('ab')], merges: [[0, 1]] }],
    ['a merge of a token beyond the last', { tokens: [token('a'), token('aa')], merges: [[0, 7]] }],
    [
      'a merge given twice',
      {
        tokens: [token('a'), token('aa')],
        merges: [
          [0, 0],
          [0, 0],
        ],
      },
    ],
  ] as const)('%s is refused', (_, { tokens, merges }) => {
    expect(() => decodeVocabulary(encodeVocabulary({ ...vocabulary, tokens, merges }))).toThrow(FormatError)
  })

  test('a model reads either version', () => {
    const first = readTokenizer(encodeTokenizer(new Tokenizer(2, [[99, 100]])))
    expect(first.encode('ab')).toEqual([258])
    expect(first.vocab).toBe(259)
    expect(first.special('<s>')).toBeUndefined()
    expect(readTokenizer(section).encode('abc')).toEqual([15])
    expect(() => readTokenizer(new Uint8Array(3))).toThrow(FormatError)
    expect(() => readTokenizer(section.with(3, 3))).toThrow(FormatError)
  })
})
