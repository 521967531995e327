import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Example } from '../../inference/gradients/gradient-pass.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { type ModelTokenizer, readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { HyperParameters } from '../../worker/trainer/hyper-parameters.ts'
import type { ContributedExample } from '../../worker/trainer/training-texts.ts'
import { bos, eos } from '../train-base/encode.ts'
import { commentsOf, contributors } from './sources.ts'

/** The base model as it was when the fixture was made; its root is in the fixture. */
const modelFile = join(import.meta.dirname, 'base.olm')
export const length = 64
const tokensMin = 30
const textsEach = 4
const queriesEach = 2
const epochs = 2
/** How often the labelled examples of flipped.ts are seen. */
export const labelledRounds = 6
const batch = 4

export type Corpus = {
  readonly model: CanonicalModel
  readonly root: Hex
  readonly tokenizer: ModelTokenizer
  /** `contribution` is the place in {@link contributors}; the examples of one stand together. */
  readonly examples: readonly ContributedExample[]
  readonly queries: readonly ContributedExample[]
}

/** Texts of each contributor: some to train on, some that ask for who they are like. */
export function readCorpus(): Corpus {
  const model = decodeModel(new Uint8Array(readFileSync(modelFile)))
  const tokenizer = readTokenizer(model.tokenizer)
  const taken = contributors.map((name, c) => {
    const cut = (text: string) => [bos, ...tokenizer.encode(text), eos].slice(0, length + 1)
    const tokens = commentsOf(name)
      .map(cut)
      .filter((list) => list.length >= tokensMin)
    const examples = tokens.map((list): ContributedExample => ({ tokens: list, from: 1, contribution: BigInt(c) }))
    return { train: examples.slice(0, textsEach), asked: examples.slice(textsEach, textsEach + queriesEach) }
  })
  return {
    model,
    root: modelRoot(model),
    tokenizer,
    examples: taken.flatMap(({ train }) => train),
    queries: taken.flatMap(({ asked }) => asked),
  }
}

/** The same for all trainings but the number of steps: each text is seen twice. */
export function parametersFor(examples: readonly Example[]): HyperParameters {
  const steps = Math.floor((examples.length * epochs) / batch)
  return { rank: 8, targets: ['query', 'value'], length, batch, steps, rate: 0.005, warmUp: 5, decay: 0, seed: 1 }
}
