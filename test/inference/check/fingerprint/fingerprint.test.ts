import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { AnswerRequest } from '../../../../inference/answer/generate.ts'
import { checkFloatRule, generateFloat, sampleFloat } from '../../../../inference/answer/generate-float.ts'
import { checkFingerprint, type FloatAnswer } from '../../../../inference/check/fingerprint/check-fingerprint.ts'
import {
  decodeFingerprint,
  encodeFingerprint,
  type Fingerprint,
  FingerprintMaker,
  fingerprintRoot,
  pointCount,
} from '../../../../inference/check/fingerprint/fingerprint.ts'
import { couldBeDrawn } from '../../../../inference/check/fingerprint/replay.ts'
import { adaptedModel, floatOf } from '../../../../inference/float/dequantise.ts'
import { type FloatEngine, fingerprintKinds, referenceEngine } from '../../../../inference/float/float-engine.ts'
import type { FloatModel } from '../../../../inference/float/float-model.ts'
import type { ModelConfig } from '../../../../inference/model-config.ts'
import { decodeModel } from '../../../../inference/model-file.ts'
import { baseModelFile } from '../../../../inference/models/base-model.ts'
import { type ModelTokenizer, readTokenizer } from '../../../../inference/tokenizer/model-tokenizer.ts'
import { bf16Bits, commitToploc, compareToploc, toplocPoints } from '../../../../protocol/toploc.ts'
import { moved, requantised, roundedEngine, roundings, shortened } from '../../../../scripts/fingerprints/engines.ts'
import { randomAdapter } from '../../../fakes/random-adapter.ts'

const never = new AbortController().signal
const rule = { tempQ16: 52_429, topK: 40, topPQ16: 62_259 }

let model: FloatModel
let config: ModelConfig
let text: ModelTokenizer
let reference: FloatEngine
let input: number[]
beforeAll(() => {
  const canonical = decodeModel(readFileSync(baseModelFile))
  model = floatOf(canonical)
  config = canonical.config
  text = readTokenizer(canonical.tokenizer)
  reference = referenceEngine(model)
  input = [0, ...text.encode('What is a contract on a chain? It is')]
})

type Answered = { readonly answer: FloatAnswer; readonly fingerprint: Fingerprint; readonly file: Uint8Array }

async function answered(engine: FloatEngine, changes: Partial<AnswerRequest> = {}): Promise<Answered> {
  const request = { input, rule, seed: new Uint8Array(32).fill(7), maxTokens: 40, stops: [], ...changes }
  const output: number[] = []
  let fingerprint: Fingerprint | undefined
  for await (const step of generateFloat(engine, text, request, never)) {
    output.push(step.token)
    fingerprint = step.fingerprint
  }
  if (fingerprint === undefined) throw new Error('an answer without a fingerprint')
  const answer = { ...request, output, cancelled: false, traceRoot: fingerprintRoot(fingerprint) }
  return { answer, fingerprint, file: encodeFingerprint(fingerprint) }
}

const check = ({ answer, file }: Answered, engine = reference) =>
  checkFingerprint(engine, text, answer, file, { signal: never })

describe('an honest answer', () => {
  test.each(['single', 'half', 'bfloat'] as const)(
    'of an engine that keeps its stream as %s is right',
    async (name) => {
      expect(await check(await answered(roundedEngine(model, roundings[name])))).toMatchObject({ ok: true })
    },
  )

  test('greedy, and by logits alone, is right', async () => {
    const byLogits = referenceEngine(model, fingerprintKinds.logits)
    expect(await check(await answered(byLogits, { rule: { ...rule, tempQ16: 0 } }), byLogits)).toMatchObject({
      ok: true,
    })
  })

  test('that the payer cut is right as far as it goes', async () => {
    const whole = await answered(reference)
    const output = whole.answer.output.slice(0, 5)
    expect(await check({ ...whole, answer: { ...whole.answer, output } })).toMatchObject({ ok: false })
  })
})

describe('an answer with an adapter', () => {
  const slot = (seed: number, weight = 40_000) => ({
    adapter: randomAdapter(seed, config, 8, ['query', 'value', 'down'], 0.2),
    weight,
  })
  const adapted = (...slots: ReturnType<typeof slot>[]) => adaptedModel(model, config, slots)

  test('is right by the same thresholds where the stream is kept in 8 bits of mantissa', async () => {
    const own = adapted(slot(4))
    const verdict = await check(await answered(roundedEngine(own, roundings.bfloat)), referenceEngine(own))
    expect(verdict).toMatchObject({ ok: true })
  })

  test.each([
    ['leaves it out', 'state', () => adapted()],
    ['leaves it out', 'logits', () => adapted()],
    ['takes another one', 'logits', () => adapted(slot(5))],
    ['takes it by half its weight', 'state', () => adapted(slot(4, 20_000))],
    ['takes another one beside it', 'state', () => adapted(slot(4), slot(5))],
  ] as const)('a worker that %s is found by its %s', async (_, name, served) => {
    const kind = fingerprintKinds[name]
    const answer = await answered(referenceEngine(served(), kind))
    expect(await check(answer, referenceEngine(adapted(slot(4)), kind))).toMatchObject({ ok: false })
  })

  test('that its request does not name is found', async () => {
    expect(await check(await answered(referenceEngine(adapted(slot(4)))))).toMatchObject({ ok: false })
  })
})

