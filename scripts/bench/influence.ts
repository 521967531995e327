import { readFileSync } from 'node:fs'
import { byteQuery, scoreOf, tableOf } from '../../attribution/combined/influence-table.ts'
import { DataInf } from '../../attribution/gradients/data-inf.ts'
import type { Fold } from '../../attribution/gradients/projection.ts'
import { InfluenceScorer, querySketch } from '../../attribution/gradients/query.ts'
import { makeSketches } from '../../attribution/gradients/sketches.ts'
import { decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Corpus, readCorpus } from '../attribution-quality/corpus.ts'
import { qualityAdapterFile } from '../attribution-quality/fixture.ts'
import { type Gradients, gradientsOf } from '../attribution-quality/methods.ts'
import { spearman } from '../attribution-quality/metrics.ts'

type FoldBench = {
  readonly fold: number
  readonly numbers: number
  /** Against DataInf on whole gradients: of all examples, mean over the queries. */
  readonly spearman: number
  /** How much less time scores take, sketching the query's gradient counted in; and without that. */
  readonly timesFaster: number
  readonly timesFasterScoring: number
  readonly makeMs: number
}

export type InfluenceBench = {
  readonly examples: number
  readonly parameters: number
  readonly queries: number
  readonly wholeMsPerQuery: number
  readonly gradientMsPerText: number
  readonly folds: readonly FoldBench[]
  readonly table: TableBench
}

/** The table of signed bytes that a chain multiplies, by contribution: its ranks against the same sums before they were rounded. */
type TableBench = {
  readonly fold: Fold
  readonly rows: number
  /** Against the sketches of 16 bits, and against DataInf on whole gradients; means over the queries, and the lowest. */
  readonly spearmanToSketches: number
  readonly lowestToSketches: number
  readonly spearmanToWhole: number
}

/** What tables are made with unless a record says otherwise. */
const tableFold: Fold = 2
const zero: Hex = `0x${'00'.repeat(32)}`

/** Scores of all examples for a query: by sketches, and by our own DataInf on whole gradients; processor time of one run. */
export async function benchInfluence({ quick }: { readonly quick: boolean }): Promise<InfluenceBench> {
  const corpus = readCorpus()
  const base = { root: corpus.root, config: corpus.model.config }
  const adapter = decodeAdapter(new Uint8Array(readFileSync(qualityAdapterFile)), base)
  const asked = quick ? { ...corpus, queries: corpus.queries.slice(0, 8) } : corpus
  const [gradients, gradientMs] = timed(() => gradientsOf(asked, adapter))
  const whole = new DataInf(gradients.adapter.pass.blocks, adapter.rank, gradients.examples)
  const [exact, wholeMs] = timed(() => gradients.queries.map((query) => whole.scores(query)))
  const count = asked.queries.length
  return {
    examples: asked.examples.length,
    parameters: gradients.adapter.pass.parameterCount,
    queries: count,
    wholeMsPerQuery: wholeMs / count,
    gradientMsPerText: gradientMs / (asked.examples.length + count),
    folds: [2, 4, 8].map((fold) => benchFold(fold, gradients, exact, wholeMs)),
    table: benchTable(asked, gradients, exact),
  }
}

function benchTable({ examples }: Corpus, gradients: Gradients, exact: readonly Float64Array[]): TableBench {
  const projection = gradients.adapter.projection(1, tableFold)
  const contributions = examples.map(({ contribution }) => contribution)
  const contributed = contributions.map((contribution, i) => ({
    contribution,
    gradient: gradients.examples[i] as Float32Array,
  }))
  const subject = { base: zero, adapter: zero, data: zero, seed: 1, fold: tableFold }
  const file = { ...subject, ...makeSketches(projection, contributed) }
  const scorer = new InfluenceScorer(file)
  const table = tableOf(file)
  const ids = table.rows.map(({ contribId }) => contribId)
  const summed = (scores: ArrayLike<number>) =>
    ids.map((id) => contributions.reduce((sum, other, i) => (other === id ? sum + (scores[i] as number) : sum), 0))
  const [toSketches, toWhole]: [number[], number[]] = [[], []]
  for (const [q, gradient] of gradients.queries.entries()) {
    const query = querySketch(projection, file.scales, gradient)
    const bytes = table.rows.map((row) => Number(scoreOf(row, byteQuery(query))))
    toSketches.push(spearman(bytes, summed(Array.from(scorer.scores(query), Number))))
    toWhole.push(spearman(bytes, summed(exact[q] as Float64Array)))
  }
  return {
    fold: tableFold,
    rows: table.rows.length,
    spearmanToSketches: mean(toSketches),
    lowestToSketches: Math.min(...toSketches),
    spearmanToWhole: mean(toWhole),
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function benchFold(fold: number, gradients: Gradients, exact: readonly Float64Array[], wholeMs: number): FoldBench {
  const projection = gradients.adapter.projection(1, fold)
  const examples = gradients.examples.map((gradient, i) => ({ contribution: BigInt(i), gradient }))
  const [sketches, makeMs] = timed(() => makeSketches(projection, examples))
  const scorer = new InfluenceScorer(sketches)
  const [queries, sketchMs] = timed(() => gradients.queries.map((g) => querySketch(projection, sketches.scales, g)))
  const [scores, scoreMs] = timed(() => queries.map((query) => scorer.scores(query)))
  const agreement = scores.map((list, q) => spearman(Array.from(list, Number), exact[q] as Float64Array))
  return {
    fold,
    numbers: projection.size,
    spearman: mean(agreement),
    timesFaster: wholeMs / (sketchMs + scoreMs),
    timesFasterScoring: wholeMs / scoreMs,
    makeMs,
  }
}

function timed<T>(work: () => T): [T, ms: number] {
  const start = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(start)
  return [result, (user + system) / 1000]
}
