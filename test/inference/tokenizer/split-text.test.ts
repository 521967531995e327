import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codePointsOf } from '../../../inference/tokenizer/code-points.ts'
import { type SplitRule, splitText } from '../../../inference/tokenizer/split-text.ts'
import { classOf, letter, number, other } from '../../../inference/tokenizer/unicode-classes.ts'

const gpt2 = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
const contraction = "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"
const llama3 = new RegExp(
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  'gu',
)
/** The rules as the regular expressions that define them, on the runtime's own engine. */
const reference: Readonly<Record<SplitRule, (text: string) => string[]>> = {
  gpt2: (text) => text.match(gpt2) ?? [],
  smollm: (text) =>
    text.split(/(\p{N})/u).flatMap((part) => (/^\p{N}$/u.test(part) ? [part] : (part.match(gpt2) ?? []))),
  llama3: (text) => text.match(llama3) ?? [],
}

/** JavaScript's \s has U+FEFF and lacks U+0085; of other characters only those that the runtime's Unicode sees alike. */
const comparable = (character: string) => {
  const code = character.codePointAt(0) ?? 0
  const kind = /\p{L}/u.test(character) ? letter : /\p{N}/u.test(character) ? number : /\s/u.test(character) ? 3 : other
  return classOf(code) === kind
}
const piece = fc.oneof(
  fc.constantFrom(
    "'s",
    "'LL",
    "'ſ",
    "'re",
    " '",
    '\n',
    '\r\n',
    '  ',
    ' ',
    '\t',
    'don',
    'é',
    '日本',
    '½',
    '٣٤',
    '123',
    '🙂',
    'x\u0301',
  ),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
)
const text = fc
  .array(piece, { maxLength: 12 })
  .map((parts) => [...parts.join('')].filter((character) => comparable(character)).join(''))

const cut = (string: string, rule: SplitRule) =>
  splitText(new TextEncoder().encode(string), rule).map((part) => Buffer.from(part).toString())

describe('pieces of text', () => {
  test.each(['gpt2', 'smollm', 'llama3'] as const)('%s cuts as its regular expression does', (rule) => {
    fc.assert(
      fc.property(text, (string) => {
        expect(cut(string, rule)).toEqual(reference[rule](string))
      }),
      { numRuns: 1000 * Number(process.env['OPENLEDGER_FUZZ'] ?? 1) },
    )
  })

  test('a number stands alone for smollm, with its space for gpt2, in threes for llama3', () => {
    expect(cut("I've 1234 \n x", 'smollm')).toEqual(['I', "'ve", ' ', '1', '2', '3', '4', ' \n', ' x'])
    expect(cut("I've 1234 \n x", 'gpt2')).toEqual(['I', "'ve", ' 1234', ' \n', ' x'])
    expect(cut("I'VE 1234 \n x", 'llama3')).toEqual(['I', "'VE", ' ', '123', '4', ' \n', ' x'])
  })

  test('pieces of any bytes are the bytes, in time that grows with their number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('gpt2', 'smollm', 'llama3'), (bytes, rule) => {
        expect(new Uint8Array(Buffer.concat(splitText(bytes, rule)))).toEqual(bytes)
      }),
    )
    const words = new TextEncoder().encode('ab '.repeat(100_000))
    expect(splitText(words, 'smollm').length).toBe(100_001)
  })

  test('a byte is a code point of its own where it is part of no well-formed sequence', () => {
    const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
      [[0xc3, 0xa9], [0xe9]],
      [[0xf0, 0x9f, 0x99, 0x82], [0x1f642]],
      [
        [0xc0, 0xaf],
        [-1, -1],
      ],
      [
        [0xed, 0xa0, 0x80],
        [-1, -1, -1],
      ],
      [
        [0xf4, 0x90, 0x80, 0x80],
        [-1, -1, -1, -1],
      ],
      [
        [0xe2, 0x82],
        [-1, -1],
      ],
      [
        [0xf8, 0x61],
        [-1, 0x61],
      ],
    ]
    for (const [bytes, values] of shapes) {
      const points = codePointsOf(Uint8Array.from(bytes))
      expect([...points.values.subarray(0, points.count)]).toEqual(values)
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (string) => {
        const utf8 = new TextEncoder().encode(string)
        const points = codePointsOf(utf8)
        const expected = Array.from(new TextDecoder().decode(utf8), (character) => character.codePointAt(0))
        expect([...points.values.subarray(0, points.count)]).toEqual(expected)
      }),
    )
  })
})
