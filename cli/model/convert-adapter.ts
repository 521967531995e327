import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { adapterRoot, encodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { convertAdapter } from '../../inference/adapter/convert-adapter.ts'
import { Fields } from '../../inference/loaders/fields.ts'
import { peftAdapter } from '../../inference/loaders/peft-adapter.ts'
import { readSafetensors } from '../../inference/loaders/safetensors.ts'
import { modelRoot } from '../../inference/model-file.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { FileSource } from './file-source.ts'
import { openFloat } from './open-float.ts'
import { positional } from './positional.ts'
import { requireSameShape } from './quality.ts'
import { readModel } from './read-model.ts'

export const convertAdapterCommand = defineCommand({
  summary:
    'Makes a canonical adapter of a LoRA directory of PEFT (adapter_config.json, adapter_model.safetensors), for one model file. It is never merged into the model.',
  positionals: 'DIRECTORY',
  positionalsMax: 1,
  flags: {
    base: { help: 'model file that the adapter is for', value: 'FILE', parse: asText },
    float: {
      help: 'the GGUF file or checkpoint directory that the model file was made from',
      value: 'FILE|DIRECTORY',
      parse: asText,
    },
    out: { help: 'adapter file to write', value: 'FILE', parse: asText },
  },
  run: async ({ flags, positionals, print }) => {
    const { base, float, out } = flags
    if (base === undefined || float === undefined || out === undefined) {
      throw new UsageError('--base, --float and --out are required')
    }
    const directory = positional(positionals, 'the directory of an adapter')
    const config = Fields.ofJson('adapter_config.json', readText(join(directory, 'adapter_config.json')))
    const model = readModel(base)
    const { source, close } = openFloat(float, model.config.context)
    const file = new FileSource(join(directory, 'adapter_model.safetensors'))
    try {
      requireSameShape(model, source)
      const trained = peftAdapter(config, readSafetensors(file), model.config.layers)
      const adapter = convertAdapter(trained, modelRoot(model), model, (layer) => source.layer(layer))
      writeFileSync(out, encodeAdapter(adapter))
      print(`${out}: rank ${adapter.rank}, base ${adapter.base}, root ${adapterRoot(adapter)}`)
      return exitCodes.ok
    } finally {
      file.close()
      close()
    }
  },
})

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`${path} cannot be read`, { cause })
  }
}
