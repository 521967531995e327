import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InferenceError } from '../../inference/inference-error.ts'
import { answerSeed, draw, sample } from '../../inference/sampler.ts'
import { makeExpTable } from '../../inference/tables.ts'
import { bytesToHex } from '../../protocol/bytes.ts'

const table = makeExpTable()
const seed = answerSeed(`0x${'11'.repeat(32)}`, `0x${'22'.repeat(20)}`)
const logits = fc.array(fc.integer({ min: -2_000_000, max: 2_000_000 }), { minLength: 1, maxLength: 40 })
const one = 65_536

test('temperature 0, topK 1 and a tiny topP all take the best token, the lowest of equals', () => {
  fc.assert(
    fc.property(logits, fc.nat(1000), (list, position) => {
      const values = Int32Array.from(list)
      const best = list.indexOf(Math.max(...list))
      for (const rule of [
        { tempQ16: 0, topK: 0, topPQ16: one },
        { tempQ16: one, topK: 1, topPQ16: one },
        { tempQ16: one, topK: 0, topPQ16: 1 },
      ]) {
        expect(sample(values, rule, seed, position, table)).toBe(best)
      }
    }),
  )
})

test('a token is never outside topK, nor after the mass of topP is reached', () => {
  fc.assert(
    fc.property(
      logits,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: one }),
      fc.nat(99),
      (list, topK, topPQ16, at) => {
        const token = sample(Int32Array.from(list), { tempQ16: one, topK, topPQ16 }, seed, at, table)
        const order = list.map((_, i) => i).sort((a, b) => (list[b] ?? 0) - (list[a] ?? 0) || a - b)
        expect(order.indexOf(token)).toBeLessThan(topK)
        const real = order.slice(0, topK).map((i) => Math.exp(((list[i] ?? 0) - Math.max(...list)) / one))
        const before = real.slice(0, order.indexOf(token)).reduce((a, b) => a + b, 0)
        expect(before / real.reduce((a, b) => a + b, 0)).toBeLessThan(topPQ16 / one + 1e-4)
      },
    ),
  )
})

test('frequencies follow softmax at the temperature', () => {
  const values = Int32Array.from([0, one, 2 * one, -one])
  const tempQ16 = one * 1.5
  const draws = 4000
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < draws; i++) {
    const token = sample(values, { tempQ16, topK: 0, topPQ16: one }, seed, i, table)
    counts[token] = (counts[token] ?? 0) + 1
  }
  const weights = Array.from(values, (value) => Math.exp(value / tempQ16))
  const total = weights.reduce((a, b) => a + b, 0)
  for (const [i, count] of counts.entries()) {
    const expected = (draws * (weights[i] ?? 0)) / total
    expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected))
  }
})

test('seed and draw are SHA-256 of what the payer signed', () => {
  // sha256(11 × 32 ‖ 22 × 20), then the first 8 bytes of sha256(seed ‖ 00000007).
  expect(bytesToHex(seed)).toBe('0x61f9170567018e0f79995d7193a6866ea416efc491b5f0b6de7064b5bcb33438')
  expect(draw(seed, 7)).toBe(6837128499067249596n)
})

test.each([
  { tempQ16: -1, topK: 0, topPQ16: one },
  { tempQ16: 2 ** 32, topK: 0, topPQ16: one },
  { tempQ16: 1, topK: 65_536, topPQ16: one },
  { tempQ16: 1, topK: 0, topPQ16: 0 },
  { tempQ16: 1, topK: 0, topPQ16: one + 1 },
  { tempQ16: 0.5, topK: 0, topPQ16: one },
])('rule %o is refused', (rule) => {
  expect(() => sample(Int32Array.of(1), rule, seed, 0, table)).toThrow(InferenceError)
})
