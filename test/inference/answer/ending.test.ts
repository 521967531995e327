import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Ending, type EndReason } from '../../../inference/answer/ending.ts'
import { stopHash, stopList } from '../../../inference/answer/stops.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import { smallConfig } from '../../fakes/random-model.ts'

/** Token t stands for `words[t]`; 1 is eos. */
function textOf(words: readonly string[]) {
  return { decode: (tokens: readonly number[]) => Buffer.from(tokens.map((token) => words[token] ?? '').join('')) }
}

function endOf(
  words: readonly string[],
  tokens: readonly number[],
  stops: readonly string[],
  maxTokens = 1000,
  tin = 1,
) {
  const ending = new Ending(smallConfig, textOf(words), { tin, maxTokens, stops: stopList(stops) })
  for (const [i, token] of tokens.entries()) {
    const reason = ending.push(token)
    if (reason !== undefined) return [i + 1, reason] as const
  }
  return undefined
}

/** The rule as the page says it, over the whole output each time. */
function plainEnd(
  words: readonly string[],
  tokens: readonly number[],
  stops: readonly string[],
  maxTokens: number,
  tin: number,
) {
  for (let n = 1; n <= tokens.length; n++) {
    const text = Buffer.from(
      tokens
        .slice(0, n)
        .map((token) => words[token] ?? '')
        .join(''),
    )
    const reasons: [boolean, EndReason][] = [
      [tokens[n - 1] === smallConfig.eos, 'eos'],
      [stops.some((stop) => text.includes(stop)), 'stop'],
      [n === maxTokens, 'length'],
      [tin + n === smallConfig.context, 'context'],
    ]
    const found = reasons.find(([holds]) => holds)
    if (found !== undefined) return [n, found[1]] as const
  }
  return undefined
}

describe('end of an answer', () => {
  test('is where the rule first holds, over any tokens, stops and limits', () => {
    const arbitraryText = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        fc
          .array(fc.oneof(fc.constant(''), arbitraryText), { minLength: 3, maxLength: 6 })
          .map((list) => ['', '', ...list]),
        fc.array(
          fc.nat(7).filter((token) => token !== 1),
          { minLength: 1, maxLength: 40 },
        ),
        fc.uniqueArray(arbitraryText, { maxLength: 4 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 159 }),
        fc.boolean(),
        (words, tokens, stops, maxTokens, tin, hasEos) => {
          const all = hasEos ? [...tokens, 1, ...tokens] : tokens
          expect(endOf(words, all, stops, maxTokens, tin)).toEqual(plainEnd(words, all, stops, maxTokens, tin))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a stop string of 32 bytes over 32 tokens with specials between them ends the answer', () => {
    const stop = '0123456789abcdef0123456789abcdef'
    const words = ['', '', ...new Set(stop)]
    const tokens = [...stop].flatMap((letter) => [words.indexOf(letter), 0])
    expect(endOf(words, [2, 2, ...tokens], [stop])).toEqual([2 + 63, 'stop'])
  })

  test('a stop string inside the last token ends the answer, and half a character is not one', () => {
    expect(endOf(['', '', 'xxstopyy'], [2], ['stop'])).toEqual([1, 'stop'])
    const ending = new Ending(
      smallConfig,
      { decode: (tokens) => Buffer.concat(tokens.map((token) => Buffer.from('é').subarray(token, token + 1))) },
      { tin: 1, maxTokens: 9, stops: stopList(['é']) },
    )
    expect([ending.push(0), ending.push(0), ending.reason]).toEqual([undefined, undefined, undefined])
  })

  test('an input that fills the context, no tokens and limits out of range are refused', () => {
    const make = (rule: { tin?: number; maxTokens?: number; stops?: Uint8Array[] }) => () =>
      new Ending(smallConfig, textOf([]), { tin: 1, maxTokens: 1, stops: [], ...rule })
    expect(make({ tin: smallConfig.context })).toThrow(expect.objectContaining({ code: 'context' }))
    expect(make({ tin: 0 })).toThrow(expect.objectContaining({ code: 'token' }))
    expect(make({ maxTokens: 0 })).toThrow(expect.objectContaining({ code: 'sampling' }))
    expect(make({ stops: [new Uint8Array(0)] })).toThrow(expect.objectContaining({ code: 'stop' }))
    expect(make({ stops: [new Uint8Array(33)] })).toThrow(expect.objectContaining({ code: 'stop' }))
    expect(make({ stops: [Buffer.from('b'), Buffer.from('a')] })).toThrow(expect.objectContaining({ code: 'stop' }))
    expect(make({ tin: smallConfig.context - 1 })().push(5)).toBe('length')
  })
})

describe('stop list', () => {
  test('the hash is that of the page', () => {
    expect(stopHash([])).toBe(zeroHash)
    // printf '\x05\x02\x02\n\n\x01a' | sha256sum
    expect(stopHash(stopList(['a', '\n\n', 'a']))).toBe(
      '0x2f3fb3c30dbc3282137dac13ffea9512fb8e5671d5d92499bbc4bddbd63efb6d',
    )
  })

  test('five strings are refused', () => {
    expect(() => stopList(['a', 'b', 'c', 'd', 'e'])).toThrow(expect.objectContaining({ code: 'stop' }))
  })
})
