import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnswerRequest, generate } from '../../../inference/answer/generate.ts'
import { StepGatherer } from '../../../inference/answer/step-gatherer.ts'
import { choiceOf } from '../../../inference/choice.ts'
import { traceRootOf } from '../../../inference/trace/head.ts'
import { adapterShapes, TraceLayout } from '../../../inference/trace/layout.ts'
import { TraceRecorder } from '../../../inference/trace/recorder.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { testSeed, warm } from '../../fakes/traced-answer.ts'

const model = randomModel(11)
const engine = new WasmEngine(model)
const text = { decode: (tokens: readonly number[]) => Uint8Array.from(tokens, (token) => token + 60) }
const parts = { engine, expTable: model.expTable, text }
const runs = Number(process.env['OPENLEDGER_FUZZ'] ?? 1) * 8

type Outcome = { readonly output: readonly number[]; readonly traceRoot: string }

/** An answer with the root of its trace; `joinAfter` turns of the event loop later than the others. */
async function answer(request: AnswerRequest, gatherer?: StepGatherer, joinAfter = 0): Promise<Outcome> {
  for (let i = 0; i < joinAfter; i++) await new Promise((next) => setImmediate(next))
  const { input, rule, seed } = request
  const recorder = new TraceRecorder(new TraceLayout(model.config, adapterShapes([])), {
    ...{ tin: input.length, width: 3, onRecord: () => {} },
    choose: (logits, position) => choiceOf(logits, rule, seed, position + 1, model.expTable),
  })
  const output: number[] = []
  const options = { recorder, ...(gatherer && { run: gatherer.run }) }
  for await (const { token } of generate(parts, request, options)) output.push(token)
  return { output, traceRoot: bytesToHex(traceRootOf(recorder.finish().head)) }
}

const request = fc
  .record({
    input: fc.array(fc.nat(47), { minLength: 1, maxLength: 70 }),
    maxTokens: fc.integer({ min: 1, max: 12 }),
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    tempQ16: fc.constantFrom(0, 65_536),
  })
  .map(({ tempQ16, ...each }): AnswerRequest => ({ ...each, rule: { ...warm, tempQ16 }, stops: [] }))

describe('answers that are made together', () => {
  test('have the tokens and traces that each has alone, whoever comes and when, however many positions a pass has', async () => {
    const joining = fc.array(fc.record({ request, joinAfter: fc.nat(12) }), { minLength: 2, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(joining, fc.constantFrom(1, 7, 64), async (all, positionsMax) => {
        const gatherer = new StepGatherer(engine, positionsMax)
        const together = await Promise.all(all.map((each) => answer(each.request, gatherer, each.joinAfter)))
        for (const [i, each] of all.entries()) expect(together[i]).toEqual(await answer(each.request))
      }),
      { numRuns: runs },
    )
  })

  const fixed = (input: readonly number[], maxTokens: number): AnswerRequest => ({
    ...{ input, maxTokens, stops: [], seed: testSeed, rule: { ...warm, tempQ16: 0 } },
  })

  test('share their passes', async () => {
    const gatherer = new StepGatherer(engine)
    await Promise.all([1, 2, 3, 4].map((token) => answer(fixed([token], 10), gatherer)))
    expect(gatherer.counts.steps).toBe(40)
    expect(gatherer.counts.passes).toBeLessThanOrEqual(12)
  })

  test('one that the engine refuses fails alone', async () => {
    const gatherer = new StepGatherer(engine)
    const session = engine.start({ positions: 2 })
    const refused = gatherer.run({ session, tokens: [1, 2, 3] })
    const other = answer(fixed([5, 6], 4), gatherer)
    await expect(refused).rejects.toThrow()
    expect(await other).toEqual(await answer(fixed([5, 6], 4)))
    session.close()
  })

  test('a long input does not keep another answer from its steps', async () => {
    const gatherer = new StepGatherer(engine, 32)
    const ended: string[] = []
    await Promise.all([
      answer(fixed(Array(90).fill(3), 6), gatherer).then(() => ended.push('long')),
      answer(fixed([4], 5), gatherer, 2).then(() => ended.push('short')),
    ])
    expect(ended).toEqual(['short', 'long'])
  })
})
