/**
 * Trains on subsets of the contributors, half of them each, and writes what every query's loss is then. Goes on where it stopped.
 * Usage: npx tsx scripts/attribution-quality/retrain.ts FILE.json SUBSETS
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Trainer } from '../../worker/trainer/trainer.ts'
import { dataRootOf } from '../../worker/trainer/training-texts.ts'
import { shuffled } from '../train-base/document.ts'
import { type Corpus, parametersFor, readCorpus } from './corpus.ts'
import { contributors } from './sources.ts'

/** A training on some of the contributors, by their places, and each query's mean nats a token after it. */
export type Retrained = { readonly subset: readonly number[]; readonly losses: readonly number[] }

const [file, subsets] = process.argv.slice(2)
if (file === undefined || subsets === undefined) throw new Error('usage: retrain.ts FILE.json SUBSETS')
const done = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Retrained[]) : []
const corpus = readCorpus()
while (done.length < Number(subsets)) {
  done.push(retrain(corpus, subsetOf(done.length)))
  writeFileSync(file, `[\n${done.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
}

function retrain({ model, root, examples, queries }: Corpus, subset: readonly number[]): Retrained {
  const chosen = examples.filter(({ contribution }) => subset.includes(Number(contribution)))
  const trainer = new Trainer(parametersFor(chosen), { model, root, examples: chosen, dataRoot: dataRootOf(chosen) })
  while (!trainer.isDone) trainer.next()
  return { subset, losses: queries.map((query) => trainer.loss(query)) }
}

function subsetOf(index: number): number[] {
  const order = shuffled(
    contributors.map((_, c) => c),
    `subset ${index}`,
    String,
  )
  return order.slice(0, contributors.length / 2).sort((a, b) => a - b)
}