describe('found wrong', () => {
  test.each([
    ['weights of 4 bits', () => referenceEngine(requantised(model, 4))],
    ['a layer left out', () => referenceEngine(shortened(model))],
    ['weights moved by a tenth', () => referenceEngine(moved(model, 0.1))],
  ])('%s instead of the model', async (_, engine) => {
    expect(await check(await answered(engine()))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/agree|error/),
    })
  })

  test('another model’s tokens with the right model’s fingerprint: the sampler finds it', async () => {
    const other = await answered(referenceEngine(shortened(model)))
    const session = await reference.start()
    const steps = await session.append([...input, ...other.answer.output.slice(0, -1)], input.length - 1, never)
    const maker = new FingerprintMaker(fingerprintKinds.state)
    for (const step of steps) maker.add(step)
    const made = maker.finish()
    const laundered = { ...other.answer, traceRoot: fingerprintRoot(made) }
    const verdict = await check({ answer: laundered, fingerprint: made, file: encodeFingerprint(made) })
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining('draws') })
  })

  test('a token swapped after it was drawn', async () => {
    const whole = await answered(reference)
    const output = whole.answer.output.with(3, ((whole.answer.output[3] ?? 0) + 900) % 4_000)
    const verdict = await check({ ...whole, answer: { ...whole.answer, output } })
    expect(verdict).toMatchObject({ ok: false })
  })

  test('the fingerprint of another answer, and one that is not committed to', async () => {
    const [one, two] = [await answered(reference), await answered(reference, { seed: new Uint8Array(32).fill(9) })]
    expect(await check({ ...one, file: two.file })).toMatchObject({ ok: false })
    const reused = { ...one.answer, output: one.answer.output, traceRoot: two.answer.traceRoot }
    if (two.answer.output.length !== one.answer.output.length) return
    expect(await check({ ...two, answer: reused })).toMatchObject({ ok: false })
  })

  test('an answer that ends early, or goes on behind its end', async () => {
    const whole = await answered(reference, { maxTokens: 12 })
    expect(await check({ ...whole, answer: { ...whole.answer, maxTokens: 60 } })).toMatchObject({
      ok: false,
      reason: 'ends where nothing ends it',
    })
    expect(await check({ ...whole, answer: { ...whole.answer, maxTokens: 6 } })).toMatchObject({
      ok: false,
      position: 6,
    })
  })

  test('bytes that are no fingerprint of so many positions', async () => {
    const whole = await answered(reference)
    for (const file of [
      whole.file.slice(0, -1),
      new Uint8Array([...whole.file, 0]),
      new Uint8Array(3),
      whole.file.with(8, 9),
    ]) {
      expect(await check({ ...whole, file })).toMatchObject({ ok: false, position: 0 })
    }
  })
})

test('a file says what was encoded, and its root changes with every byte of a block', async () => {
  const { fingerprint, file, answer } = await answered(reference)
  const read = decodeFingerprint(file, answer.output.length)
  expect(read).toEqual(fingerprint)
  for (const at of [17, 21, 40, file.length - 1]) {
    const changed = decodeFingerprint(file.with(at, (file[at] ?? 0) ^ 1), answer.output.length)
    expect(fingerprintRoot(changed)).not.toBe(answer.traceRoot)
  }
  expect(pointCount(fingerprintKinds.state, 2, 3)).toBe(6)
})

test('a commitment gives its points back, whatever their indices', () => {
  const points = fc.uniqueArray(fc.record({ index: fc.nat(2 ** 24), bits: fc.nat(65_000) }), {
    minLength: 1,
    maxLength: 128,
    selector: ({ index }) => index,
  })
  fc.assert(
    fc.property(points, (list) => {
      const { modulus, coeffs } = commitToploc(list)
      const distance = compareToploc(modulus, coeffs, toplocPoints(list))
      expect(distance).toEqual({ expHits: list.length, meanMilli: 0, medianMilli: 0 })
    }),
    { numRuns: 40 },
  )
})

test('bf16 is the nearest, ties to even', () => {
  expect([1, -2, 0, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1e-40].map(bf16Bits)).toEqual([0x3f80, 0xc000, 0, 0x3f80, 0x3f82, 1])
})

test('no token drawn from logits within ε is refused, and most others are', () => {
  const seed = new Uint8Array(32).fill(3)
  let [others, refused] = [0, 0]
  fc.assert(
    fc.property(
      fc.array(
        fc.integer({ min: -6_000, max: 6_000 }).map((milli) => milli / 1_000),
        { minLength: 20, maxLength: 60 },
      ),
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 60, maxLength: 60 }),
      fc.record({
        tempQ16: fc.constantFrom(0, 20_000, 65_536, 100_000),
        topK: fc.constantFrom(0, 1, 5, 40),
        topPQ16: fc.constantFrom(65_536, 60_000, 30_000),
      }),
      fc.nat(500),
      (list, noise, sampling, position) => {
        const logits = Float64Array.from(list)
        const epsilon = 0.05
        const off = logits.map((logit, i) => logit + (epsilon - 2 ** -15) * (noise[i] ?? 0))
        const token = sampleFloat(off, sampling, seed, position)
        expect(couldBeDrawn(logits, sampling, { seed, position, token }, epsilon)).toBe(true)
        for (let other = 0; other < logits.length; other++) {
          if (other === token) continue
          others++
          if (!couldBeDrawn(logits, sampling, { seed, position, token: other }, epsilon)) refused++
        }
      },
    ),
    { numRuns: 400 * Number(process.env['OPENLEDGER_FUZZ'] ?? 1) },
  )
  expect(refused / others).toBeGreaterThan(0.9)
})

test('an engine that knows 20 candidates takes no rule with more', () => {
  const few = { ...referenceEngine(model), candidatesMax: 20 }
  expect(() => checkFloatRule(few, { ...rule, topK: 0 })).toThrow('20 candidates')
  expect(() => checkFloatRule(few, { ...rule, topK: 21 })).toThrow('20 candidates')
  checkFloatRule(few, { ...rule, topK: 20 })
  checkFloatRule(few, { ...rule, tempQ16: 0, topK: 0 })
})
