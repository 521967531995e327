import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asPositive, asText } from '../../common/flag-parsers.ts'
import type { Log } from '../../common/log.ts'
import { canonicalConfig, convertFrame, convertLayers } from '../../inference/float/convert.ts'
import type { FloatSource } from '../../inference/float/float-model.ts'
import { configLimits } from '../../inference/model-config.ts'
import { layerSections, sectionsBeforeLayers, sectionsBehindLayers } from '../../inference/model-file.ts'
import { listedRoot } from '../../inference/sections.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { writeListing } from './listing.ts'
import { ModelWriter } from './model-writer.ts'
import { openFloat } from './open-float.ts'
import { positional } from './positional.ts'

export const convert = defineCommand({
  summary:
    'Makes a canonical integer model of a GGUF file or of a directory of a HF checkpoint (config.json, tokenizer.json, safetensors). What the calibration text does in the model decides how outliers are smoothed, so the same text gives the same root. docs/MODELS.md lists what is supported.',
  positionals: 'FILE|DIRECTORY',
  positionalsMax: 1,
  flags: {
    out: { help: 'model file to write; a list of its sections goes to FILE.json', value: 'FILE', parse: asText },
    calibration: {
      help: 'text to calibrate with; absent: one that comes with the program',
      value: 'FILE',
      parse: asText,
    },
    'calibration-tokens': { help: 'tokens of it that are used', value: 'N', parse: asPositive, default: '512' },
    context: {
      help: 'most positions; less than the checkpoint has saves memory of every conversation',
      value: 'N',
      parse: asPositive,
      default: String(configLimits.context[1]),
    },
  },
  run: async ({ flags, positionals, log, print, signal }) => {
    const { out } = flags
    if (out === undefined) throw new UsageError('--out is required')
    const contextMax = Math.min(flags.context, configLimits.context[1])
    const { source, close } = openFloat(positional(positionals, 'a GGUF file or a checkpoint directory'), contextMax)
    try {
      const text = calibrationText(flags.calibration)
      const tokens = calibrationTokens(source, text, flags['calibration-tokens'])
      log.info('converting', { ...source.shape, calibrationTokens: tokens.length })
      const sections = writeModel(out, source, tokens, log, signal)
      writeListing(out, sections)
      print(
        `${out}: ${(sections.reduce((sum, { length }) => sum + length, 0) / 1e6).toFixed(1)} MB, root ${listedRoot(sections)}`,
      )
      return exitCodes.ok
    } finally {
      close()
    }
  },
})

function writeModel(out: string, source: FloatSource, tokens: readonly number[], log: Log, signal: AbortSignal) {
  const writer = new ModelWriter(out, canonicalConfig(source))
  try {
    const frame = convertFrame(source)
    for (const section of sectionsBeforeLayers(frame)) writer.write(section)
    let done = 0
    for (const layer of convertLayers(source, tokens)) {
      signal.throwIfAborted()
      for (const section of layerSections(layer, done)) writer.write(section)
      done++
      log.info('layer converted', { layer: done, of: source.shape.layers })
    }
    for (const section of sectionsBehindLayers(frame)) writer.write(section)
    writer.finish()
    return writer.sections
  } catch (error) {
    writer.abandon()
    throw error
  }
}

function calibrationText(path: string | undefined): string {
  const file = path ?? new URL('./calibration.txt', import.meta.url)
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`--calibration ${path} cannot be read`, { cause })
  }
}

function calibrationTokens({ config, tokenizer }: FloatSource, text: string, max: number): number[] {
  const tokens = readTokenizer(tokenizer).encode(text)
  if (tokens.length === 0) throw new UsageError('the calibration text is empty')
  return [config.bos, ...tokens].slice(0, max)
}
