import { DataInf, dot } from '../../attribution/gradients/data-inf.ts'
import { AdapterGradients, GradientAttributor } from '../../attribution/gradients/gradient-attributor.ts'
import { makeSketches } from '../../attribution/gradients/sketches.ts'
import { Bm25 } from '../../attribution/retrieval/bm25.ts'
import { attribute } from '../../attribution/suffix/attribute.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import { contributionParts } from '../../attribution/suffix/shares.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { termForms } from '../../attribution/terms.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import { dequantiseRows } from '../../inference/gradients/placed-weights.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { ContributedExample } from '../../worker/trainer/training-texts.ts'
import { type Corpus, length } from './corpus.ts'
import { contributors } from './sources.ts'

/** Per query what each contributor did for it. */
export type Scores = readonly (readonly number[])[]

const zero: Hex = `0x${'00'.repeat(32)}`

export type Gradients = {
  readonly adapter: AdapterGradients
  readonly examples: readonly Float32Array[]
  readonly queries: readonly Float32Array[]
}

export function gradientsOf({ model, examples, queries }: Corpus, adapter: Adapter): Gradients {
  const gradients = new AdapterGradients(model, adapter, length)
  const all = (list: readonly ContributedExample[]) => list.map((example) => gradients.of(example))
  return { adapter: gradients, examples: all(examples), queries: all(queries) }
}

/** Class G itself: parts P_c. */
export function classG(corpus: Corpus, adapter: Adapter, gradients: Gradients): Scores {
  const { model, examples, queries } = corpus
  const projection = gradients.adapter.projection(1, 2)
  const contributed = examples.map(({ contribution }, i) => ({
    contribution,
    gradient: gradients.examples[i] as Float32Array,
  }))
  const subject = { base: adapter.base, adapter: adapterRoot(adapter), data: zero, seed: 1, fold: 2 }
  const file = { ...subject, ...makeSketches(projection, contributed) }
  const attributor = new GradientAttributor(model, adapter, file, length)
  return queries.map((query) => {
    const parts = attributor.parts(attributor.sketch(query))
    return contributors.map((_, c) => Number(parts.get(BigInt(c))))
  })
}

export function wholeDataInf(corpus: Corpus, { adapter, examples, queries }: Gradients): Scores {
  const whole = new DataInf(adapter.pass.blocks, adapter.pass.shape.rank, examples)
  return queries.map((query) => byContributor(corpus, whole.scores(query)))
}

export function gradientDot(corpus: Corpus, { examples, queries }: Gradients): Scores {
  return queries.map((query) =>
    byContributor(
      corpus,
      examples.map((gradient) => dot(query, gradient, 0, query.length)),
    ),
  )
}

/** One model's TRAK without its output weights: φ(q)·(ΦᵀΦ + λ)⁻¹·φ(k), by the examples' own products. */
export function trak(corpus: Corpus, { examples, queries }: Gradients): Scores {
  const inner = (a: Float32Array, b: Float32Array) => dot(a, b, 0, a.length)
  const products = examples.map((a) => examples.map((b) => inner(a, b)))
  const lambda = (0.1 * products.reduce((sum, row, i) => sum + (row[i] as number), 0)) / examples.length
  return queries.map((query) => {
    const rows = products.map((row, i) => [
      ...row.map((value, j) => value + (i === j ? lambda : 0)),
      inner(query, examples[i] as Float32Array),
    ])
    return byContributor(corpus, solve(rows))
  })
}

/** BM25 of each contributor's texts as one unit. */
export function bm25({ tokenizer, examples, queries }: Corpus): Scores {
  const decoder = new TextDecoder()
  const text = ({ tokens }: ContributedExample) => decoder.decode(tokenizer.decode([...tokens]))
  const units = contributors.map((_, c) =>
    examples.filter(({ contribution }) => contribution === BigInt(c)).flatMap((one) => termForms(text(one))),
  )
  const search = new Bm25(units)
  return queries.map((query) => Array.from(search.scores(termForms(text(query)))))
}

/** Class S: what spans of the query's tokens give each contributor; every text is a contribution of its own. */
export function spans(corpus: Corpus): Scores {
  const { examples, queries } = corpus
  const index = spanIndex(corpus)
  return queries.map((query) => {
    const parts = contributionParts(attribute([index], query.tokens).spans)
    return byContributor(
      corpus,
      examples.map((_, k) => Number(parts.get(BigInt(k + 1)) ?? 0n)),
    )
  })
}

/** Example k is contribution k + 1. */
export function spanIndex({ model, tokenizer, examples }: Corpus): SuffixIndex {
  const { vocab } = model.config
  const tokenLengths = Uint32Array.from({ length: vocab }, (_, token) => tokenizer.decode([token]).length)
  const documents = examples.map(({ tokens }, k) => ({ contribId: BigInt(k + 1), tokens }))
  const subject = { datanet: 1n, version: 1, tokenizerHash: zero, tokenLengths }
  return buildIndex(joinDocuments(documents, vocab), subject)
}

/** Cosine of the mean token embedding of a query and of each contributor's texts. */
export function embeddings({ model, examples, queries }: Corpus): Scores {
  const { dim } = model.config
  const table = dequantiseRows(model.embedding, 1)
  const mean = (texts: readonly ContributedExample[]) => {
    const out = new Float32Array(dim)
    for (const token of texts.flatMap(({ tokens }) => tokens)) {
      for (let i = 0; i < dim; i++) out[i] = (out[i] as number) + (table[token * dim + i] as number)
    }
    return out
  }
  const units = contributors.map((_, c) => mean(examples.filter(({ contribution }) => contribution === BigInt(c))))
  const length = (v: Float32Array) => Math.sqrt(dot(v, v, 0, dim))
  return queries.map((query) => {
    const own = mean([query])
    return units.map((unit) => dot(own, unit, 0, dim) / (length(own) * length(unit)))
  })
}

function byContributor({ examples }: Corpus, scores: ArrayLike<number>): number[] {
  const sums = contributors.map(() => 0)
  for (const [k, { contribution }] of examples.entries()) {
    sums[Number(contribution)] = (sums[Number(contribution)] as number) + (scores[k] as number)
  }
  return sums
}

/** Solution of n equations of n + 1 columns whose matrix is positive definite. */
function solve(rows: number[][]): number[] {
  const n = rows.length
  for (const [p, pivot] of rows.entries()) {
    for (const row of rows.slice(p + 1)) {
      const factor = (row[p] as number) / (pivot[p] as number)
      for (let c = p; c <= n; c++) row[c] = (row[c] as number) - factor * (pivot[c] as number)
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let p = n - 1; p >= 0; p--) {
    const row = rows[p] as number[]
    const known = x.reduce((sum, value, c) => (c > p ? sum + value * (row[c] as number) : sum), 0)
    x[p] = ((row[n] as number) - known) / (row[p] as number)
  }
  return x
}
