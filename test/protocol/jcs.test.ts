import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalBytes, canonicalJson, type Json, parseCanonical } from '../../protocol/jcs.ts'

test('a value has one text, whatever the order of its members, and the text reads back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json)
      expect(canonicalJson(reversed(value) as Json)).toBe(text)
      expect(parseCanonical(canonicalBytes(value as Json))).toEqual(JSON.parse(text))
    }),
  )
})

test('the example of RFC 8785, section 3.2.3: members are sorted by UTF-16 code units', () => {
  const names = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
  }
  const more = {
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  }
  expect(Object.values(JSON.parse(canonicalJson({ ...names, ...more })))).toHaveLength(7)
  const order = [...canonicalJson({ ...names, ...more }).matchAll(/"([A-Z][^"]*)"/g)].map(([, each]) => each)
  expect(order).toEqual([
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ])
})

test('numbers are written as the RFC asks, and what JSON cannot say is refused', () => {
  expect(canonicalJson([1e21, 4.5, 2e-3, 1e-27, -0, 1 / 3])).toBe('[1e+21,4.5,0.002,1e-27,0,0.3333333333333333]')
  for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udfff': 1 }]) {
    expect(() => canonicalJson(wrong as Json)).toThrow()
  }
  for (const text of ['{ }', '{"b":1,"a":2}', '1.0', '"\\u0061"', '{"a":1,"a":1}', '\ufeff1', '1 ']) {
    expect(parseCanonical(new TextEncoder().encode(text))).toBeUndefined()
  }
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, each]) => [name, reversed(each)] as const)
  return Object.fromEntries(entries.reverse())
}
