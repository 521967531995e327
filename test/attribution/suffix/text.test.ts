import { describe, expect, test } from 'vitest'
import { buildIndex } from '../../../attribution/suffix/build-index.ts'
import { joinDocuments, joinTexts, tokenizeDocument, tokenLengths } from '../../../attribution/suffix/text.ts'
import { Tokenizer } from '../../../inference/tokenizer/tokenizer.ts'
import { subjectOf, textOf } from '../../fakes/suffix-texts.ts'

const bytewise = new Tokenizer(2, [[2 + 97, 2 + 98]])
const utf8 = (text: string) => new TextEncoder().encode(text)

describe('texts', () => {
  test('a document is the tokens of all its bytes', () => {
    expect(tokenizeDocument(3n, utf8('cab'), bytewise)).toEqual({ contribId: 3n, tokens: [2 + 99, 2 + 256] })
    expect(tokenizeDocument(3n, utf8(''), bytewise).tokens).toEqual([])
    expect(tokenLengths(bytewise)[2 + 256]).toBe(2)
  })

  test.each([
    ['binary', Uint8Array.of(97, 0, 98)],
    ['encoding', Uint8Array.of(0xff, 0xfe, 97)],
    ['encoding', Uint8Array.of(97, 0xc3)],
  ])('content that is no text is refused as %s, naming the contribution', (code, content) => {
    expect(() => tokenizeDocument(77n, content, bytewise)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('77') }),
    )
  })

  test.each([
    ['token', [{ contribId: 1n, tokens: [5] }], 5],
    ['token', [{ contribId: 1n, tokens: [0xffff_ffff] }], 5],
    ['token', [{ contribId: 1n, tokens: [1.5] }], 5],
    [
      'order',
      [
        { contribId: 2n, tokens: [1] },
        { contribId: 2n, tokens: [1] },
      ],
      5,
    ],
    ['order', [{ contribId: 0n, tokens: [1] }], 5],
    ['size', [{ contribId: 1n, tokens: [1] }], 2 ** 18 + 1],
  ])('%s: refused by name', (code, documents, vocab) => {
    expect(() => joinDocuments(documents, vocab)).toThrow(expect.objectContaining({ code }))
  })

  test.each([[[]], [[[], []]]])('an index of no tokens is refused by name', (documents) => {
    expect(() => buildIndex(textOf(documents, 3), subjectOf(3))).toThrow(expect.objectContaining({ code: 'size' }))
  })

  test('texts behind each other are the text of all documents', () => {
    const [a, b] = [textOf([[1], [2, 2]], 3), textOf([[], [0]], 3, 9)]
    const whole = joinDocuments(
      [
        { contribId: 1n, tokens: [1] },
        { contribId: 2n, tokens: [2, 2] },
        { contribId: 9n, tokens: [] },
        { contribId: 10n, tokens: [0] },
      ],
      3,
    )
    expect(joinTexts([a, b])).toEqual(whole)
    expect(() => joinTexts([b, a])).toThrow(expect.objectContaining({ code: 'order' }))
  })
})
