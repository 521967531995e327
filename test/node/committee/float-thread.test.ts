import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adapterRoot, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { generateFloat } from '../../../inference/answer/generate-float.ts'
import {
  encodeFingerprint,
  type Fingerprint,
  fingerprintRoot,
} from '../../../inference/check/fingerprint/fingerprint.ts'
import { adaptedModel, floatOf } from '../../../inference/float/dequantise.ts'
import { type FloatEngine, referenceEngine } from '../../../inference/float/float-engine.ts'
import { decodeModel, modelRoot } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { FloatThread } from '../../../node/committee/float-thread.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'

let folder: string
let thread: FloatThread
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'openledger-floats-'))
  copyFileSync(baseModelFile, join(folder, 'base.olm'))
  thread = new FloatThread({ folders: [folder], fetched: join(folder, 'fetched'), urls: [] })
})
afterAll(async () => {
  await thread.close()
  rmSync(folder, { recursive: true })
})

const model = decodeModel(readFileSync(baseModelFile))
const base = modelRoot(model)
const text = readTokenizer(model.tokenizer)
const adapter = { ...randomAdapter(4, model.config, 8, ['query', 'value'], 0.2), base }
const root = adapterRoot(adapter)
const rule = { tempQ16: 0, topK: 0, topPQ16: 65_536 }

async function answered(engine: FloatEngine) {
  const asked = { input: [0, ...text.encode('Hello')], rule, maxTokens: 8, seed: new Uint8Array(32), stops: [] }
  const output: number[] = []
  let fingerprint: Fingerprint | undefined
  for await (const step of generateFloat(engine, text, asked, new AbortController().signal)) {
    output.push(step.token)
    fingerprint = step.fingerprint
  }
  if (fingerprint === undefined) throw new Error('no fingerprint')
  const answer = { ...asked, output, cancelled: false, traceRoot: fingerprintRoot(fingerprint) }
  return { answer, file: encodeFingerprint(fingerprint) }
}

test('answers are run again on a thread, those of a model that is not here are said to be so', async () => {
  const { answer, file } = await answered(referenceEngine(floatOf(model)))
  const about = { model: base, adapters: [], answer, file }
  const [right, wrong, unknown] = await Promise.all([
    thread.check(about),
    thread.check({ ...about, answer: { ...answer, output: answer.output.with(0, 7) } }),
    thread.check({ ...about, model: zeroHash }),
  ])
  expect(right).toMatchObject({ ok: true })
  expect(wrong).toMatchObject({ ok: false })
  expect(unknown).toBe('no-model')
}, 60_000)

test('with the adapters that the request names: one that is not here is said to be so', async () => {
  const weight = 50_000
  const adapters = [{ root, weight }]
  const own = await answered(referenceEngine(adaptedModel(floatOf(model), model.config, [{ adapter, weight }])))
  const plain = await answered(referenceEngine(floatOf(model)))
  const missing = await thread.check({ model: base, adapters, ...own })
  writeFileSync(join(folder, 'one.ola'), encodeAdapter(adapter))
  const [right, leftOut, added] = await Promise.all([
    thread.check({ model: base, adapters, ...own }),
    thread.check({ model: base, adapters, ...plain }),
    thread.check({ model: base, adapters: [], ...own }),
  ])
  expect(missing).toBe('no-adapter')
  expect(right).toMatchObject({ ok: true })
  expect(leftOut).toMatchObject({ ok: false })
  expect(added).toMatchObject({ ok: false })
}, 60_000)
