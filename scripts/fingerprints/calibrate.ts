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
import { generateFloat } from '../../inference/answer/generate-float.ts'
import { type FingerprintMaker, pointsOf } from '../../inference/check/fingerprint/fingerprint.ts'
import { couldBeDrawn } from '../../inference/check/fingerprint/replay.ts'
import { beyond, thresholdsOf } from '../../inference/check/fingerprint/thresholds.ts'
import { adaptedModel, floatOf, weightUnit } from '../../inference/float/dequantise.ts'
import {
  type FloatEngine,
  type FloatStep,
  fingerprintKinds,
  referenceEngine,
} from '../../inference/float/float-engine.ts'
import { llamaGguf, type MatrixForm } from '../../inference/float/llama-gguf.ts'
import { llamaLoraGguf } from '../../inference/float/llama-lora-gguf.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile, ownQuestionsFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { compareToploc, toplocPoints } from '../../protocol/toploc.ts'
import { llamaEngine } from '../../worker/backends/llama-engine.ts'
import { moved, requantised, roundedEngine, roundings, shortened } from './engines.ts'

const [prefix = '', answersText = '12', tokensText = '96', only = 'both', adapterFile] = process.argv.slice(2)
const { state, logits } = fingerprintKinds
const kinds = only === 'both' ? [state, logits] : [only === 'state' ? state : logits]
const [answers, tokens] = [Number(answersText), Number(tokensText)]
const rule = { tempQ16: Math.round(0.8 * 65_536), topK: 40, topPQ16: Math.round(0.95 * 65_536) }
const block = 32
const epsilons = [0.01, 0.02, 0.05, 0.1, 0.15]
const never = new AbortController().signal
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

type Row = {
  name: string
  blocks: number
  hits: number
  mean: number
  median: number
  logit: number
  caught: number
  refused: number[]
}

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
    process.stdout.write(
      `\n| ${kind === 0 ? 'state' : 'logits'} | blocks | exponents, least | mean, most | median, most | logit off, most | blocks refused | refused of draws at ε = ${epsilons.join(' · ')} |\n|---|---|---|---|---|---|---|---|\n`,
    )
    for (const [name, open] of provers) {
      const prover = await open()
      if (prover === undefined || (kind === fingerprintKinds.state && prover.kind !== kind)) continue
      const row = await measure(name, { ...prover, kind }, kind)
      const refused = row.refused.map((share) => `${(100 * share).toFixed(2)} %`).join(' · ')
      process.stdout.write(
        `| ${row.name} | ${row.blocks} | ${(row.hits / 100).toFixed(1)} % | ${(row.mean / 1000).toFixed(2)} | ${(row.median / 1000).toFixed(1)} | ${row.logit.toFixed(4)} | ${row.caught} | ${refused} |\n`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)

async function measure(name: string, prover: FloatEngine, kind: FloatEngine['kind']): Promise<Row> {
  const row: Row = {
    name,
    blocks: 0,
    hits: 10_000,
    mean: 0,
    median: 0,
    logit: 0,
    caught: 0,
    refused: epsilons.map(() => 0),
  }
  let draws = 0
  for (const [i, input] of inputs.entries()) {
    const seed = new Uint8Array(32).fill(i + 1)
    const output: number[] = []
    const request = { input, rule, seed, maxTokens: tokens, stops: [] }
    const watched = watching(prover)
    let fingerprint: ReturnType<FingerprintMaker['finish']> | undefined
    for await (const step of generateFloat(watched.engine, text, request, never)) {
      output.push(step.token)
      fingerprint = step.fingerprint
    }
    const session = await referenceEngine(model, kind).start()
    const steps = await session.append([...input, ...output.slice(0, -1)], input.length - 1, never)
    for (const [b, { modulus, coeffs }] of (fingerprint?.blocks ?? []).entries()) {
      const points = pointsOf(kind, steps.slice(b * block, (b + 1) * block), thresholdsOf(kind).epsilon)
      if (points.length < 32) continue
      const { expHits, meanMilli, medianMilli } = compareToploc(modulus, coeffs, toplocPoints(points))
      row.blocks++
      const limits = thresholdsOf(kind)
      if (beyond({ expHits, meanMilli, medianMilli }, points.length, limits) !== undefined) row.caught++
      row.hits = Math.min(row.hits, Math.floor((10_000 * expHits) / points.length))
      row.mean = Math.max(row.mean, meanMilli)
      row.median = Math.max(row.median, medianMilli)
    }
    for (const [at, token] of output.entries()) {
      const logits = steps[at]?.logits ?? new Float64Array(0)
      row.logit = Math.max(row.logit, farthest(watched.steps[at]?.logits ?? logits, logits))
      draws++
      for (const [e, epsilon] of epsilons.entries()) {
        const could = couldBeDrawn(logits, rule, { seed, position: input.length + at, token }, epsilon)
        row.refused[e] = (row.refused[e] ?? 0) + (could ? 0 : 1)
      }
    }
  }
  return { ...row, refused: row.refused.map((count) => count / draws) }
}

/** The engine with the positions that it showed. */
function watching(engine: FloatEngine): { readonly engine: FloatEngine; readonly steps: FloatStep[] } {
  const steps: FloatStep[] = []
  const start: FloatEngine['start'] = async () => {
    const session = await engine.start()
    return {
      ...session,
      append: async (tokens, from, signal) => {
        const shown = await session.append(tokens, from, signal)
        steps.push(...shown)
        return shown
      },
    }
  }
  return { engine: { ...engine, start }, steps }
}

/** Of the 40 likeliest, how far two logits are apart relative to the likeliest's. */
function farthest(a: Float64Array, b: Float64Array): number {
  const order = [...b.keys()].sort((i, j) => (b[j] ?? 0) - (b[i] ?? 0)).slice(0, rule.topK)
  const differences = order.map((token) => (a[token] ?? 0) - (b[token] ?? 0))
  const middle = differences.reduce((total, value) => total + value, 0) / differences.length
  return Math.max(...differences.map((value) => Math.abs(value - middle)))
}
