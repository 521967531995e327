import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { type ExportedTensor, hfCheckpoint, peftDirectory, safetensorsHead } from '../../inference/float/hf-export.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { modelRoot } from '../../inference/model-file.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { positional } from './positional.ts'
import { readModel } from './read-model.ts'

export const exportCommand = defineCommand({
  summary:
    'Writes a model file’s floats as a HF checkpoint (config.json, model.safetensors), or with --adapter an adapter file’s as a LoRA directory of PEFT for it: what a server of class FINGERPRINT runs. Tokenizer files are those that the model was converted from.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    adapter: { help: 'adapter file of the model, written instead of it', value: 'FILE', parse: asText },
    out: { help: 'directory to write to', value: 'DIRECTORY', parse: asText },
  },
  run: async ({ flags, positionals, print }) => {
    const { adapter, out } = flags
    if (out === undefined) throw new UsageError('--out is required')
    const model = readModel(positional(positionals, 'a model file'))
    const isModel = adapter === undefined
    const { config, tensors } = isModel ? hfCheckpoint(model) : peftOf(model, adapter)
    mkdirSync(out, { recursive: true })
    const names = isModel
      ? { config: 'config.json', weights: 'model.safetensors' }
      : { config: 'adapter_config.json', weights: 'adapter_model.safetensors' }
    writeFileSync(join(out, names.config), `${JSON.stringify(config, undefined, 2)}\n`)
    writeTensors(join(out, names.weights), tensors)
    print(`${out}: ${tensors.length} tensors of single floats`)
    return exitCodes.ok
  },
})

function peftOf(model: CanonicalModel, file: string) {
  try {
    const adapter = decodeAdapter(readFileSync(file), { root: modelRoot(model), config: model.config })
    return peftDirectory(adapter, model.config)
  } catch (cause) {
    throw new UsageError(`--adapter ${file}: ${errorMessage(cause)}`, { cause })
  }
}

function writeTensors(path: string, tensors: readonly ExportedTensor[]): void {
  const file = openSync(path, 'w')
  try {
    writeWhole(file, safetensorsHead(tensors))
    for (const { weights } of tensors) {
      writeWhole(file, new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
    }
  } finally {
    closeSync(file)
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
