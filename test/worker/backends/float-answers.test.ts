import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { floatChoice } from '../../../cli/worker/run.ts'
import { adapterRoot, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { generateFloat } from '../../../inference/answer/generate-float.ts'
import { stopHash } from '../../../inference/answer/stops.ts'
import { checkFingerprint } from '../../../inference/check/fingerprint/check-fingerprint.ts'
import {
  encodeFingerprint,
  type Fingerprint,
  fingerprintRoot,
} from '../../../inference/check/fingerprint/fingerprint.ts'
import { adaptedModel, floatOf } from '../../../inference/float/dequantise.ts'
import { fingerprintKinds, referenceEngine } from '../../../inference/float/float-engine.ts'
import { decodeModel, modelRoot } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import type { AnswerTask } from '../../../worker/backends/backend.ts'
import type { FloatChoice } from '../../../worker/backends/float-choice.ts'
import { InferenceJobs } from '../../../worker/backends/inference-jobs.ts'
import { InferenceThread } from '../../../worker/backends/inference-thread.ts'
import { llamaEngine } from '../../../worker/backends/llama-engine.ts'
import { openAiEngine } from '../../../worker/backends/openai-engine.ts'
import type { Files, FromThread, ToThread } from '../../../worker/backends/thread-messages.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'

const model = decodeModel(readFileSync(baseModelFile))
const text = readTokenizer(model.tokenizer)
const files = { model: baseModelFile, adapters: [] }
const rule = { tempQ16: 52_429, topK: 40, topPQ16: 62_259 }
const seed = new Uint8Array(32).fill(5)
const task: AnswerTask = {
  ...{ modelRoot: modelRoot(model), adapters: [], stops: [], seed, traced: false, sampled: false },
  prompt: Uint32Array.from([0, ...text.encode('Who are you?')]),
  sampling: { ...rule, maxTokens: 24, stopHash: zeroHash },
  fingerprinted: true,
}
const { config } = referenceEngine(floatOf(model))
const folder = mkdtempSync(join(tmpdir(), 'openledger-floats-'))
afterAll(() => rmSync(folder, { recursive: true }))

const adapter = { ...randomAdapter(4, model.config, 8, ['query', 'key', 'value', 'down'], 0.2), base: task.modelRoot }
const adapterFile = join(folder, 'one.ola')
writeFileSync(adapterFile, encodeAdapter(adapter))
const named = (weight: number) => [{ root: adapterRoot(adapter), weight }]
const adaptedBy = (weight: number) => adaptedModel(floatOf(model), model.config, [{ adapter, weight }])

/** A worker's thread, which may be asked for several answers at once. */
function openJobs() {
  const heard = new Map<number, { readonly said: FromThread[]; readonly resolve: (said: FromThread[]) => void }>()
  const jobs = new InferenceJobs((message) => {
    const asker = heard.get(message.id)
    asker?.said.push(message)
    if (message.kind === 'end' || message.kind === 'failed') asker?.resolve(asker.said)
  })
  return (asked: AnswerTask, where: Files) =>
    new Promise<readonly FromThread[]>((resolve) => {
      const id = heard.size
      heard.set(id, { said: [], resolve })
      jobs.take({ kind: 'answer', id, task: asked, files: where })
    })
}

/** What a worker says when it answers with the adapter, and what a checker with or without it finds. */
async function answeredWith(
  weight: number,
  float: FloatChoice,
  given: Partial<typeof rule> = {},
  answer: ReturnType<typeof openJobs> = openJobs(),
) {
  const asked = { ...rule, ...given }
  const sampling = { ...task.sampling, ...asked }
  const own = { ...task, adapters: named(weight), sampling }
  const said = await answer(own, { ...files, adapters: [adapterFile], float })
  const end = said.at(-1)
  if (end?.kind === 'failed') return end
  if (end?.kind !== 'end' || end.proof === undefined) throw new Error(JSON.stringify(end))
  const { traceRoot, proof } = end
  const output = said.flatMap((message) => (message.kind === 'tokens' ? [...message.tokens] : []))
  const about = { input: [...task.prompt], output, rule: asked, maxTokens: 24, seed, stops: [], cancelled: false }
  const kind = float.kind === 'reference' ? fingerprintKinds.state : fingerprintKinds.logits
  const { signal } = new AbortController()
  const judged = (by: typeof adaptedBy extends (...args: never) => infer Model ? Model : never) =>
    checkFingerprint(referenceEngine(by, kind), text, { ...about, traceRoot }, proof, { signal })
  return { right: await judged(adaptedBy(weight)), without: await judged(floatOf(model)) }
}

/** What the thread says until it ends. */
function done(ask: (jobs: InferenceJobs) => void): Promise<readonly FromThread[]> {
  return new Promise((resolve) => {
    const said: FromThread[] = []
    const jobs = new InferenceJobs((message) => {
      said.push(message)
      if (message.kind === 'end' || message.kind === 'failed') resolve(said)
    })
    ask(jobs)
  })
}

test('a worker answers class FINGERPRINT by floats, with a fingerprint that a checker finds right; cut answers too', async () => {
  const said = await done((jobs) => jobs.take({ kind: 'answer', id: 1, task, files }))
  const end = said.at(-1)
  if (end?.kind !== 'end' || end.proof === undefined) throw new Error(JSON.stringify(end))
  const output = said.flatMap((message) => (message.kind === 'tokens' ? [...message.tokens] : []))
  const about = { input: [...task.prompt], rule, maxTokens: 24, seed, stops: [], cancelled: false }
  const signal = new AbortController().signal
  const check = (tokens: readonly number[], traceRoot: typeof end.traceRoot, proof: Uint8Array, cancelled: boolean) =>
    checkFingerprint(referenceEngine(floatOf(model)), text, { ...about, output: tokens, traceRoot, cancelled }, proof, {
      signal,
    })
  expect(await check(output, end.traceRoot, end.proof, false)).toMatchObject({ ok: true })
  const cut = output.slice(0, 4)
  const again = await done((jobs) => jobs.take({ kind: 'trace', id: 2, task, files, output: cut } satisfies ToThread))
  const prefix = again.at(-1)
  if (prefix?.kind !== 'end' || prefix.proof === undefined) throw new Error(JSON.stringify(prefix))
  expect(await check(cut, prefix.traceRoot, prefix.proof, true)).toMatchObject({ ok: true })
  expect(await check(cut, prefix.traceRoot, prefix.proof, false)).toMatchObject({ ok: false })
})

test('llama.cpp that is not installed is told of by how to install it', async () => {
  const options = { file: 'no.gguf', prefix: '/nonexistent', config, threads: 1, sequences: 1 }
  await expect(llamaEngine(options)).rejects.toThrow('npx tsx scripts/get-llama.ts /nonexistent')
})

/** A server that gives the likeliest 20 tokens of our own engine, and runs the adapters that it has by their names. */
function server(
  spoil: (body: object) => Response | object = (body) => body,
  adapters: Readonly<Record<string, ReturnType<typeof floatOf>>> = {},
): typeof fetch {
  return async (url, init) => {
    if (String(url).endsWith('/models')) {
      return Response.json({ data: [null, { id: 'base' }, ...Object.keys(adapters).map((id) => ({ id }))] })
    }
    const { model: name, ...asked } = JSON.parse(String(init?.body)) as {
      model: string
      prompt: number[]
      echo?: boolean
      logprobs: number
    }
    const { prompt, logprobs } = asked
    // As vLLM answers without a tokenizer.
    if (asked.echo === true) return new Response('no tokenizer', { status: 400 })
    const session = await referenceEngine(adapters[name] ?? floatOf(model)).start()
    const [step] = await session.append(prompt, prompt.length - 1, new AbortController().signal)
    const logits = step?.logits ?? new Float64Array(0)
    const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0)).slice(0, logprobs)
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
    const top = Object.fromEntries(order.map((token) => [`token_id:${token}`, (logits[token] ?? 0) - total]))
    const answer = spoil({ choices: [{ logprobs: { top_logprobs: [top] } }] })
    return answer instanceof Response ? answer : Response.json(answer)
  }
}

