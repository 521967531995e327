import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnswerRequest, generate } from '../../../inference/answer/generate.ts'
import { stopList } from '../../../inference/answer/stops.ts'
import { choiceOf } from '../../../inference/choice.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { answerSeed, sample } from '../../../inference/sampler.ts'
import { TraceLayout } from '../../../inference/trace/layout.ts'
import { TraceRecorder } from '../../../inference/trace/recorder.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { testSeed, warm } from '../../fakes/traced-answer.ts'

const model = randomModel(11)
const parts = {
  engine: new WasmEngine(model),
  expTable: model.expTable,
  text: { decode: (tokens: readonly number[]) => Uint8Array.from(tokens, (token) => token + 60) },
}
const request: AnswerRequest = { input: [0, 5, 6], rule: warm, maxTokens: 12, stops: [], seed: testSeed }

async function outputOf(of: Partial<AnswerRequest>, engine: { readonly engine?: Oracle } = {}): Promise<number[]> {
  const tokens: number[] = []
  for await (const { token } of generate({ ...parts, ...engine }, { ...request, ...of })) tokens.push(token)
  return tokens
}

describe('generate', () => {
  test('each token is that which the sampler takes from the logits of all before it', async () => {
    const output = await outputOf({})
    for (const [j, token] of output.entries()) {
      const logits = new Oracle(model).start().append([...request.input, ...output.slice(0, j)])
      expect(token).toBe(sample(logits, warm, testSeed, request.input.length + j, model.expTable))
    }
    expect(output.length).toBe(12)
  })

  test('the seed decides, and it is that of request and worker', async () => {
    const seed = (id: string) => answerSeed(`0x${id.repeat(64)}`, `0x${'ab'.repeat(20)}`)
    expect(await outputOf({ seed: seed('1') })).toEqual(await outputOf({ seed: seed('1') }))
    expect(await outputOf({ seed: seed('1') })).not.toEqual(await outputOf({ seed: seed('2') }))
  })

  test('engines, and long inputs in batches, give one answer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(47), { minLength: 1, maxLength: 70 }), async (input) => {
        const greedy = { input, rule: { ...warm, tempQ16: 0 }, maxTokens: 3 }
        expect(await outputOf(greedy)).toEqual(await outputOf(greedy, { engine: new Oracle(model) }))
      }),
      { numRuns: 3 },
    )
  })

  test('an answer ends with a stop string over two tokens, and says so', async () => {
    const whole = await outputOf({})
    const stops = stopList([Uint8Array.from(whole.slice(3, 5), (token) => token + 60)])
    const steps = []
    for await (const step of generate(parts, { ...request, stops })) steps.push(step)
    expect(steps.at(-1)).toEqual({ token: whole[4], end: 'stop' })
    expect(steps.slice(0, -1).every(({ end }) => end === undefined)).toBe(true)
  })

  test('an aborted answer stops with the reason, and its session is given back', async () => {
    const abort = new AbortController()
    const tokens: number[] = []
    const run = async () => {
      for await (const { token } of generate(parts, request, { signal: abort.signal })) {
        tokens.push(token)
        if (tokens.length === 3) abort.abort(new Error('the payer left'))
      }
    }
    await expect(run()).rejects.toThrow('the payer left')
    expect(tokens).toEqual((await outputOf({})).slice(0, 3))
  })

  test('what the model cannot take is refused before anything is run', async () => {
    await expect(outputOf({ input: [] })).rejects.toMatchObject({ code: 'token' })
    await expect(outputOf({ input: [48] })).rejects.toMatchObject({ code: 'token' })
    await expect(outputOf({ input: Array(161).fill(1) })).rejects.toMatchObject({ code: 'context' })
    await expect(outputOf({ input: Array(160).fill(1) })).rejects.toMatchObject({ code: 'context' })
    await expect(outputOf({ maxTokens: 0 })).rejects.toMatchObject({ code: 'sampling' })
    const started = { config: model.config, start: () => expect.unreachable(), step: () => expect.unreachable() }
    const first = generate({ ...parts, engine: started }, { ...request, rule: { ...warm, topPQ16: 0 } }).next()
    await expect(first).rejects.toMatchObject({ code: 'sampling' })
  })

  test('an answer fills the context and no more', async () => {
    const input = Array(157).fill(3)
    expect((await outputOf({ input })).length).toBeLessThanOrEqual(3)
  })

  test('a recorder sees the answer and gives its tokens', async () => {
    const recorder = new TraceRecorder(new TraceLayout(model.config), {
      tin: 3,
      width: 3,
      choose: (logits, position) => choiceOf(logits, warm, testSeed, position + 1, model.expTable),
    })
    const tokens: number[] = []
    for await (const { token } of generate(parts, request, { recorder })) tokens.push(token)
    expect(tokens).toEqual(await outputOf({}))
    expect(recorder.finish().head.positions).toBe(3 + tokens.length - 1)
  })
})
