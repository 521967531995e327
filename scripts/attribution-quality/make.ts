/**
 * Makes the frozen fixture of docs/attribution-quality.md from retrained losses: trains on everybody, computes every method's scores.
 * Usage: npx tsx scripts/attribution-quality/make.ts RETRAINED.json FIXTURE.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dot } from '../../attribution/gradients/data-inf.ts'
import { AdapterGradients } from '../../attribution/gradients/gradient-attributor.ts'
import { InfluenceScorer, querySketch } from '../../attribution/gradients/query.ts'
import { makeSketches } from '../../attribution/gradients/sketches.ts'
import { adapterRoot, encodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { Trainer } from '../../worker/trainer/trainer.ts'
import { dataRootOf } from '../../worker/trainer/training-texts.ts'
import { type Corpus, labelledRounds, length, parametersFor, readCorpus } from './corpus.ts'
import type { QualityFixture } from './fixture.ts'
import { readLabelled } from './flipped.ts'
import {
  bm25,
  classG,
  embeddings,
  gradientDot,
  gradientsOf,
  type Scores,
  spans,
  trak,
  wholeDataInf,
} from './methods.ts'
import type { Subset } from './metrics.ts'
import { contributors } from './sources.ts'

const [retrained, fixture] = process.argv.slice(2)
if (retrained === undefined || fixture === undefined) throw new Error('usage: make.ts RETRAINED.json FIXTURE.json')
const corpus = readCorpus()
const { model, root, examples, queries } = corpus
const data = dataRootOf(examples)
const trainer = new Trainer(parametersFor(examples), { model, root, examples, dataRoot: data })
const before = queries.map((query) => trainer.loss(query))
while (!trainer.isDone) trainer.next()
const adapter = trainer.adapter()
writeFileSync(fixture.replace(/\.json$/, '.ola'), encodeAdapter(adapter))
const gradients = gradientsOf(corpus, adapter)
const made: QualityFixture = {
  base: root,
  data,
  adapter: adapterRoot(adapter),
  contributors,
  authors: queries.map(({ contribution }) => Number(contribution)),
  before: before.map(short),
  after: queries.map((query) => short(trainer.loss(query))),
  subsets: (JSON.parse(readFileSync(retrained, 'utf8')) as Subset[]).map(({ subset, losses }) => ({
    subset,
    losses: losses.map(short),
  })),
  scores: {
    classG: classG(corpus, adapter, gradients),
    dataInf: shortened(wholeDataInf(corpus, gradients)),
    dot: shortened(gradientDot(corpus, gradients)),
    trak: shortened(trak(corpus, gradients)),
    bm25: bm25(corpus),
    spans: spans(corpus),
    embeddings: shortened(embeddings(corpus)),
  },
  labels: labels(corpus),
}
writeFileSync(fixture, `${JSON.stringify(made).replaceAll(/\],\[/g, '],\n[')}\n`)

function labels({ model, root, tokenizer }: Corpus): QualityFixture['labels'] {
  const { examples, flipped, queries } = readLabelled({ tokenizer })
  const parameters = { ...parametersFor(examples), steps: (examples.length * labelledRounds) / 4 }
  const trainer = new Trainer(parameters, { model, root, examples, dataRoot: dataRootOf(examples) })
  while (!trainer.isDone) trainer.next()
  const adapter = trainer.adapter()
  const gradients = new AdapterGradients(model, adapter, length)
  const projection = gradients.projection(1, 2)
  const own = examples.map((example) => ({ contribution: example.contribution, gradient: gradients.of(example) }))
  const sketches = makeSketches(projection, own)
  const scorer = new InfluenceScorer(sketches)
  const [sums, dots] = [examples.map(() => 0), examples.map(() => 0)]
  for (const query of queries) {
    const gradient = gradients.of(query)
    const scores = scorer.scores(querySketch(projection, sketches.scales, gradient))
    for (const [k, one] of own.entries()) {
      sums[k] = (sums[k] as number) + Number(scores[k])
      dots[k] = (dots[k] as number) + dot(gradient, one.gradient, 0, gradient.length)
    }
  }
  return { adapter: adapterRoot(adapter), flipped, classG: sums, dot: dots.map(short) }
}

function short(value: number): number {
  return Number(value.toPrecision(7))
}

function shortened(scores: Scores): Scores {
  return scores.map((row) => row.map(short))
}
