import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { targets } from '../../../inference/adapter/adapter.ts'
import type { Session, SessionOptions } from '../../../inference/engine.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { PageLayout } from '../../../inference/wasm/key-value-pages.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { recordUnits } from '../../fakes/record-units.ts'

const model = randomModel(5)
const oracle = new Oracle(model)
const [alone, threaded] = [new WasmEngine(model), new WasmEngine(model, { threads: 2, pieceCost: 64 })]
const adapters = [
  randomAdapter(1, smallConfig, 8, ['query', 'value'], 9),
  randomAdapter(2, smallConfig, 64, targets, 9),
  randomAdapter(3, smallConfig, 24, ['down', 'output', 'gate'], 9),
]

afterAll(async () => {
  await threaded.close()
})

type Run = { readonly tokens: readonly number[]; readonly options: SessionOptions; readonly headFrom: number }

const slot = fc.record({ adapter: fc.constantFrom(...adapters), weight: fc.integer({ min: 1, max: 65_535 }) })
const run: fc.Arbitrary<Run> = fc
  .record({
    tokens: fc.array(fc.nat(47), { minLength: 1, maxLength: 50 }),
    slots: fc.oneof(fc.constant([]), fc.array(slot, { maxLength: 4 })),
    headFrom: fc.nat(49),
  })
  .map(({ tokens, slots, headFrom }) => ({
    tokens,
    options: { slots, positions: tokens.length },
    headFrom: Math.min(headFrom, tokens.length - 1),
  }))
/** How many tokens each session gives to each step; 0 is to sit out. */
const schedule = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 6, maxLength: 6 }), {
  minLength: 1,
  maxLength: 12,
})

/** What a session gives alone, token after token. */
function outcomeAlone(engine: Oracle | WasmEngine, { tokens, options, headFrom }: Run) {
  const units = new Map<string, string>()
  const session = engine.start(options)
  const logits = session.append(tokens, recordUnits(units), headFrom)
  session.close()
  return { logits, units }
}

/** All runs together, as the schedule mixes them; what it leaves over goes in one last step. */
function outcomesTogether(engine: WasmEngine, runs: readonly Run[], plan: readonly (readonly number[])[]) {
  const states = runs.map(({ tokens, options, headFrom }) => ({
    session: engine.start(options) as Session,
    units: new Map<string, string>(),
    tokens,
    headFrom,
    logits: new Int32Array(0) as Int32Array,
  }))
  for (const counts of [...plan, runs.map(() => 50)]) {
    const active = states.flatMap((state, i) => {
      const tokens = state.tokens.slice(state.session.length, state.session.length + (counts[i] ?? 0))
      return tokens.length === 0 ? [] : [{ state, tokens }]
    })
    const outcomes = engine.step(
      active.map(({ state, tokens }) => ({
        session: state.session,
        tokens,
        trace: recordUnits(state.units),
        headFrom: Math.min(Math.max(0, state.headFrom - state.session.length), tokens.length),
      })),
    )
    for (const [i, { state }] of active.entries()) state.logits = outcomes[i] ?? state.logits
  }
  for (const { session } of states) session.close()
  return states.map(({ logits, units }) => ({ logits, units }))
}

function expectSame(actual: ReturnType<typeof outcomeAlone>, expected: ReturnType<typeof outcomeAlone>): void {
  expect(actual.logits).toEqual(expected.logits)
  const wrong = [...expected.units].filter(([name, bytes]) => actual.units.get(name) !== bytes).map(([name]) => name)
  expect(wrong.slice(0, 3)).toEqual([])
  expect(actual.units.size).toBe(expected.units.size)
}

describe('sessions together', () => {
  test.each([
    ['one thread', alone],
    ['two threads', threaded],
  ])(
    'in any mix of prompts, answers and adapters each has the logits and the trace that it has alone, on %s',
    async (_, engine) => {
      if (engine === threaded) await expect.poll(() => threaded.threads, { timeout: 25_000 }).toBe(2)
      fc.assert(
        fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), schedule, (runs, plan) => {
          const outcomes = outcomesTogether(engine, runs, plan)
          for (const [i, one] of runs.entries()) {
            const outcome = outcomes[i]
            if (outcome === undefined) throw new Error('a session was lost')
            expectSame(outcome, outcomeAlone(alone, one))
          }
          expect(engine.sessionBytes).toBe(0)
        }),
        { numRuns: Number(process.env['OPENLEDGER_FUZZ'] ?? 25) },
      )
    },
    60_000,
  )

  test('what the engine gives alone is what the oracle gives, past tiles and batches', () => {
    const one: Run = {
      tokens: Array.from({ length: 140 }, (_, i) => (i * 11) % 48),
      options: { slots: [{ adapter: adapters[1] ?? randomAdapter(1, smallConfig), weight: 30_000 }] },
      headFrom: 139,
    }
    expectSame(outcomeAlone(alone, one), outcomeAlone(oracle, one))
  }, 60_000)
})

