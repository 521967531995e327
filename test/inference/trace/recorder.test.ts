import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choiceOf, choiceTileElements } from '../../../inference/choice.ts'
import type { ModelConfig } from '../../../inference/model-config.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { readElement } from '../../../inference/trace/elements.ts'
import { traceRootOf } from '../../../inference/trace/head.ts'
import { TraceLayout } from '../../../inference/trace/layout.ts'
import { TraceRecorder } from '../../../inference/trace/recorder.ts'
import type { Op } from '../../../inference/trace.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { naiveTraceRoot } from '../../fakes/naive-commitment.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { testSeed, tracedAnswer, traceShapes, warm } from '../../fakes/traced-answer.ts'

function rootOf(answer: ReturnType<typeof tracedAnswer>): string {
  return Buffer.from(traceRootOf(answer.head)).toString('hex')
}

/** The choices, which engines do not put out. */
function withChoices(model: ReturnType<typeof randomModel>, answer: ReturnType<typeof tracedAnswer>) {
  const units = new Map(answer.units)
  for (const [name, logits] of answer.units) {
    const [op, , position] = name.split(' ')
    if (op !== 'logits') continue
    const { choice, tiles } = choiceOf(Int32Array.from(logits), warm, testSeed, Number(position) + 1, model.expTable)
    units.set(`choice 0 ${position} 0`, Array.from(choice))
    for (let part = 0; part * choiceTileElements < tiles.length; part++) {
      const sums = tiles.subarray(part * choiceTileElements, (part + 1) * choiceTileElements)
      units.set(`choiceTile 0 ${position} ${part}`, Array.from(sums))
    }
  }
  return units
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'trace-golden.json'), 'utf8')) as {
  readonly seed: number
  readonly shape: number
  readonly tokens: readonly number[]
  readonly tin: number
  readonly width: 3 | 4
  readonly traceRoot: string
}[]

