/**
 * Speed of llama.cpp on a GGUF, one thread. Usage: tsx llama-cpp.ts PREFIX FILE VOCAB PREFILL DECODE RUNS, where PREFIX is a
 * folder that node-llama-cpp was installed in; prints a line of JSON.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { benchTokens, cpuSeconds, type Speed } from './inference-speed.ts'

/** Of the package's interface, what is used. The package is no dependency of this repository, so neither are its types. */
type LlamaCpp = {
  getLlama(options: object): Promise<{
    loadModel(options: object): Promise<{ createContext(options: object): Promise<{ getSequence(): Sequence }> }>
  }>
}
type Sequence = {
  clearHistory(): Promise<void>
  /** Runs tokens; a token is sampled behind those that ask for one, which needs the head. */
  controlledEvaluate(items: readonly (number | readonly [number, object])[]): Promise<object>
}

const [prefix = '', file = '', ...counts] = process.argv.slice(2)
const [vocab = 0, prefill = 0, decode = 0, runs = 0] = counts.map(Number)
const entry = createRequire(join(prefix, 'package.json')).resolve('node-llama-cpp')
const { getLlama } = (await import(pathToFileURL(entry).href)) as LlamaCpp
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: 'error' })
const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 })
const contextSize = prefill + decode
const context = await model.createContext({ contextSize, batchSize: prefill, threads: 1, flashAttention: false })
const sequence = context.getSequence()
const best: Speed = { prefillTokS: 0, decodeTokS: 0 }
for (let run = 0; run < runs; run++) {
  await sequence.clearHistory()
  const start = cpuSeconds()
  const prompt = benchTokens(prefill, vocab)
  await sequence.controlledEvaluate([...prompt.slice(0, -1), withHead(prompt.at(-1) ?? 0)])
  const middle = cpuSeconds()
  for (const token of benchTokens(decode, vocab)) await sequence.controlledEvaluate([withHead(token)])
  const end = cpuSeconds()
  best.prefillTokS = Math.max(best.prefillTokS, prefill / (middle - start))
  best.decodeTokS = Math.max(best.decodeTokS, decode / (end - middle))
}
process.stdout.write(`${JSON.stringify(best)}\n`)
process.exit(0)

function withHead(token: number): readonly [number, object] {
  return [token, { generateNext: { token: true, options: { temperature: 0 } } }]
}
