import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type FloatEngine, type FloatStep, fingerprintKinds } from '../../inference/float/float-engine.ts'
import { WorkerError } from '../worker-error.ts'

/** Of node-llama-cpp's interface, what is used: the package is no dependency of ours. */
type LlamaCpp = { getLlama(options: object): Promise<Llama> }
type Llama = { loadModel(options: object): Promise<LlamaModel>; dispose(): Promise<void> }
type LlamaModel = { createContext(options: object): Promise<LlamaContext> }
type LlamaContext = { getSequence(): LlamaSequence }
type LlamaSequence = {
  clearHistory(): Promise<void>
  dispose(): void
  controlledEvaluate(items: readonly (number | readonly [number, object])[]): Promise<readonly (Shown | undefined)[]>
}
type Shown = { readonly next: { readonly logits?: ReadonlyMap<number, number> } }

export type LlamaOptions = {
  /** GGUF of the model, as `openledger model export-gguf` writes it. */
  readonly file: string
  /** Folder that the package was installed in: `scripts/get-llama.ts`. */
  readonly prefix: string
  readonly config: FloatEngine['config']
  readonly threads: number
  readonly batch?: number
  /** Answers at once. */
  readonly sequences: number
}

/** The version that is known to work. */
export const llamaPackage = 'node-llama-cpp@3.22.1'

/** llama.cpp as a float engine; its fingerprints are of logits. Throws {@link WorkerError} where the package is not there. */
export async function llamaEngine(options: LlamaOptions): Promise<FloatEngine & { close(): Promise<void> }> {
  const { file, prefix, config, threads, sequences, batch = 128 } = options
  const { getLlama } = await load(prefix)
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' })
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 })
  const size = { contextSize: config.context, batchSize: batch, sequences, threads, flashAttention: false }
  const context = await model.createContext(size)
  return {
    config,
    kind: fingerprintKinds.logits,
    start: async () => {
      const sequence = context.getSequence()
      return {
        append: async (tokens, from) => {
          const items = tokens.map((token, i) => (i >= from ? ([token, asked] as const) : token))
          const shown = await sequence.controlledEvaluate(items)
          return shown.slice(from).map((each) => stepOf(config.vocab, each))
        },
        close: () => sequence.dispose(),
      }
    },
    close: () => llama.dispose(),
  }
}

/** Temperature 0 chooses a token that nobody looks at. */
const asked = { generateNext: { logits: true, options: { temperature: 0 } } }

function stepOf(vocab: number, shown: Shown | undefined): FloatStep {
  const logits = new Float64Array(vocab).fill(Number.NEGATIVE_INFINITY)
  for (const [token, logit] of shown?.next.logits ?? []) logits[token] = logit
  return { logits }
}

async function load(prefix: string): Promise<LlamaCpp> {
  try {
    const entry = createRequire(join(prefix, 'package.json')).resolve('node-llama-cpp')
    return (await import(pathToFileURL(entry).href)) as LlamaCpp
  } catch (cause) {
    const how = `npx tsx scripts/get-llama.ts ${prefix}`
    throw new WorkerError('no-llama', `${llamaPackage} is not in ${prefix}; install it by: ${how}`, { cause })
  }
}
