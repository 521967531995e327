import type { QualityFixture } from './fixture.ts'
import type { Scores } from './methods.ts'
import { auc, bootstrap, linearScore, type Subset } from './metrics.ts'

export type Interval = { readonly value: number; readonly low: number; readonly high: number }

/** What is measured of one way to score. */
export type MethodQuality = { readonly lds: Interval; readonly auc: Interval }

export type Combination = Interval & {
  /** Share of class G, chosen on one half of the subsets and of the queries. */
  readonly weight: number
  /** Of either alone on the other half. */
  readonly alone: readonly [classG: number, other: number]
}

export type QualityReport = {
  readonly methods: Readonly<Record<string, MethodQuality>>
  readonly withSpans: Combination
  readonly withBm25: Combination
  /** Chance that a right label ranks above a wrong one. */
  readonly labels: { readonly classG: number; readonly dot: number }
}

const weights = Array.from({ length: 21 }, (_, i) => i / 20)

export function evaluate(fixture: QualityFixture): QualityReport {
  const { subsets, scores, authors, labels } = fixture
  const isRight = (i: number) => !labels.flipped.includes(i)
  return {
    methods: Object.fromEntries(
      Object.entries(scores).map(([name, own]) => [name, { lds: lds(own, subsets), auc: detection(own, authors) }]),
    ),
    withSpans: combination(fixture, 'spans'),
    withBm25: combination(fixture, 'bm25'),
    labels: { classG: auc(labels.classG, isRight), dot: auc(labels.dot, isRight) },
  }
}

function lds(scores: Scores, subsets: readonly Subset[]): Interval {
  return interval([subsets.length, scores.length], (chosen, queries) =>
    linearScore(
      scores,
      chosen.map((i) => subsets[i] as Subset),
      queries,
    ),
  )
}

/** How often the query's own contributor is above another, mean over the queries. */
function detection(scores: Scores, authors: readonly number[]): Interval {
  return interval([1, scores.length], (_, queries) =>
    mean(queries.map((q) => auc(scores[q] as readonly number[], (c) => c === authors[q]))),
  )
}

/** Even places choose the weight, odd places are scored: of subsets and of queries. */
function combination({ subsets, scores }: QualityFixture, other: string): Combination {
  const [own, added] = [scores['classG'] as Scores, scores[other] as Scores]
  const mixed = (weight: number) =>
    own.map((row, q) => blend(shares(row), shares(added[q] as readonly number[]), weight))
  const half = (list: readonly unknown[], odd: number) => list.flatMap((_, i) => (i % 2 === odd ? [i] : []))
  const pick = (places: readonly number[]) => places.map((i) => subsets[i] as Subset)
  const [chosenBy, scoredOn] = [half(subsets, 0), half(subsets, 1)]
  const [queriesBy, queriesOn] = [half(own, 0), half(own, 1)]
  const quality = (weight: number) => linearScore(mixed(weight), pick(chosenBy), queriesBy)
  const weight = weights.reduce((best, one) => (quality(one) > quality(best) ? one : best))
  const on = (scored: Scores) => linearScore(scored, pick(scoredOn), queriesOn)
  const final = mixed(weight)
  const range = bootstrap([scoredOn.length, queriesOn.length], (s, q) =>
    linearScore(
      final,
      pick(s.map((i) => scoredOn[i] as number)),
      q.map((i) => queriesOn[i] as number),
    ),
  )
  return { value: on(final), low: range[0], high: range[1], weight, alone: [on(mixed(1)), on(mixed(0))] }
}

/** As they are paid: negatives count as nothing, the rest adds up to 1. */
function shares(row: readonly number[]): number[] {
  const positive = row.map((value) => Math.max(0, value))
  const sum = positive.reduce((total, value) => total + value, 0)
  return sum === 0 ? positive : positive.map((value) => value / sum)
}

function blend(a: readonly number[], b: readonly number[], weight: number): number[] {
  return a.map((value, i) => weight * value + (1 - weight) * (b[i] as number))
}

function interval(
  counts: readonly [number, number],
  measure: (first: readonly number[], second: readonly number[]) => number,
): Interval {
  const all = (count: number) => Array.from({ length: count }, (_, i) => i)
  const [low, high] = bootstrap(counts, measure)
  return { value: measure(all(counts[0]), all(counts[1])), low, high }
}

function mean(list: readonly number[]): number {
  return list.reduce((sum, value) => sum + value, 0) / list.length
}
