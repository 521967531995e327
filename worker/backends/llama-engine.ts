import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type FloatEngine,
  type FloatSession,
  type FloatStep,
  fingerprintKinds,
} from '../../inference/float/float-engine.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { WorkerError } from '../worker-error.ts'
import { type LlamaContext, LlamaContexts } from './llama-contexts.ts'

/** Of node-llama-cpp's interface, what is used: the package is no dependency of ours. */
type LlamaCpp = { getLlama(options: object): Promise<Llama> }
type Llama = { loadModel(options: object): Promise<LlamaModel>; dispose(): Promise<void> }
type LlamaModel = { createContext(options: object): Promise<LlamaContext>; dispose(): Promise<void> }
type Shown = { readonly next: { readonly logits?: ReadonlyMap<number, number> } }

export type LlamaOptions = {
  /** GGUF of the model, as `llamaGguf` writes it. */
  readonly file: string
  /** Folder that the package was installed in: `scripts/get-llama.ts`. */
  readonly prefix: string
  readonly config: FloatEngine['config']
  readonly threads: number
  readonly batch?: number
  /** Answers at once with the same adapters. */
  readonly sequences: number
  /** Where files of adapters are written while they are read; absent: none is taken. */
  readonly adapters?: string
}

/** An adapter as llama.cpp takes it. */
export type LlamaAdapter = {
  readonly root: Hex
  /** Of what it adds; 1: as it was trained. */
  readonly scale: number
  /** Its GGUF, as `llamaLoraGguf` writes it. */
  readonly gguf: () => Uint8Array
}

/** A model of llama.cpp; its fingerprints are of logits. */
export type LlamaEngine = FloatEngine & {
  /** The same with adapters beside the model. */
  readonly adapted: (adapters: readonly LlamaAdapter[]) => FloatEngine
  readonly close: () => Promise<void>
}

/** The version that is known to work. */
export const llamaPackage = 'node-llama-cpp@3.22.1'

/** llama.cpp as a float engine. Throws {@link WorkerError} where the package is not there. */
export async function llamaEngine(options: LlamaOptions): Promise<LlamaEngine> {
  const { file, prefix, config, threads, sequences, batch = 128, adapters: folder } = options
  const { getLlama } = await load(prefix)
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' })
  const size = { contextSize: config.context, batchSize: batch, sequences, threads, flashAttention: false }
  const contexts = new LlamaContexts<LlamaAdapter>(sequences, async () => {
    const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 })
    return {
      create: (adapters) => withFiles(adapters, folder, (lora) => model.createContext({ ...size, lora })),
      dispose: () => model.dispose(),
    }
  })
  await contexts.open()
  const adapted = (adapters: readonly LlamaAdapter[]): FloatEngine => ({
    config,
    kind: fingerprintKinds.logits,
    start: async () => {
      const { sequence, release } = await contexts.take(mergedByRoot(adapters))
      return sessionOf(config.vocab, sequence, release)
    },
  })
  return { ...adapted([]), adapted, close: () => llama.dispose() }
}

function sessionOf(
  vocab: number,
  sequence: ReturnType<LlamaContext['getSequence']>,
  release: () => void,
): FloatSession {
  return {
    append: async (tokens, from) => {
      const items = tokens.map((token, i) => (i >= from ? ([token, asked] as const) : token))
      const shown = (await sequence.controlledEvaluate(items)) as readonly (Shown | undefined)[]
      return shown.slice(from).map((each) => stepOf(vocab, each))
    },
    close: release,
  }
}

/** llama.cpp takes a file once; a request may name an adapter twice. */
function mergedByRoot(adapters: readonly LlamaAdapter[]): LlamaAdapter[] {
  const merged = new Map<Hex, LlamaAdapter>()
  for (const adapter of adapters) {
    const scale = (merged.get(adapter.root)?.scale ?? 0) + adapter.scale
    merged.set(adapter.root, { ...adapter, scale })
  }
  return [...merged.values()]
}

/** Adapters are read from files, once a context; llama.cpp keeps what it read. */
async function withFiles<T>(
  adapters: readonly LlamaAdapter[],
  folder: string | undefined,
  use: (lora: object | undefined) => Promise<T>,
): Promise<T> {
  if (adapters.length === 0) return await use(undefined)
  if (folder === undefined) throw new WorkerError('no-llama', 'no folder for adapters of llama.cpp')
  mkdirSync(folder, { recursive: true })
  const files = adapters.map(({ root, scale, gguf }) => {
    const filePath = join(folder, `${root}.lora.gguf`)
    writeFileSync(filePath, gguf())
    return { filePath, scale }
  })
  try {
    return await use({ adapters: files })
  } finally {
    for (const { filePath } of files) rmSync(filePath, { force: true })
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
