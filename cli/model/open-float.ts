import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import type { FloatSource } from '../../inference/float/float-model.ts'
import { Fields } from '../../inference/loaders/fields.ts'
import { readGguf } from '../../inference/loaders/gguf.ts'
import { ggufLlama } from '../../inference/loaders/gguf-llama.ts'
import { hfLlama } from '../../inference/loaders/hf-llama.ts'
import { hfTokenizer } from '../../inference/loaders/hf-tokenizer.ts'
import { readSafetensors, readShards } from '../../inference/loaders/safetensors.ts'
import type { Tensor } from '../../inference/loaders/tensor.ts'
import { FileSource } from './file-source.ts'

/** A float model whose files are open until it is closed. */
export type OpenFloat = { readonly source: FloatSource; readonly close: () => void }

/**
 * A GGUF file, or a directory of a HF checkpoint: config.json, tokenizer.json, and model.safetensors or its index and shards.
 * Positions beyond `contextMax` are left out. Throws {@link UsageError} for what is not there, LoadError for what is refused.
 */
export function openFloat(path: string, contextMax: number): OpenFloat {
  const files: FileSource[] = []
  const open = (file: string) => {
    const source = new FileSource(file)
    files.push(source)
    return source
  }
  const close = () => {
    for (const file of files) file.close()
  }
  try {
    const source = isDirectory(path) ? openDirectory(path, contextMax, open) : openFile(path, contextMax, open)
    return { source, close }
  } catch (error) {
    close()
    throw error
  }
}

function openFile(path: string, contextMax: number, open: (file: string) => FileSource): FloatSource {
  if (path.endsWith('.safetensors')) {
    throw new UsageError(`${path} has no config and no tokenizer; give the directory of the checkpoint`)
  }
  return ggufLlama(readGguf(open(path)), contextMax)
}

function openDirectory(path: string, contextMax: number, open: (file: string) => FileSource): FloatSource {
  const json = (name: string) => Fields.ofJson(name, readText(join(path, name)))
  const config = json('config.json')
  return hfLlama({
    config,
    contextMax,
    tensors: openTensors(path, json, open),
    tokenizer: (vocab) => {
      const { section, token } = hfTokenizer(json('tokenizer.json'), vocab)
      return { section, eos: token(endName(path)) }
    },
  })
}

function openTensors(
  path: string,
  json: (name: string) => Fields,
  open: (file: string) => FileSource,
): Map<string, Tensor> {
  const index = 'model.safetensors.index.json'
  if (!existsSync(join(path, index))) return readSafetensors(open(join(path, 'model.safetensors')))
  return readShards(json(index), (file) => {
    // A file name that leads out of the directory is none of the checkpoint's.
    if (basename(file) !== file) throw new UsageError(`${index} names ${file}, which is outside ${path}`)
    return open(join(path, file))
  })
}

/** Name of the token that ends an answer, where tokenizer_config.json says so. */
function endName(path: string): string {
  const file = join(path, 'tokenizer_config.json')
  if (!existsSync(file)) return ''
  const value = Fields.ofJson('tokenizer_config.json', readText(file)).get('eos_token')
  if (typeof value === 'object' && value !== null) return Fields.of('eos_token', value).text('content', '')
  return typeof value === 'string' ? value : ''
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`${path} cannot be read`, { cause })
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (cause) {
    throw new UsageError(`${path} cannot be read`, { cause })
  }
}