const options = {
  ...{ url: 'http://server/v1', model: 'base', config },
  tokenOf: (name: string) => Number(name.replace('token_id:', '')),
}

test('an OpenAI-compatible server gives the logits of any positions, as far as it tells them', async () => {
  const signal = new AbortController().signal
  const ours = await referenceEngine(floatOf(model)).start()
  const session = await openAiEngine({ ...options, fetch: server() }).start()
  const tokens = [...task.prompt]
  const [theirs, real] = [await session.append(tokens, 2, signal), await ours.append(tokens, 2, signal)]
  expect(theirs).toHaveLength(real.length)
  for (const [i, { logits }] of real.entries()) {
    const best = logits.indexOf(Math.max(...logits))
    expect(theirs[i]?.logits.indexOf(Math.max(...(theirs[i]?.logits ?? [])))).toBe(best)
  }
  expect((await session.append([7], 0, signal)).length).toBe(1)
  expect(await session.append([9], 1, signal)).toEqual([])
})

test.each([
  ['refuses', () => new Response('no', { status: 500 }), 'answers 500'],
  ['tells no probabilities', () => ({ choices: [{}] }), 'no log-probabilities'],
  ['is no server of JSON', () => new Response('hello'), 'no log-probabilities'],
  ['answers without an end', () => new Response('a'.repeat(2 ** 24 + 1)), 'more than'],
])('a server that %s is an error with a name', async (_, spoil, words) => {
  const session = await openAiEngine({ ...options, fetch: server(spoil) }).start()
  await expect(session.append([0, 5], 1, new AbortController().signal)).rejects.toThrow(words)
})

