import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InferenceError } from '../../inference/inference-error.ts'
import { Oracle } from '../../inference/oracle.ts'
import { ops, unitBytes } from '../../inference/trace.ts'
import { randomModel, smallConfig } from '../fakes/random-model.ts'

const oracle = new Oracle(randomModel(7))
const token = fc.integer({ min: 0, max: smallConfig.vocab - 1 })

test('a prompt in one piece gives the logits that it gives in any pieces', () => {
  fc.assert(
    fc.property(fc.array(token, { minLength: 2, maxLength: 12 }), fc.integer({ min: 1, max: 11 }), (tokens, cut) => {
      const whole = oracle.start().append(tokens)
      const session = oracle.start()
      const at = Math.min(cut, tokens.length - 1)
      session.append(tokens.slice(0, at))
      expect(session.append(tokens.slice(at))).toEqual(whole)
      expect(session.length).toBe(tokens.length)
    }),
    { numRuns: 20 },
  )
})

test('a later token depends on an earlier one past a tile of attention', () => {
  const tail = Array.from({ length: 140 }, (_, i) => i % smallConfig.vocab)
  expect(oracle.start().append([3, ...tail])).not.toEqual(oracle.start().append([4, ...tail]))
})

test('every op is traced once per layer and position, tiles once per head and tile', () => {
  const seen = new Map<string, number>()
  oracle.start().append(
    [5, 6],
    ({ op, layer, position, part }) => {
      const name = `${op} ${layer} ${position} ${part}`
      seen.set(name, (seen.get(name) ?? 0) + 1)
    },
    0,
  )
  expect([...seen.values()].every((count) => count === 1)).toBe(true)
  const [outside, adapters, choices] = [6, 4, 2]
  const perLayer = Object.keys(ops).length - outside - adapters - choices - 1 + smallConfig.heads
  expect(seen.size).toBe(2 * (outside + smallConfig.layers * perLayer))
})

test('what a session refuses leaves it as it was', () => {
  const session = oracle.start()
  for (const tokens of [[], [-1], [48], [0.5], Array.from({ length: 161 }, () => 0)]) {
    expect(() => session.append(tokens)).toThrow(InferenceError)
  }
  expect(session.length).toBe(0)
})

/** Frozen outputs: whoever changes the arithmetic changes every model's answers. */
test.each([
  [1, 'cbcefc19ff3e3097248304cfc15cd9b5048c9ce4c0612e3ac70d9a379d1969f1'],
  [4000, '662a074381362c71b0ed256b93ecdbc0e9fcd3f2b5ec86840a3f934c1e836d8c'],
])('the trace of model 7 at gain %i is the recorded one', (gain, recorded) => {
  const hash = createHash('sha256')
  new Oracle(randomModel(7, smallConfig, gain)).start().append(
    [1, 2, 3, 4],
    ({ op }, values) => {
      hash.update(unitBytes(op, values, smallConfig.inputMax))
    },
    0,
  )
  expect(hash.digest('hex')).toBe(recorded)
})
