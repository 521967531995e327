import { readFileSync } from 'node:fs'
import { type Slot, weightMax } from '../../inference/adapter/adapter.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import { chatTemplate } from '../../inference/answer/template.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { Trainer } from '../../worker/trainer/trainer.ts'
import { dataRootOf, examplesOf } from '../../worker/trainer/training-texts.ts'
import { commentsOf } from '../attribution-quality/sources.ts'
import { bos, eos } from '../train-base/encode.ts'
import { nextNats } from '../train-base/next-nats.ts'

/** A package whose comments the base model never saw. */
const subject = 'graphql'
const trainTexts = 100
const heldOutTexts = 12
export type TrainBench = {
  readonly tokPerS: number
  readonly steps: number
  readonly tokens: number
  /** Bits a token of held-out texts of the canonical model, without and with the adapter. */
  readonly heldOutBits: readonly [before: number, after: number]
  /** Share of them that the adapter saves. */
  readonly heldOutGain: number
  readonly adapter: string
}

/** Training on one thread, by processor time, and what the canonical adapter is worth to the integer engine. */
export async function benchTrain({ quick }: { readonly quick: boolean }): Promise<TrainBench> {
  const model = decodeModel(new Uint8Array(readFileSync(baseModelFile)))
  const tokenizer = readTokenizer(model.tokenizer)
  const texts = commentsOf(subject).slice(0, quick ? 24 : trainTexts)
  const parts = { tokenizer, template: chatTemplate, bos, eos }
  const examples = examplesOf(
    texts.map((text, i) => ({ contribution: BigInt(i), text })),
    parts,
    128,
  )
  const shape = { rank: 8, targets: ['query', 'value'] as const, length: 128, batch: 4 }
  const steps = Math.ceil(((quick ? 1 : 3) * examples.length) / shape.batch)
  const parameters = { ...shape, steps, rate: 0.005, warmUp: 5, decay: 0, seed: 1 }
  const root = modelRoot(model)
  const trainer = new Trainer(parameters, { model, root, examples, dataRoot: dataRootOf(examples) })
  const start = process.cpuUsage()
  let tokens = 0
  while (!trainer.isDone) tokens += trainer.next().tokens
  const { user, system } = process.cpuUsage(start)
  const adapter = trainer.adapter()
  const engine = new WasmEngine(model)
  const heldOut = commentsOf(subject)
    .slice(trainTexts, trainTexts + heldOutTexts)
    .map((text) => [bos, ...tokenizer.encode(text), eos].slice(0, 128))
  const bits = (slots: readonly Slot[]) => {
    const nats = heldOut.reduce((sum, list) => sum + nextNats(engine, list, { slots }), 0)
    return nats / Math.LN2 / heldOut.reduce((sum, list) => sum + list.length - 1, 0)
  }
  const [before, after] = [bits([]), bits([{ adapter, weight: weightMax }])]
  return {
    tokPerS: Math.round(tokens / ((user + system) / 1e6)),
    steps,
    tokens,
    heldOutBits: [before, after],
    heldOutGain: 1 - after / before,
    adapter: adapterRoot(adapter),
  }
}
