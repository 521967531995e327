import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { targets } from '../../../inference/adapter/adapter.ts'
import type { ModelConfig } from '../../../inference/model-config.ts'
import { scoreScale } from '../../../inference/model-config.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, smallConfig, wideInputConfig } from '../../fakes/random-model.ts'
import { recordUnits } from '../../fakes/record-units.ts'

/** Shapes that reach every tail of the kernels: odd vocabulary, one kv head, heads of 8, 24 and 128, tiles of 64 and 128, wide inputs. */
const shapes: readonly ModelConfig[] = [
  smallConfig,
  wideInputConfig,
  { ...smallConfig, vocab: 47, tiedHead: false, kvHeads: 4, layers: 1 },
  { ...wideInputConfig, dim: 48, heads: 2, kvHeads: 1, headDim: 24, ...scoreScale(24), layers: 1 },
  { ...smallConfig, dim: 16, heads: 1, kvHeads: 1, headDim: 128, ...scoreScale(128), layers: 1, ffnDim: 16 },
]

const chosen = fc.subarray([...targets], { minLength: 1 })

describe('wasm engine', () => {
  test('every unit of every shape, with any adapters, at every loudness has the bits of the oracle', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        fc.nat(1000),
        fc.constantFrom(0.01, 1, 30, 4000),
        fc.array(fc.nat(46), { minLength: 1, maxLength: 11 }),
        fc.array(fc.record({ rank: fc.integer({ min: 1, max: 8 }), chosen, weight: fc.nat(65_535) }), { maxLength: 4 }),
        (config, seed, gain, tokens, adapters) => {
          const model = randomModel(seed, config, gain)
          const slots = adapters.map(({ rank, chosen: list, weight }, i) => ({
            adapter: randomAdapter(seed + i, config, 8 * rank, list, gain),
            weight,
          }))
          const [expected, actual] = [new Map<string, string>(), new Map<string, string>()]
          const logits = new Oracle(model).start({ slots }).append(tokens, recordUnits(expected, config.inputMax), 0)
          const told = recordUnits(actual, config.inputMax)
          expect(new WasmEngine(model).start({ slots }).append(tokens, told, 0)).toEqual(logits)
          const wrong = [...expected].filter(([name, bytes]) => actual.get(name) !== bytes).map(([name]) => name)
          expect(wrong.slice(0, 3)).toEqual([])
          expect(actual.size).toBe(expected.size)
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each(shapes)('over several tiles and batches it has the bits of the oracle, shape %#', (config) => {
    const model = randomModel(11, config)
    const tokens = Array.from({ length: 150 }, (_, i) => (i * 7) % 40)
    expect(new WasmEngine(model).start().append(tokens)).toEqual(new Oracle(model).start().append(tokens))
  })

  test('one position at a time, in any pieces and beside other sessions the logits are the same', () => {
    const engine = new WasmEngine(randomModel(5))
    const tokens = fc.array(fc.nat(47), { minLength: 4, maxLength: 80 })
    fc.assert(
      fc.property(tokens, tokens, fc.integer({ min: 1, max: 40 }), (mine, others, piece) => {
        const [whole, pieces, other] = [engine.start(), engine.start(), engine.start()]
        let last = new Int32Array(0) as Int32Array
        for (let start = 0; start < mine.length; start += piece) {
          last = pieces.append(mine.slice(start, start + piece))
          if (other.length + others.length <= 160) other.append(others)
        }
        expect(last).toEqual(whole.append(mine))
        for (const session of [whole, pieces, other]) session.close()
      }),
      { numRuns: 40 },
    )
  })

  test('a cache that was used before leaves no trace in the next session', () => {
    const engine = new WasmEngine(randomModel(5))
    const first = engine.start()
    const expected = first.append([1, 2, 3])
    first.append([4, 5, 6])
    first.close()
    expect(engine.start().append([1, 2, 3])).toEqual(expected)
    expect(() => first.append([1])).toThrow('closed')
  })
})