test('a worker whose server tells 20 candidates answers what a checker with the whole model finds right', async () => {
  const signal = new AbortController().signal
  const few = { ...rule, topK: 20 }
  const request = { input: [...task.prompt], rule: few, maxTokens: 12, seed, stops: [] }
  const output: number[] = []
  let fingerprint: Fingerprint | undefined
  for await (const step of generateFloat(openAiEngine({ ...options, fetch: server() }), text, request, signal)) {
    output.push(step.token)
    fingerprint = step.fingerprint
  }
  if (fingerprint === undefined) throw new Error('no fingerprint')
  const answer = { ...request, output, traceRoot: fingerprintRoot(fingerprint), cancelled: false }
  const checker = referenceEngine(floatOf(model), fingerprintKinds.logits)
  const verdict = await checkFingerprint(checker, text, answer, encodeFingerprint(fingerprint), { signal })
  expect(verdict).toMatchObject({ ok: true })
})

test('a worker’s own engine answers with the request’s adapter, by its weight', async () => {
  const answered = await answeredWith(40_000, { kind: 'reference' })
  expect(answered).toMatchObject({ right: { ok: true }, without: { ok: false } })
})

test('a server answers with the adapter under its root, and is not asked where it does not list it', async () => {
  const full = 65_535
  const choice = { kind: 'server', url: 'http://server/v1', model: 'base' } as const
  const real = globalThis.fetch
  try {
    globalThis.fetch = server(undefined, { [adapterRoot(adapter)]: adaptedBy(full) })
    const few = { topK: 20 }
    expect(await answeredWith(full, choice, few)).toMatchObject({ right: { ok: true }, without: { ok: false } })
    globalThis.fetch = server()
    expect(await answeredWith(full, choice, few)).toMatchObject({ kind: 'failed', code: 'no-adapter' })
  } finally {
    globalThis.fetch = real
  }
})

test('a cut answer is run again by a server that has no tokenizer, position after position', async () => {
  const choice = { kind: 'server', url: 'http://server/v1', model: 'base' } as const
  const few = { ...rule, topK: 20 }
  const asked = { ...task, sampling: { ...task.sampling, ...few } }
  const from = { ...files, float: choice }
  const real = globalThis.fetch
  try {
    globalThis.fetch = server()
    const whole = await done((jobs) => jobs.take({ kind: 'answer', id: 1, task: asked, files: from }))
    const output = whole.flatMap((message) => (message.kind === 'tokens' ? [...message.tokens] : [])).slice(0, 4)
    const end = (await done((jobs) => jobs.take({ kind: 'trace', id: 2, task: asked, files: from, output }))).at(-1)
    if (end?.kind !== 'end' || end.proof === undefined) throw new Error(JSON.stringify(end))
    const about = { input: [...task.prompt], output, rule: few, maxTokens: 24, seed, stops: [], cancelled: true }
    const checker = referenceEngine(floatOf(model), fingerprintKinds.logits)
    const { signal } = new AbortController()
    const verdict = await checkFingerprint(checker, text, { ...about, traceRoot: end.traceRoot }, end.proof, { signal })
    expect(verdict).toMatchObject({ ok: true })
  } finally {
    globalThis.fetch = real
  }
})

