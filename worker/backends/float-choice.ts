import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { floatOf } from '../../inference/float/dequantise.ts'
import { type FloatEngine, referenceEngine } from '../../inference/float/float-engine.ts'
import { llamaGguf } from '../../inference/float/llama-gguf.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { llamaEngine } from './llama-engine.ts'
import { openAiEngine } from './openai-engine.ts'

/** What computes the answers of class FINGERPRINT. */
export type FloatChoice =
  /** Our own engine, in doubles: needs nothing, and is slow. */
  | { readonly kind: 'reference' }
  /** `prefix`: where node-llama-cpp is installed; `cache`: where the models' GGUF files are written. */
  | { readonly kind: 'llama'; readonly prefix: string; readonly cache: string; readonly threads: number }
  /** An OpenAI-compatible server that runs the same model. */
  | { readonly kind: 'server'; readonly url: string; readonly model: string }

/** Answers of llama.cpp at once; each has a cache of keys and values of its own. */
const sequences = 4
/** Frequencies that one base gives are so near to those of the model's tables. */
const frequencyTolerance = 1e-3

/** Throws WorkerError where the engine cannot be had, and RangeError for a model whose rotary angles llama.cpp cannot have. */
export async function openFloatEngine(choice: FloatChoice, model: CanonicalModel, root: Hex): Promise<FloatEngine> {
  const own = floatOf(model)
  const reference = referenceEngine(own)
  if (choice.kind === 'reference') return reference
  const { config } = reference
  if (choice.kind === 'server') return openAiEngine({ ...choice, config, tokenOf: tokenOfName })
  const file = join(choice.cache, `${root}.gguf`)
  if (!existsSync(file)) {
    mkdirSync(choice.cache, { recursive: true })
    writeFileSync(`${file}.part`, llamaGguf(model, baseOf(own.config.frequencies ?? new Float64Array(0))))
    renameSync(`${file}.part`, file)
  }
  return await llamaEngine({ file, prefix: choice.prefix, config, threads: choice.threads, sequences })
}

/** As vLLM writes it where it is asked for ids: `token_id:7`. */
function tokenOfName(name: string): number | undefined {
  const [, digits] = /^token_id:(\d{1,9})$/.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** θ of frequencies θ^(-i / half). */
function baseOf(frequencies: Float64Array): number {
  const half = frequencies.length
  const base = (frequencies[1] ?? 1) ** -half
  for (const [i, frequency] of frequencies.entries()) {
    const expected = base ** (-i / half)
    if (Math.abs(frequency - expected) > frequencyTolerance * Math.max(expected, frequencyTolerance)) {
      throw new RangeError('the rotary angles of the model are no powers of one base')
    }
  }
  return base
}
