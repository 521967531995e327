/**
 * Bits per byte and sample answers of the base model, on its held-out documents.
 * Usage: npx tsx scripts/train-base/measure.ts MODEL.olm HELDOUT.json [DOCUMENTS]
 */
import { readFileSync } from 'node:fs'
import { chatTemplate, inputTokens } from '../../inference/answer/template.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { sample } from '../../inference/sampler.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import type { Document } from './document.ts'
import { bos, documentTokens, eos, textBytes } from './encode.ts'
import { nextNats } from './next-nats.ts'

const questions = [
  'What is OpenLedger?',
  'What is a Datanet?',
  'Who are you?',
  'What is a dog?',
  'What is the capital of France?',
  'What is the opposite of hot?',
  'What does happy mean?',
  'Is a cat a kind of animal?',
  'What is a smart contract?',
  'What is 3 plus 4?',
  'Where is Kenya?',
  'What happens if a worker lies?',
]
const answerTokensMax = 64

const [modelFile = '', heldOutFile = '', count = '400'] = process.argv.slice(2)
const model = decodeModel(new Uint8Array(readFileSync(modelFile)))
const tokenizer = readTokenizer(model.tokenizer)
const engine = new WasmEngine(model)
for (const question of questions) process.stdout.write(`${question}\n  ${answer(question)}\n`)
const documents = (JSON.parse(readFileSync(heldOutFile, 'utf8')) as Document[]).slice(0, Number(count))
process.stdout.write(`${JSON.stringify(bitsPerByte(), undefined, 2)}\n`)

/** The likeliest answer. */
function answer(question: string): string {
  const session = engine.start()
  const input = inputTokens(chatTemplate, tokenizer, bos, [{ role: 'user', text: question }])
  const greedy = { tempQ16: 0, topK: 0, topPQ16: 65_536 }
  const tokens: number[] = []
  let logits = session.append(input)
  while (tokens.length < answerTokensMax) {
    const token = sample(logits, greedy, new Uint8Array(32), session.length, model.expTable)
    if (token === eos) break
    tokens.push(token)
    logits = session.append([token])
  }
  session.close()
  return new TextDecoder().decode(tokenizer.decode(tokens))
}

/** By kind of source and in all; each document by itself, up to the context, its end counted in. */
function bitsPerByte(): Record<string, number> {
  const sums = new Map<string, { nats: number; bytes: number }>()
  for (const document of documents) {
    const tokens = documentTokens(tokenizer, document)
    if (tokens.length > engine.config.context) continue
    const nats = nextNats(engine, tokens)
    for (const group of ['all', groupOf(document.source)]) {
      const sum = sums.get(group) ?? { nats: 0, bytes: 0 }
      sums.set(group, { nats: sum.nats + nats, bytes: sum.bytes + textBytes(document) })
    }
  }
  return Object.fromEntries([...sums].map(([group, { nats, bytes }]) => [group, nats / Math.LN2 / bytes]))
}

function groupOf(source: string): string {
  if (/@[\d.]+\//.test(source)) return 'READMEs'
  const depth = source.startsWith('@') || source.startsWith('questions/') ? 2 : 1
  return source.split('/').slice(0, depth).join('/')
}
