import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { chatTemplate, inputTokens } from '../../inference/answer/template.ts'
import type { Engine } from '../../inference/engine.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import { Oracle } from '../../inference/oracle.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { bos, documentTokens, eos, textBytes } from '../../scripts/train-base/encode.ts'
import { heldOutTexts } from '../../scripts/train-base/held-out.ts'
import { nextNats } from '../../scripts/train-base/next-nats.ts'

const fileBytesMax = 8_000_000
/** docs/BASE-MODEL.md has what it is on all that was held out. */
const bitsPerByteMax = 1.75
const measuredDocuments = 40

const bytes = new Uint8Array(readFileSync(baseModelFile))
const model = decodeModel(bytes)
const tokenizer = readTokenizer(model.tokenizer)
const question = inputTokens(chatTemplate, tokenizer, bos, [{ role: 'user', text: 'What is OpenLedger?' }])

test('the committed model is a few million int8 weights with the root that its record names', () => {
  expect(bytes.length).toBeLessThanOrEqual(fileBytesMax)
  expect(modelRoot(model)).toBe(readBaseModelRecord().root)
})

test('oracle and kernels give the same answer, the one that was learnt', () => {
  const tokens = answer(new WasmEngine(model), 24)
  expect(answer(new Oracle(model), 6)).toEqual(tokens.slice(0, 6))
  expect(new TextDecoder().decode(tokenizer.decode(tokens))).toMatch(
    /^OpenLedger is a blockchain that makes AI payable: /,
  )
})

test('it predicts text that it never saw', () => {
  const documents = heldOutTexts().slice(0, measuredDocuments)
  const engine = new WasmEngine(model)
  const nats = documents.reduce((sum, document) => sum + nextNats(engine, documentTokens(tokenizer, document)), 0)
  const all = documents.reduce((sum, document) => sum + textBytes(document), 0)
  expect(nats / Math.LN2 / all).toBeLessThan(bitsPerByteMax)
})

function answer(engine: Engine, count: number): number[] {
  const session = engine.start()
  const tokens: number[] = []
  let logits = session.append(question)
  while (tokens.length < count) {
    const token = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))
    if (token === eos) break
    tokens.push(token)
    logits = session.append([token])
  }
  session.close()
  return tokens
}