describe('recorded trace', () => {
  test.each(golden)('the root of shape $shape, seed $seed is that of the page, read plainly', (vector) => {
    const { seed, shape, tokens, tin, width, traceRoot } = vector
    const model = randomModel(seed, traceShapes[shape] as ModelConfig)
    const answer = tracedAnswer(model, tokens, { tin, width })
    expect(naiveTraceRoot(model.config, withChoices(model, answer), tokens.length, tin, width)).toBe(traceRoot)
    expect(rootOf(answer)).toBe(traceRoot)
  })

  test('oracle and WASM engine in any batches have one root', () => {
    const cases = fc.record({
      config: fc.constantFrom(...traceShapes),
      seed: fc.nat(1000),
      gain: fc.constantFrom(0.1, 1, 300),
      tokens: fc.array(fc.nat(46), { minLength: 1, maxLength: 12 }),
      batch: fc.integer({ min: 1, max: 12 }),
      tin: fc.integer({ min: 1, max: 12 }),
      width: fc.constantFrom(3 as const, 4 as const),
    })
    fc.assert(
      fc.property(cases, ({ config, seed, gain, tokens, batch, tin, width }) => {
        const model = randomModel(seed, config, gain)
        const options = { tin: Math.min(tin, tokens.length), width }
        const expected = rootOf(tracedAnswer(model, tokens, options))
        expect(rootOf(tracedAnswer(model, tokens, { ...options, engine: new WasmEngine(model), batch }))).toBe(expected)
      }),
      { numRuns: 12 },
    )
  })

  test('with adapters every number stands at its place, whatever engine ran', () => {
    const model = randomModel(9)
    const slots = [
      { adapter: randomAdapter(1, model.config, 8, ['query', 'gate', 'down']), weight: 30_000 },
      { adapter: randomAdapter(2, model.config, 16, ['gate', 'value']), weight: 65_535 },
    ]
    const answer = tracedAnswer(model, [0, 3, 5, 7], { tin: 3, slots })
    const { layout, head, store, units } = answer
    for (const [name, values] of units) {
      const [op, layer, position, part] = name.split(' ') as [Op, string, string, string]
      if (['attentionNorm', 'ffnNorm', 'finalNorm', 'logits'].includes(op)) continue
      const unit = { op, layer: Number(layer), position: Number(position), part: Number(part) }
      for (const [element, value] of values.entries()) {
        const place = layout.place(unit, element, head)
        const record = store.get(place.tree, place.slab, place.position)
        if (readElement(record, place.offset, place.bytes) !== value) expect.unreachable(`${name} ${element}`)
      }
    }
    expect([...units.keys()].filter((name) => name.startsWith('lora')).length).toBe(2 * 4 * 4 * 5)
    const other = tracedAnswer(model, [0, 3, 5, 7], { tin: 3, slots, batch: 3, engine: new WasmEngine(model) })
    expect(rootOf(other)).toBe(rootOf(answer))
  })

  test('one changed number of any unit changes the root', () => {
    const model = randomModel(7)
    const tokens = [0, 5, 9, 30, 2]
    const [expected, names] = [
      rootOf(tracedAnswer(model, tokens, { tin: 2 })),
      [...tracedAnswer(model, tokens, { tin: 2 }).units.keys()],
    ]
    const uncommitted = /^(attentionNorm|ffnNorm|finalNorm) /
    for (const name of names.filter((each) => !uncommitted.test(each)).filter((_, i) => i % 7 === 0)) {
      const [op, , position] = name.split(' ')
      const isShort = ['finalNorm', 'headScale', 'headInput', 'head', 'logits'].includes(op ?? '') && position === '0'
      const tampered = tracedAnswer(model, tokens, {
        tin: 2,
        tamper: (unit, values) => {
          if (`${unit.op} ${unit.layer} ${unit.position} ${unit.part}` !== name) return
          const list = values as number[]
          list[list.length - 1] = (list.at(-1) ?? 0) === 0 ? 1 : 0
        },
      })
      expect(rootOf(tampered) === expected, name).toBe(isShort || op === 'logits')
    }
  })

  test('an accumulator beyond 24 bits is told at width 3 and committed at width 4', () => {
    const model = randomModel(3)
    const large = (value: number) => ({
      tin: 1,
      tamper: (unit: { op: string }, values: ArrayLike<number>) => {
        if (unit.op === 'gate') (values as number[])[0] = value
      },
    })
    for (const value of [2 ** 23, -(2 ** 23) - 1]) {
      expect(tracedAnswer(model, [1], large(value)).recorder.overflowed).toBe(true)
      const { store, layout } = tracedAnswer(model, [1], { ...large(value), width: 4 })
      const unit = { op: 'gate', layer: 0, position: 0, part: 0 } as const
      const { offset } = layout.place(unit, 0, { positions: 1, tin: 1, width: 4 })
      expect(Buffer.from(store.get('linear', 1, 0)).readInt32LE(offset)).toBe(value)
    }
    for (const value of [2 ** 23 - 1, -(2 ** 23)]) {
      expect(tracedAnswer(model, [1], large(value)).recorder.overflowed).toBe(false)
    }
  })

  test('a trace that lacks the head of a position has no root', () => {
    const model = randomModel(1)
    const recorder = new TraceRecorder(new TraceLayout(model.config), {
      tin: 1,
      width: 3,
      choose: (logits, position) => choiceOf(logits, warm, testSeed, position + 1, model.expTable),
    })
    new Oracle(model).start().append([1, 2], recorder.trace, 1)
    expect(() => recorder.finish()).toThrow(/missing/)
  })

  test('a trace that lacks a unit has no root', () => {
    const { recorder } = tracedAnswer(randomModel(1), [1, 2], { tin: 1 })
    recorder.trace({ op: 'query', layer: 0, position: 2, part: 0 }, new Int32Array(32))
    expect(() => recorder.finish()).toThrow(/missing/)
  })
})
