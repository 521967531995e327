import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { termForms, termsOf } from '../../attribution/terms.ts'

describe('terms', () => {
  test.each([
    ['Hello, WORLD-wide 2nd!', ['hello', 'world', 'wide', '2nd']],
    ["don't “quote”—me", ['don', 't', 'quote', 'me']],
    ['Été ÉTÉ', ['Été', 'ÉtÉ']],
    ['한국 말', ['한국', '말']],
    ['日本語。カナx', ['日', '本', '語', 'カ', 'ナ', 'x']],
    ['', []],
    ['—', []],
  ])('of %j are %j', (text, terms) => {
    expect(termForms(text)).toEqual(terms)
  })

  test('are the same of a text and of its decomposed, CRLF and capital twins', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const composed = text.normalize('NFC').replaceAll('\r', '')
        const twin = composed.normalize('NFD').replaceAll('\n', '\r\n')
        expect(termForms(twin)).toEqual(termForms(composed))
      }),
    )
    for (let point = 0x80; point < 0x3_0000; point++) {
      const sign = String.fromCodePoint(point)
      const [composed, decomposed] = [sign.normalize('NFC'), sign.normalize('NFD')]
      if (composed === decomposed) continue
      expect(termForms(`x ${decomposed}y`)).toEqual(termForms(`x ${composed}y`))
      expect(termForms(`x${decomposed}y`)).toEqual(termForms(`x${composed}y`))
    }
    expect(termForms('ガがダ'.normalize('NFD'))).toEqual(['ガ', 'が', 'ダ'])
  })

  test('stand where they say, ascending, and hold every letter and digit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const content = new TextEncoder().encode(text)
        let end = 0
        for (const term of termsOf(content)) {
          expect(term.start).toBeGreaterThanOrEqual(end)
          expect(term.end).toBeGreaterThan(term.start)
          expect(Buffer.from(content.subarray(end, term.start)).toString()).not.toMatch(/[0-9A-Za-zÀ-ɏ]/)
          const [alone] = termsOf(content.subarray(term.start, term.end))
          expect(alone?.form).toBe(term.form)
          end = term.end
        }
        expect(Buffer.from(content.subarray(end)).toString()).not.toMatch(/[0-9A-Za-zÀ-ɏ]/)
      }),
    )
  })
})
