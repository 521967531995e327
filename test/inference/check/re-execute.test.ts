import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AnswerRequest, generate } from '../../../inference/answer/generate.ts'
import { stopList } from '../../../inference/answer/stops.ts'
import { type ReceivedAnswer, reExecute } from '../../../inference/check/re-execute.ts'
import type { Session } from '../../../inference/engine.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { traceRootOf } from '../../../inference/trace/head.ts'
import { TraceLayout } from '../../../inference/trace/layout.ts'
import type { Unit } from '../../../inference/trace.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { type TracedOptions, testSeed, tracedAnswer, warm } from '../../fakes/traced-answer.ts'

const model = randomModel(5)
const text = { decode: (tokens: readonly number[]) => Uint8Array.from(tokens, (token) => token + 60) }
const parts = { engine: new WasmEngine(model), expTable: model.expTable, text }
const request: AnswerRequest = { input: [0, 7, 3, 20], rule: warm, maxTokens: 6, stops: [], seed: testSeed }

async function outputOf(of: CanonicalModel, asked: AnswerRequest = request): Promise<number[]> {
  const tokens: number[] = []
  for await (const { token } of generate({ ...parts, engine: new WasmEngine(of) }, asked)) tokens.push(token)
  return tokens
}

const honest = await outputOf(model)

/** The receipt of a worker that ran this model, or said so, on the tokens. */
function received(
  output: readonly number[],
  by: CanonicalModel = model,
  how: Partial<TracedOptions> = {},
): ReceivedAnswer {
  const { input } = request
  const { head, store } = tracedAnswer(by, [...input, ...output.slice(0, -1)], { tin: input.length, ...how })
  return {
    ...request,
    slots: [],
    output,
    promptRoot: tokenListRoot(input),
    outputRoot: tokenListRoot(output),
    traceRoot: bytesToHex(traceRootOf(head)),
    cancelled: false,
    head,
    records: store.get,
  }
}

function withoutRecords({ head, records, ...rest }: ReceivedAnswer): ReceivedAnswer {
  return rest
}

