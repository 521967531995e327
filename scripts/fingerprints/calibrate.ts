/**
 * Measures how far float engines are from each other on the base model, honest ones and others, and prints the table of docs/CHECKING.md §7.
 * Usage: tsx scripts/fingerprints/calibrate.ts [PREFIX] [ANSWERS] [TOKENS] [state|logits|both] [ADAPTER.ola], PREFIX a folder with node-llama-cpp
 * (scripts/get-llama.ts). With an adapter all engines take it but those whose name says otherwise.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { weightMax } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { adaptedModel, floatOf, weightUnit } from '../../inference/float/dequantise.ts'
import { type FloatEngine, fingerprintKinds, referenceEngine } from '../../inference/float/float-engine.ts'
import { llamaGguf, type MatrixForm } from '../../inference/float/llama-gguf.ts'
import { llamaLoraGguf } from '../../inference/float/llama-lora-gguf.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile, ownQuestionsFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { llamaEngine } from '../../worker/backends/llama-engine.ts'
import { moved, requantised, roundedEngine, roundings, shortened } from './engines.ts'
import { measuredRow, tableHead } from './measure.ts'

const [prefix = '', answersText = '12', tokensText = '96', only = 'both', adapterFile] = process.argv.slice(2)
const { state, logits } = fingerprintKinds
const kinds = only === 'both' ? [state, logits] : [only === 'state' ? state : logits]
const [answers, tokens] = [Number(answersText), Number(tokensText)]
const rule = { tempQ16: Math.round(0.8 * 65_536), topK: 40, topPQ16: Math.round(0.95 * 65_536) }
const canonical = decodeModel(readFileSync(baseModelFile))
const text = readTokenizer(canonical.tokenizer)
const plain = floatOf(canonical)
const adapter =
  adapterFile === undefined
    ? undefined
    : decodeAdapter(readFileSync(adapterFile), { root: modelRoot(canonical), config: canonical.config })
const withAdapter = (weight: number) =>
  adapter === undefined ? plain : adaptedModel(plain, canonical.config, [{ adapter, weight }])
const model = withAdapter(weightMax)
const questions = JSON.parse(readFileSync(ownQuestionsFile, 'utf8')) as readonly (readonly string[])[]
const inputs = Array.from({ length: answers }, (_, i) => [
  0,
  ...text.encode(`${questions[i]?.[1]} ${questions[i]?.[0]}`),
])
const asked = { model, text, inputs, rule, maxTokens: tokens }

const adapterLies: [string, () => Promise<FloatEngine>][] = [
  ['the adapter left out', async () => referenceEngine(plain)],
  ['the adapter by half its weight', async () => referenceEngine(withAdapter(weightMax >> 1))],
]

const folder = mkdtempSync(join(tmpdir(), 'fingerprints-'))
const ggufOf = (form: MatrixForm) => join(folder, `base.${form}.gguf`)
for (const form of ['f16', 'q8'] as const) writeFileSync(ggufOf(form), llamaGguf(canonical, 10_000, form))
try {
  const llama = async (form: MatrixForm, threads: number, batch: number) => {
    if (prefix === '') return undefined
    const { config } = reference
    const engine = await llamaEngine({
      file: ggufOf(form),
      prefix,
      config,
      threads,
      batch,
      sequences: 1,
      adapters: folder,
    })
    if (adapter === undefined) return engine
    const lora = () => llamaLoraGguf(adapter, canonical.config)
    return engine.adapted([{ root: adapterRoot(adapter), scale: weightMax / weightUnit, gguf: lora }])
  }
  const reference = referenceEngine(model)
  const provers: [string, () => Promise<FloatEngine | undefined>][] = [
    ['same engine', async () => reference],
    ['residual in float32', async () => roundedEngine(model, roundings.single)],
    ['residual in half', async () => roundedEngine(model, roundings.half)],
    ['residual in bfloat16', async () => roundedEngine(model, roundings.bfloat)],
    ['llama.cpp F16, 1 thread, batch 128', () => llama('f16', 1, 128)],
    ['llama.cpp F16, 2 threads, batch 16', () => llama('f16', 2, 16)],
    ['llama.cpp Q8_0, 1 thread, batch 128', () => llama('q8', 1, 128)],
    ['weights of 6 bits', async () => referenceEngine(requantised(model, 6))],
    ['weights of 5 bits', async () => referenceEngine(requantised(model, 5))],
    ['weights of 4 bits', async () => referenceEngine(requantised(model, 4))],
    ['weights moved by 5 %', async () => referenceEngine(moved(model, 0.05))],
    ['a layer left out', async () => referenceEngine(shortened(model))],
    ...(adapter === undefined ? [] : adapterLies),
  ]
  for (const kind of kinds) {
    process.stdout.write(tableHead(kind === state ? 'state' : 'logits'))
    for (const [name, open] of provers) {
      const prover = await open()
      if (prover === undefined || (kind === fingerprintKinds.state && prover.kind !== kind)) continue
      process.stdout.write(await measuredRow(name, { ...prover, kind }, asked))
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
