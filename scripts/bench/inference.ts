/**
 * Speed of the integer engine against llama.cpp on the same model, Q8_0, one thread each, and the shipped model's distance from its
 * float original. llama.cpp runs in a process of its own.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { llamaGguf } from '../../inference/float/llama-gguf.ts'
import { compareQuality } from '../../inference/float/quality.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { baseFloatFile, baseModelFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { baseSource } from '../train-base/base-source.ts'
import { documentTokens } from '../train-base/encode.ts'
import { heldOutTexts } from '../train-base/held-out.ts'
import { config135m, syntheticModel } from './check-models.ts'
import { measureSpeed, type Speed } from './inference-speed.ts'
import { installed } from './installed.ts'

type Against = Speed & {
  /** Our tokens a second over llama.cpp's; null where it cannot be had. */
  readonly ratioDecodeLlamaCpp: number | null
  readonly ratioPrefillLlamaCpp: number | null
  readonly llamaCpp: Speed | null
}

export type InferenceBench = Against & {
  /** The same at the sizes of SmolLM2-135M, weights at random. */
  readonly at135m: Against | null
  readonly pplDeltaPct: number | null
  readonly argmaxPct: number | null
  readonly why?: string
}

const llamaCppPackages = ['node-llama-cpp@3.22.1', '@node-llama-cpp/linux-x64@3.22.1']
/** All platforms' binaries come as optional dependencies, and its script would build another. */
const installFlags = ['--omit=optional', '--ignore-scripts']
const prefillTokens = 128
const decodeTokens = 64
/** Texts that the distance from the float original is measured on. */
const qualityDocuments = 160
const theta = 10_000

export async function benchInference({ quick }: { readonly quick: boolean }): Promise<InferenceBench> {
  const runs = quick ? 2 : 5
  const dir = mkdtempSync(join(tmpdir(), 'bench-inference-'))
  const llamaCpp = quick ? { why: 'a quick run leaves out llama.cpp' } : llamaCppPrefix()
  try {
    const model = decodeModel(new Uint8Array(readFileSync(baseModelFile)))
    const shipped = against(model, runs, dir, llamaCpp)
    return {
      ...shipped,
      at135m: quick ? null : against(syntheticModel(config135m), runs, dir, llamaCpp),
      ...qualityOf(model, quick),
      ...('why' in llamaCpp ? { why: llamaCpp.why } : {}),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function against(
  model: CanonicalModel,
  runs: number,
  dir: string,
  llamaCpp: { readonly prefix: string } | { readonly why: string },
): Against {
  const ours = measureSpeed(new WasmEngine(model), prefillTokens, decodeTokens, runs)
  const theirs = 'prefix' in llamaCpp ? runLlamaCpp(llamaCpp.prefix, model, runs, dir) : null
  const ratio = (key: keyof Speed) => (theirs === null ? null : rounded(ours[key] / theirs[key], 3))
  return {
    prefillTokS: rounded(ours.prefillTokS, 1),
    decodeTokS: rounded(ours.decodeTokS, 1),
    ratioDecodeLlamaCpp: ratio('decodeTokS'),
    ratioPrefillLlamaCpp: ratio('prefillTokS'),
    llamaCpp: theirs,
  }
}

function runLlamaCpp(prefix: string, model: CanonicalModel, runs: number, dir: string): Speed {
  const file = join(dir, 'model.gguf')
  writeFileSync(file, llamaGguf(model, theta, 'q8'))
  const counts = [model.config.vocab, prefillTokens, decodeTokens, runs].map(String)
  const out = execFileSync('npx', ['tsx', join(import.meta.dirname, 'llama-cpp.ts'), prefix, file, ...counts], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  rmSync(file)
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Speed
}

function llamaCppPrefix(): { readonly prefix: string } | { readonly why: string } {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { why: 'llama.cpp is had for linux-x64 only' }
  return installed('llama-cpp', llamaCppPackages, installFlags)
}

function qualityOf(model: CanonicalModel, quick: boolean): Pick<InferenceBench, 'pplDeltaPct' | 'argmaxPct'> {
  if (!existsSync(baseFloatFile)) return { pplDeltaPct: null, argmaxPct: null }
  const tokenizer = readTokenizer(model.tokenizer)
  const tokens = heldOutTexts()
    .slice(0, qualityDocuments)
    .flatMap((document) => documentTokens(tokenizer, document))
  const source = baseSource(baseFloatFile, model.tokenizer)
  const quality = compareQuality(source, new WasmEngine(model), quick ? tokens.slice(0, 2048) : tokens)
  return {
    pplDeltaPct: rounded((quality.integerPerplexity / quality.floatPerplexity - 1) * 100, 3),
    argmaxPct: rounded(quality.argmaxAgreement * 100, 2),
  }
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
