import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateFloat } from '../../../inference/answer/generate-float.ts'
import {
  encodeFingerprint,
  type Fingerprint,
  fingerprintRoot,
} from '../../../inference/check/fingerprint/fingerprint.ts'
import { floatOf } from '../../../inference/float/dequantise.ts'
import { referenceEngine } from '../../../inference/float/float-engine.ts'
import { decodeModel, modelRoot } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import { FloatThread } from '../../../node/committee/float-thread.ts'
import { zeroHash } from '../../../protocol/bytes.ts'

let folder: string
let thread: FloatThread
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'openledger-floats-'))
  copyFileSync(baseModelFile, join(folder, 'base.olm'))
  thread = new FloatThread([folder])
})
afterAll(async () => {
  await thread.close()
  rmSync(folder, { recursive: true })
})

test('answers are run again on a thread, those of a model that is not here are said to be so', async () => {
  const model = decodeModel(readFileSync(baseModelFile))
  const text = readTokenizer(model.tokenizer)
  const rule = { tempQ16: 0, topK: 0, topPQ16: 65_536 }
  const asked = { input: [0, ...text.encode('Hello')], rule, maxTokens: 8, seed: new Uint8Array(32), stops: [] }
  const output: number[] = []
  let fingerprint: Fingerprint | undefined
  for await (const step of generateFloat(referenceEngine(floatOf(model)), text, asked, new AbortController().signal)) {
    output.push(step.token)
    fingerprint = step.fingerprint
  }
  if (fingerprint === undefined) throw new Error('no fingerprint')
  const answer = { ...asked, output, cancelled: false, traceRoot: fingerprintRoot(fingerprint) }
  const file = encodeFingerprint(fingerprint)
  const [right, wrong, unknown] = await Promise.all([
    thread.check({ model: modelRoot(model), answer, file }),
    thread.check({ model: modelRoot(model), answer: { ...answer, output: output.with(0, 7) }, file }),
    thread.check({ model: zeroHash, answer, file }),
  ])
  expect(right).toMatchObject({ ok: true })
  expect(wrong).toMatchObject({ ok: false })
  expect(unknown).toBe('no-model')
}, 60_000)
