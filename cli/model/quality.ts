import { readFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asPositive, asText } from '../../common/flag-parsers.ts'
import { canonicalConfig } from '../../inference/float/convert.ts'
import type { FloatSource } from '../../inference/float/float-model.ts'
import { compareQuality, type Quality } from '../../inference/float/quality.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { equalBytes } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { openFloat } from './open-float.ts'
import { positional } from './positional.ts'
import { readModel } from './read-model.ts'

export const quality = defineCommand({
  summary:
    'Compares a model file with the float model that it was made from, on a text: perplexity, bits per byte, agreement of the most likely token, divergence. The float model is run in doubles, which is slow: a few tokens a second at 135 million weights.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    float: {
      help: 'the GGUF file or checkpoint directory that it was made from',
      value: 'FILE|DIRECTORY',
      parse: asText,
    },
    text: { help: 'text to compare on; not the one it was calibrated with', value: 'FILE', parse: asText },
    tokens: { help: 'tokens of it that are used', value: 'N', parse: asPositive, default: '256' },
  },
  run: async ({ flags, positionals, log, print, signal }) => {
    const { float, text } = flags
    if (float === undefined || text === undefined) throw new UsageError('--float and --text are required')
    const model = readModel(positional(positionals, 'a model file'))
    const { source, close } = openFloat(float, model.config.context)
    try {
      requireSameShape(model, source)
      const tokenizer = readTokenizer(model.tokenizer)
      // One window, so that every token is predicted.
      const tokens = tokenizer.encode(readText(text)).slice(0, Math.min(flags.tokens, model.config.context - 1))
      if (tokens.length < 2) throw new UsageError(`--text ${text} has no two tokens`)
      const bytes = tokenizer.decode(tokens).length
      const measured = compareQuality(source, new WasmEngine(model), [model.config.bos, ...tokens], (layer) => {
        signal.throwIfAborted()
        log.info('float model', { layer: layer + 1, of: source.shape.layers })
      })
      for (const line of report(measured, bytes)) print(line)
      return exitCodes.ok
    } finally {
      close()
    }
  },
})

function report(measured: Quality, bytes: number): string[] {
  const perByte = (nats: number) => (nats / Math.LN2 / bytes).toFixed(4)
  const change = 100 * (measured.integerPerplexity / measured.floatPerplexity - 1)
  return [
    `tokens              ${measured.positions} (${bytes} bytes)`,
    `perplexity          float ${measured.floatPerplexity.toFixed(4)}, integer ${measured.integerPerplexity.toFixed(4)} (${change >= 0 ? '+' : ''}${change.toFixed(2)} %)`,
    `bits per byte       float ${perByte(measured.floatNats)}, integer ${perByte(measured.integerNats)}`,
    `same first token    ${(100 * measured.argmaxAgreement).toFixed(2)} %`,
    `mean divergence     ${measured.divergence.toExponential(2)} nats`,
  ]
}

/** Throws {@link UsageError} where a float model is not what a model file was made from. */
export function requireSameShape(model: CanonicalModel, source: FloatSource): void {
  const float = canonicalConfig(source)
  for (const [name, value] of Object.entries(float)) {
    const own = model.config[name as keyof typeof float]
    if (own !== value) throw new UsageError(`the float model's ${name} is ${value}, the model file's ${own}`)
  }
  if (!equalBytes(source.tokenizer, model.tokenizer)) throw new UsageError('the float model has another tokenizer')
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`--text ${path} cannot be read`, { cause })
  }
}
