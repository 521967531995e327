import { createHash } from 'node:crypto'
import { UsageError } from '../../common/errors.ts'
import { asCount, asPositive, asReal, asText, oneOf } from '../../common/flag-parsers.ts'
import { type Slot, weightMax } from '../../inference/adapter/adapter.ts'
import { decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { type AnswerRequest, generate } from '../../inference/answer/generate.ts'
import { stopList } from '../../inference/answer/stops.ts'
import { inputTokens } from '../../inference/answer/template.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { modelRoot } from '../../inference/model-file.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { positional } from './positional.ts'
import { readModel, readModelBytes } from './read-model.ts'
import { templateFor } from './templates.ts'

export const run = defineCommand({
  summary:
    'Answers a prompt with a model file, on this machine and without a chain. The same flags give the same answer.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    prompt: { help: 'what is asked', value: 'TEXT', parse: asText },
    system: { help: 'what the model is told before', value: 'TEXT', parse: asText },
    template: {
      help: 'what stands around the prompt; auto: by the special tokens of the model',
      value: 'auto|plain|chat|chatml|llama3',
      parse: oneOf('auto', 'plain', 'chat', 'chatml', 'llama3'),
      default: 'auto',
    },
    'max-tokens': { help: 'most tokens of the answer', value: 'N', parse: asPositive, default: '128' },
    temperature: { help: '0 takes the likeliest token each time', value: 'T', parse: asReal, default: '0' },
    'top-k': { help: 'most candidates a token; 0: all', value: 'N', parse: asCount, default: '0' },
    'top-p': { help: 'probability that candidates must reach together', value: 'P', parse: asReal, default: '1' },
    seed: { help: 'another one draws other tokens', value: 'TEXT', parse: asText, default: 'openledger' },
    adapter: { help: 'adapter file whose part is added; see convert-adapter', value: 'FILE', parse: asText },
    stop: { help: 'text that ends the answer', value: 'TEXT', parse: asText },
  },
  run: async ({ flags, positionals, log, print, signal }) => {
    if (flags.prompt === undefined) throw new UsageError('--prompt is required')
    const model = readModel(positional(positionals, 'a model file'))
    const tokenizer = readTokenizer(model.tokenizer)
    const { bos } = model.config
    const messages = [
      ...(flags.system === undefined ? [] : [{ role: 'system', text: flags.system }]),
      { role: 'user', text: flags.prompt },
    ]
    const request: AnswerRequest = {
      input: inputTokens(templateFor(flags.template, tokenizer, bos), tokenizer, bos, messages),
      rule: {
        tempQ16: Math.round(flags.temperature * 65_536),
        topK: flags['top-k'],
        topPQ16: Math.round(flags['top-p'] * 65_536),
      },
      maxTokens: flags['max-tokens'],
      stops: flags.stop === undefined ? [] : stopList([flags.stop]),
      seed: createHash('sha256').update(flags.seed).digest(),
    }
    const slots = flags.adapter === undefined ? [] : [slotOf(flags.adapter, model)]
    const parts = { engine: new WasmEngine(model), expTable: model.expTable, text: tokenizer }
    const lines = new Lines(print)
    let count = 0
    for await (const { token, end } of generate(parts, { ...request, slots }, { signal })) {
      lines.push(tokenizer.decode([token]))
      count++
      if (end !== undefined) log.info('answered', { inputTokens: request.input.length, outputTokens: count, end })
    }
    lines.end()
    return exitCodes.ok
  },
})

/** Text that comes in bytes, printed line by line. */
class Lines {
  readonly #print: (line: string) => void
  readonly #decoder = new TextDecoder()
  #line = ''

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  push(bytes: Uint8Array): void {
    const parts = (this.#line + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#line = parts.pop() ?? ''
    for (const line of parts) this.#print(line)
  }

  end(): void {
    this.#print(this.#line + this.#decoder.decode())
  }
}

/** The adapter at its full weight. Throws {@link UsageError} for a file that is none for this model. */
function slotOf(path: string, model: CanonicalModel): Slot {
  const bytes = readModelBytes(path)
  try {
    return { adapter: decodeAdapter(bytes, { root: modelRoot(model), config: model.config }), weight: weightMax }
  } catch (cause) {
    throw new UsageError(`--adapter ${path} is refused`, { cause })
  }
}
