import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asCount, asPositive, asReal, asSwitch, asText } from '../../common/flag-parsers.ts'
import type { Log } from '../../common/log.ts'
import { targets as allTargets, type Target } from '../../inference/adapter/adapter.ts'
import { adapterRoot, encodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { modelRoot } from '../../inference/model-file.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { HyperParameters } from '../../worker/trainer/hyper-parameters.ts'
import { TrainError } from '../../worker/trainer/train-error.ts'
import { Trainer } from '../../worker/trainer/trainer.ts'
import { trainingRecord } from '../../worker/trainer/training-record.ts'
import { type ContributedExample, dataRootOf, examplesOf } from '../../worker/trainer/training-texts.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { positional } from './positional.ts'
import { readModel } from './read-model.ts'
import { writeSketches } from './sketch-adapter.ts'
import { templateFor } from './templates.ts'
import { readTrainingTexts } from './training-data.ts'

/** Steps between two savings of the state. */
const saveSteps = 50
const logSteps = 10
const roundsDefault = 2

export const train = defineCommand({
  summary:
    'Trains a LoRA adapter for a model file. Model, data and flags decide every bit of it, on any machine. Beside it goes OUT.json, the record from which anybody can train it again, OUT.sketches, by which its answers are attributed, and OUT.olt, the table of them that workers and watchers need once it is registered. docs/GRADIENTS.md.',
  positionals: 'MODEL',
  positionalsMax: 1,
  flags: {
    data: {
      help: 'JSONL of {"text"} or {"prompt", "answer"}, each with "contribution"; absent: number of the line',
      value: 'FILE',
      parse: asText,
    },
    'held-out': { help: 'JSONL like it, of which the loss is shown before and after', value: 'FILE', parse: asText },
    out: { help: 'adapter file to write', value: 'FILE', parse: asText },
    state: { help: 'where the training is kept while it runs, and taken up again', value: 'FILE', parse: asText },
    rank: { help: 'of the adapter: a multiple of 8', value: 'N', parse: asPositive, default: '8' },
    targets: {
      help: `linears that are adapted: ${allTargets.join(',')}`,
      value: 'LIST',
      parse: asTargets,
      default: 'query,value',
    },
    length: { help: 'most positions of a piece of text', value: 'N', parse: asPositive, default: '128' },
    batch: { help: 'pieces a step', value: 'N', parse: asPositive, default: '4' },
    steps: { help: 'absent: as many as it takes to see every piece twice', value: 'N', parse: asPositive },
    rate: { help: 'largest learning rate', value: 'R', parse: asReal, default: '0.005' },
    'warm-up': { help: 'steps until it is reached', value: 'N', parse: asCount, default: '0' },
    decay: { help: 'weight decay', value: 'D', parse: asReal, default: '0' },
    seed: { help: 'another one starts and orders otherwise', value: 'N', parse: asCount, default: '1' },
    sketches: { help: 'false: no sketches, so that answers cannot be attributed', parse: asSwitch, default: 'true' },
  },
  run: async ({ flags, positionals, log, print, signal }) => {
    const { data, out } = flags
    if (data === undefined || out === undefined) throw new UsageError('--data and --out are required')
    const model = readModel(positional(positionals, 'a model file'))
    const root = modelRoot(model)
    const tokenizer = readTokenizer(model.tokenizer)
    const { bos, eos } = model.config
    const parts = { tokenizer, template: templateFor('auto', tokenizer, bos), bos, eos }
    const read = (path: string) => examplesOf(readTrainingTexts(path), parts, flags.length)
    try {
      const examples = read(data)
      const heldOut = flags['held-out'] === undefined ? [] : read(flags['held-out'])
      const parameters: HyperParameters = {
        ...{ rank: flags.rank, targets: flags.targets, length: flags.length, batch: flags.batch, seed: flags.seed },
        ...{ rate: flags.rate, warmUp: flags['warm-up'], decay: flags.decay },
        steps: flags.steps ?? Math.ceil((roundsDefault * examples.length) / flags.batch),
      }
      const dataRoot = dataRootOf(examples)
      const trainer = new Trainer(parameters, { model, root, examples, dataRoot })
      const before = meanLoss(trainer, heldOut)
      const state = flags.state
      if (state !== undefined && existsSync(state)) trainer.resume(new Uint8Array(readFileSync(state)))
      if (!finish(trainer, state, log, signal)) return exitCodes.failed
      const adapter = trainer.adapter()
      writeFileSync(out, encodeAdapter(adapter))
      const made = { base: root, data: dataRoot, parameters, adapter: adapterRoot(adapter) }
      const subject = { base: root, adapter: made.adapter, data: dataRoot, seed: parameters.seed }
      const sketches = flags.sketches
        ? writeSketches(out, { model, adapter, examples, length: flags.length, subject, log, signal })
        : undefined
      const record = trainingRecord(sketches === undefined ? made : { ...made, sketches }, examples)
      writeFileSync(`${out}.json`, `${JSON.stringify(record, undefined, 2)}\n`)
      if (before !== undefined)
        print(`held out: ${before.toFixed(4)} nats a token before, ${meanLoss(trainer, heldOut)?.toFixed(4)} after`)
      print(`${out}: rank ${adapter.rank}, base ${root}, root ${made.adapter}`)
      return exitCodes.ok
    } catch (error) {
      if (!(error instanceof TrainError) && !(error instanceof InferenceError)) throw error
      throw new UsageError(error.message, { cause: error })
    }
  },
})

/** False where it was stopped; its state is kept then. */
function finish(trainer: Trainer, state: string | undefined, log: Log, signal: AbortSignal): boolean {
  const save = () => {
    if (state === undefined) return
    writeFileSync(`${state}.partial`, trainer.state())
    renameSync(`${state}.partial`, state)
  }
  while (!trainer.isDone && !signal.aborted) {
    const { step, loss, tokens } = trainer.next()
    if (step % logSteps === 0 || trainer.isDone) log.info('trained', { step, loss: loss.toFixed(4), tokens })
    if (step % saveSteps === 0) save()
  }
  save()
  if (!trainer.isDone) log.warn('stopped', { step: trainer.step, kept: state ?? 'nothing' })
  return trainer.isDone
}

function meanLoss(trainer: Trainer, examples: readonly ContributedExample[]): number | undefined {
  if (examples.length === 0) return undefined
  return examples.reduce((sum, example) => sum + trainer.loss(example), 0) / examples.length
}

/** In the order of their numbers, however they are given. */
function asTargets(text: string): Target[] {
  const names = text.split(',')
  const unknown = names.find((name) => !allTargets.some((target) => target === name))
  if (unknown !== undefined) throw new Error(`must be some of ${allTargets.join(',')}`)
  return allTargets.filter((target) => names.includes(target))
}