describe('memory of sessions', () => {
  const layout = new PageLayout(smallConfig)

  test('is bounded; what a session that was closed amid its work held serves the next', () => {
    const page = layout.bytes + 16
    const engine = new WasmEngine(model, { sessionBytesMax: 3 * page })
    const sessions = [1, 2, 3].map(() => engine.start({ positions: layout.positions }))
    expect(() => engine.start({ positions: 1 })).toThrow(InferenceError)
    for (const session of sessions) session.append([1, 2, 3])
    sessions[1]?.close()
    const next = engine.start({ positions: layout.positions })
    expect(next.append([4, 5])).toEqual(oracle.start().append([4, 5]))
    expect(sessions[0]?.append([6])).toEqual(oracle.start().append([1, 2, 3, 6]))
    for (const session of [...sessions, next]) session.close()
    expect(engine.sessionBytes).toBe(0)
    // Pages of one position each fit as well as pages of three that are one space again.
    expect(() => engine.start({ positions: smallConfig.context })).not.toThrow()
  })

  test('a refused session holds nothing, neither pages nor adapters', () => {
    const engine = new WasmEngine(model, { sessionBytesMax: layout.bytes })
    const slots = [{ adapter: adapters[0] ?? randomAdapter(1, smallConfig), weight: 1 }]
    expect(() => engine.start({ slots, positions: smallConfig.context })).toThrow(
      expect.objectContaining({ code: 'memory' }),
    )
    expect(engine.sessionBytes).toBe(0)
  })

  test('an adapter is held once for all its sessions, until the last of them closes', () => {
    const engine = new WasmEngine(model)
    const slots = [{ adapter: adapters[1] ?? randomAdapter(1, smallConfig), weight: 1 }]
    const first = engine.start({ slots, positions: 1 })
    const one = engine.sessionBytes
    const second = engine.start({ slots, positions: 1 })
    expect(engine.sessionBytes - one).toBeLessThan(one)
    first.close()
    first.close()
    expect(second.append([1])).toEqual(oracle.start({ slots }).append([1]))
    second.close()
    expect(engine.sessionBytes).toBe(0)
  })

  test('a session takes no more positions than it asked for, and none of a step moves where one is refused', () => {
    const [first, second] = [alone.start({ positions: 2 }), alone.start()]
    const steps = [
      { session: second, tokens: [1] },
      { session: first, tokens: [1, 2, 3] },
    ]
    expect(() => alone.step(steps)).toThrow(expect.objectContaining({ code: 'context' }))
    expect([first.length, second.length]).toEqual([0, 0])
    expect(() => alone.step([steps[0], steps[0]] as typeof steps)).toThrow('twice')
    expect(() => alone.step([{ session: oracle.start(), tokens: [1] }])).toThrow('another engine')
    for (const session of [first, second]) session.close()
  })

  test('a trace that throws leaves every session where it was', () => {
    for (const engine of [alone, threaded]) {
      const [first, second] = [engine.start(), engine.start()]
      const units = new Map<string, string>()
      let count = 0
      const failing = () => {
        if (++count === 30) throw new Error('full')
      }
      expect(() =>
        engine.step([
          { session: first, tokens: [1, 2] },
          { session: second, tokens: [3], trace: failing },
        ]),
      ).toThrow('full')
      expect([first.length, second.length]).toEqual([0, 0])
      expect(second.append([3], recordUnits(units))).toEqual(oracle.start().append([3]))
      for (const session of [first, second]) session.close()
    }
  })

  test('pages that do not fit are all given back', () => {
    const engine = new WasmEngine(model, { sessionBytesMax: layout.bytes })
    expect(() => engine.start()).toThrow(InferenceError)
    expect(() => engine.start({ positions: 0 })).toThrow(InferenceError)
    expect(engine.sessionBytes).toBe(0)
  })
})
