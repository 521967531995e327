import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkSlots, type Slot, weightMax } from '../../inference/adapter/adapter.ts'
import { checkFloatRule } from '../../inference/answer/generate-float.ts'
import { adaptedModel, floatOf, weightUnit } from '../../inference/float/dequantise.ts'
import { type FloatEngine, referenceEngine } from '../../inference/float/float-engine.ts'
import { llamaGguf } from '../../inference/float/llama-gguf.ts'
import { llamaLoraGguf } from '../../inference/float/llama-lora-gguf.ts'
import { rotaryBase } from '../../inference/float/rope-tables.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { JobError } from '../jobs/job-error.ts'
import type { AnswerTask } from './backend.ts'
import { llamaEngine } from './llama-engine.ts'
import { candidatesMax, openAiEngine } from './openai-engine.ts'

/** What computes the answers of class FINGERPRINT. */
export type FloatChoice =
  /** Our own engine, in doubles: needs nothing, and is slow. */
  | { readonly kind: 'reference' }
  /** `prefix`: where node-llama-cpp is installed; `cache`: where the models' GGUF files are written. */
  | { readonly kind: 'llama'; readonly prefix: string; readonly cache: string; readonly threads: number }
  /** An OpenAI-compatible server that runs the same model as `model`, and with an adapter under the adapter's root. */
  | { readonly kind: 'server'; readonly url: string; readonly model: string }

/** An adapter of a request with its name. */
export type NamedSlot = Slot & { readonly root: Hex }

/** A model that is open: its engine with the adapters of a request. Throws InferenceError `adapter` for those that it cannot run. */
export type OpenFloats = (slots: readonly NamedSlot[]) => FloatEngine

type FloatTask = Pick<AnswerTask, 'adapters' | 'sampling'>
type OwnModel = {
  readonly root: Hex
  readonly frequencies: Float64Array | undefined
  readonly config: FloatEngine['config']
}

/** Answers of llama.cpp at once with the same adapters; each has a cache of keys and values of its own. */
const sequences = 4

/** Throws WorkerError where the engine cannot be had, and RangeError for a model whose rotary angles llama.cpp cannot have. */
export async function openFloatEngine(choice: FloatChoice, model: CanonicalModel, root: Hex): Promise<OpenFloats> {
  const own = floatOf(model)
  const { config } = referenceEngine(own)
  switch (choice.kind) {
    case 'reference':
      return (slots) => referenceEngine(adaptedModel(own, model.config, slots))
    case 'server':
      return ([slot]) =>
        openAiEngine({
          ...{ url: choice.url, model: slot?.root ?? choice.model, isAdapter: slot !== undefined },
          ...{ config, tokenOf: tokenOfName },
        })
    case 'llama':
      return await openLlama(choice, model, { root, frequencies: own.config.frequencies, config })
  }
}

async function openLlama(
  { prefix, cache, threads }: Extract<FloatChoice, { kind: 'llama' }>,
  model: CanonicalModel,
  { root, frequencies = new Float64Array(0), config }: OwnModel,
): Promise<OpenFloats> {
  const file = join(cache, `${root}.f16.gguf`)
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true })
    writeFileSync(`${file}.part`, llamaGguf(model, rotaryBase(frequencies), 'f16'))
    renameSync(`${file}.part`, file)
  }
  const engine = await llamaEngine({ file, prefix, config, threads, sequences, adapters: cache })
  return (slots) => {
    checkSlots(model.config, slots)
    return engine.adapted(
      slots.map(({ root: name, adapter, weight }) => ({
        ...{ root: name, scale: weight / weightUnit },
        gguf: () => llamaLoraGguf(adapter, model.config),
      })),
    )
  }
}

/** Refuses what an engine does not do, before any work. Throws {@link JobError}. */
export function checkFloatTask(choice: FloatChoice, { adapters, sampling }: FloatTask): void {
  if (choice.kind !== 'server') return
  if (adapters.length > 1 || adapters.some(({ weight }) => weight !== weightMax)) {
    throw new JobError('unknown-adapter', `float answers here take one adapter, its weight ${weightMax}`)
  }
  try {
    checkFloatRule({ candidatesMax }, sampling)
  } catch (error) {
    if (!(error instanceof InferenceError)) throw error
    throw new JobError('sampling', error.message)
  }
}

/** As vLLM writes it where it is asked for ids: `token_id:7`. */
function tokenOfName(name: string): number | undefined {
  const [, digits] = /^token_id:(\d{1,9})$/.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}