test('what a server cannot do is refused before any work; own engines take any adapters of the model', () => {
  const own = { root: adapterRoot(adapter), path: adapterFile, base: task.modelRoot }
  const base = { root: task.modelRoot, path: baseModelFile, config: model.config }
  const place = { models: new Map([[base.root, base]]), adapters: new Map([[own.root, own]]) }
  const check = (changes: Partial<AnswerTask>, float?: FloatChoice) =>
    new InferenceThread(place, float).check({
      ...task,
      sampling: { ...task.sampling, stopHash: stopHash([]) },
      ...changes,
    })
  const remote: FloatChoice = { kind: 'server', url: 'http://server/v1', model: 'base' }
  const few = { ...task.sampling, stopHash: stopHash([]), topK: 20 }
  check({ adapters: named(65_535), sampling: few }, remote)
  expect(() => check({ adapters: named(65_534), sampling: few }, remote)).toThrow('65535')
  expect(() => check({ adapters: [...named(65_535), ...named(65_535)], sampling: few }, remote)).toThrow('one adapter')
  expect(() => check({ sampling: { ...few, topK: 21 } }, remote)).toThrow('20 candidates')
  check({ adapters: [...named(3), ...named(40_000)] })
  expect(() => check({ adapters: [{ root: zeroHash, weight: 1 }] })).toThrow('is not here')
})

/** A folder with node-llama-cpp, where there is one. */
const llamaFolder = process.env['OPENLEDGER_LLAMA']

test.skipIf(llamaFolder === undefined)(
  'llama.cpp answers what a checker without it finds right',
  async () => {
    const cache = mkdtempSync(join(tmpdir(), 'openledger-gguf-'))
    try {
      const float = { kind: 'llama', prefix: llamaFolder ?? '', cache, threads: 1 } as const
      const said = await done((jobs) => jobs.take({ kind: 'answer', id: 1, task, files: { ...files, float } }))
      const end = said.at(-1)
      if (end?.kind !== 'end' || end.proof === undefined) throw new Error(JSON.stringify(end))
      const output = said.flatMap((message) => (message.kind === 'tokens' ? [...message.tokens] : []))
      const about = { input: [...task.prompt], output, rule, maxTokens: 24, seed, stops: [], cancelled: false }
      const checker = referenceEngine(floatOf(model), fingerprintKinds.logits)
      const { signal } = new AbortController()
      const verdict = await checkFingerprint(checker, text, { ...about, traceRoot: end.traceRoot }, end.proof, {
        signal,
      })
      expect(verdict).toEqual({ ok: true, distances: expect.anything() })
    } finally {
      rmSync(cache, { recursive: true })
    }
  },
  60_000,
)

test.skipIf(llamaFolder === undefined)(
  'llama.cpp answers with adapters what a checker without it finds right, others at the same time',
  async () => {
    const cache = join(folder, 'gguf')
    mkdirSync(cache)
    const float = { kind: 'llama', prefix: llamaFolder ?? '', cache, threads: 1 } as const
    const jobs = openJobs()
    const answers = await Promise.all([40_000, 65_535].map((weight) => answeredWith(weight, float, {}, jobs)))
    for (const answer of answers) expect(answer).toMatchObject({ right: { ok: true }, without: { ok: false } })
    expect(readdirSync(cache)).toEqual([`${task.modelRoot}.f16.gguf`])
  },
  120_000,
)

test('the flags of a float engine name what it needs', () => {
  const none = { 'float.llama': undefined, 'float.model': undefined, 'float.threads': 2 }
  const choose = (engine: string, more: object = {}) => floatChoice({ ...none, 'float.engine': engine, ...more }, '/d')
  expect(choose('reference')).toEqual({ kind: 'reference' })
  expect(choose('llama', { 'float.llama': '/l' })).toEqual({
    kind: 'llama',
    prefix: '/l',
    cache: '/d/gguf',
    threads: 2,
  })
  expect(choose('http://s/v1/', { 'float.model': 'm' })).toEqual({ kind: 'server', url: 'http://s/v1', model: 'm' })
  expect(() => choose('llama')).toThrow('--float.llama')
  expect(() => choose('http://s')).toThrow('--float.model')
  expect(() => choose('vllm')).toThrow('neither')
})