describe('re-execution', () => {
  test.each([3, 4] as const)('an honest answer is right, its head known or not, at width %i', async (width) => {
    const answer = received(honest, model, { width })
    expect(await reExecute(parts, answer)).toEqual({ ok: true })
    expect(await reExecute(parts, withoutRecords(answer))).toEqual({ ok: true })
  })

  test('one wrong number of any unit is named to the row', async () => {
    const units = [...tracedAnswer(model, [...request.input, ...honest.slice(0, -1)], { tin: 4 }).units.entries()]
    const committed = units.filter(([name]) => !/^(attentionNorm|ffnNorm|finalNorm|logits) /.test(name))
    const layout = new TraceLayout(model.config)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...committed), fc.nat(), async ([name, values], pick) => {
        const row = pick % values.length
        const [op, layer, position, part] = name.split(' ')
        const isNamed = (unit: Unit) => name === `${unit.op} ${unit.layer} ${unit.position} ${unit.part}`
        const tamper = (unit: Unit, list: ArrayLike<number>) => {
          if (isNamed(unit)) (list as number[])[row] = (list[row] ?? 0) === 0 ? 1 : 0
        }
        const isOutside = op === 'embedding' || op?.startsWith('head')
        const slab = op === 'embedding' ? 0 : isOutside ? layout.config.layers + 1 : Number(layer) + 1
        expect(await reExecute(parts, received(honest, model, { tamper }))).toMatchObject({
          ok: false,
          kind: 'unit',
          slab,
          op,
          position: Number(position),
          part: Number(part),
          row,
        })
      }),
      { numRuns: 25 },
    )
  })

  test('a model with one changed weight is caught where that weight first counts', async () => {
    const down = model.layers[1]?.down
    if (down === undefined) throw new Error('no layer 1')
    const weights = down.weights.slice()
    weights[5 * down.columns + 9] = (weights[5 * down.columns + 9] ?? 0) === 0 ? 50 : 0
    const layers = model.layers.map((layer, i) => (i === 1 ? { ...layer, down: { ...down, weights } } : layer))
    const other = { ...model, layers }
    const answer = received(await outputOf(other), other)
    const verdict = await reExecute(parts, answer)
    expect(verdict).toMatchObject({ ok: false, kind: 'unit', slab: 2, op: 'down', row: 5 })
    expect(await reExecute(parts, withoutRecords(answer))).toMatchObject({ ok: false })
  })

  test('another model is caught by tokens or root alone', async () => {
    for (const seed of [6, 7, 8]) {
      const other = randomModel(seed)
      const answer = withoutRecords(received(await outputOf(other), other))
      expect(await reExecute(parts, answer)).toMatchObject({ ok: false })
    }
  })

  test('a token swapped after sampling is named, whatever follows it', async () => {
    for (const at of [0, 2, honest.length - 1]) {
      const swapped = honest.map((token, i) => (i === at ? (token === 9 ? 10 : 9) : token))
      const verdict = await reExecute(parts, received(swapped))
      expect(verdict).toMatchObject({ ok: false, kind: 'answer', position: request.input.length + at })
    }
  })

  test('an answer of another seed is not one', async () => {
    const seed = Uint8Array.from(testSeed, (byte) => byte ^ 1)
    const output = await outputOf(model, { ...request, seed })
    expect(await reExecute(parts, received(output))).toMatchObject({ ok: false, kind: 'answer' })
  })

  test('stopping early and running on are named, and a cut stream may stop', async () => {
    const short = received(honest.slice(0, -1))
    expect(await reExecute(parts, short)).toMatchObject({ ok: false, kind: 'answer', position: 4 + honest.length - 2 })
    expect(await reExecute(parts, { ...short, cancelled: true })).toEqual({ ok: true })
    const stops = stopList([text.decode(honest.slice(1, 3))])
    const end = { ok: false, kind: 'answer', position: 4 + 2, reason: 'the answer goes on after its end' }
    expect(await reExecute(parts, { ...received(honest), stops })).toEqual(end)
    expect(await reExecute(parts, { ...received(honest.slice(0, 3)), stops })).toEqual({ ok: true })
  })

  test('tokens that are not those of request and receipt are refused before anything is run', async () => {
    const engine = { config: model.config, start: () => expect.unreachable(), step: () => [] }
    const answer = received(honest)
    const check = (change: Partial<ReceivedAnswer>) => reExecute({ ...parts, engine }, { ...answer, ...change })
    expect(await check({ promptRoot: tokenListRoot([1]) })).toMatchObject({ kind: 'answer', position: 0 })
    expect(await check({ outputRoot: tokenListRoot([1]) })).toMatchObject({ kind: 'answer', position: 4 })
    const foreign = [...honest.slice(0, -1), 48]
    expect(await check({ output: foreign, outputRoot: tokenListRoot(foreign) })).toMatchObject({ kind: 'answer' })
    expect(await check({ traceRoot: `0x${'11'.repeat(32)}` })).toMatchObject({ ok: false })
  })

  test('a right answer under another root is told from a wrong one', async () => {
    const answer = { ...withoutRecords(received(honest)), traceRoot: `0x${'11'.repeat(32)}` } as const
    expect(await reExecute(parts, answer)).toMatchObject({ ok: false, kind: 'root' })
  })

  test('a width that does not hold an accumulator is named', async () => {
    const config = { ...model.config }
    const start = () => {
      const session = parts.engine.start()
      const append: Session['append'] = (tokens, trace, headFrom) =>
        session.append(
          tokens,
          (unit, values) => {
            const isIt = unit.op === 'up' && unit.layer === 1 && unit.position === 3
            trace?.(unit, isIt ? Int32Array.from(values, (value, i) => (i === 2 ? 2 ** 23 : value)) : values)
          },
          headFrom,
        )
      return { length: 0, append, close: () => session.close() }
    }
    const verdict = await reExecute({ ...parts, engine: { config, start, step: () => [] } }, received(honest))
    expect(verdict).toMatchObject({
      kind: 'unit',
      slab: 2,
      op: 'up',
      position: 3,
      row: 2,
      reason: expect.stringContaining('fit'),
    })
  })

  test('a check can be ended', async () => {
    const signal = AbortSignal.abort(new Error('stopping'))
    await expect(reExecute(parts, received(honest), signal)).rejects.toThrow('stopping')
  })
})
