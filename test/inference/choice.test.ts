import fc from 'fast-check'
import { expect, test } from 'vitest'
import { choiceElements, choiceOf, choiceTileElements, choiceTileLogits } from '../../inference/choice.ts'
import { sample } from '../../inference/sampler.ts'
import { makeExpTable } from '../../inference/tables.ts'
import { plainSample } from '../fakes/plain-sampler.ts'

const expTable = makeExpTable()
/** Logits with many equal ones, wide apart or close together. */
const logits = fc
  .tuple(fc.constantFrom(2, 255, 256, 257, 700), fc.constantFrom(0, 3, 4096, 2 ** 20, 2 ** 30), fc.nat())
  .map(([n, spread, seed]) =>
    Int32Array.from({ length: n }, (_, i) => (((i + 1) * (seed | 1)) % (2 * spread + 1)) - spread),
  )
const rule = fc.record({
  tempQ16: fc.constantFrom(0, 1, 6554, 65536, 400_000, 2 ** 32 - 1),
  topK: fc.constantFrom(0, 1, 2, 40, 65535),
  topPQ16: fc.constantFrom(1, 6554, 58982, 65536),
})
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('the choice is the token that is sampled, and its sums are those of its tiles', () => {
  fc.assert(
    fc.property(logits, rule, seed, fc.nat(1000), (values, sampling, key, position) => {
      const { token, choice, tiles } = choiceOf(values, sampling, key, position, expTable)
      expect(token).toBe(plainSample(values, sampling, key, position, expTable))
      expect(sample(values, sampling, key, position, expTable)).toBe(token)
      expect(choice).toHaveLength(choiceElements)
      expect(tiles).toHaveLength(choiceTileElements * Math.ceil(values.length / choiceTileLogits))
      expect(choice[6]).toBe(token)
      for (const mark of [1, 3, 5]) expect(choice[mark]).toBe(values[choice[mark + 1] as number])
      const column = (k: number) => tiles.filter((_, i) => i % choiceTileElements === k)
      expect(choice[0]).toBe(Math.max(...column(0)))
      for (let k = 1; k < choiceTileElements; k++) {
        expect(choice[6 + k]).toBe(column(k).reduce((sum, value) => sum + value, 0))
      }
    }),
    { numRuns: 300 },
  )
})
