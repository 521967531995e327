import { randomNumbers } from './random-numbers.ts'

/** Spearman's correlation; equal values share their mean rank. 0 where either list is constant. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [centredRanks(a), centredRanks(b)]
  const [xy, xx, yy] = [product(x, y), product(x, x), product(y, y)]
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy)
}

/** Chance that a positive scores above another; equal scores count half. */
export function auc(scores: ArrayLike<number>, isPositive: (i: number) => boolean): number {
  const places = Array.from(scores, (_, i) => i)
  const [positive, negative] = [places.filter(isPositive), places.filter((i) => !isPositive(i))]
  const won = (p: number, n: number) => 0.5 + 0.5 * Math.sign((scores[p] as number) - (scores[n] as number))
  const wins = positive.reduce((sum, p) => sum + negative.reduce((part, n) => part + won(p, n), 0), 0)
  return wins / (positive.length * negative.length)
}

/** What was measured of retrainings: per subset its units and each query's loss after it. */
export type Subset = { readonly subset: readonly number[]; readonly losses: readonly number[] }

/**
 * Linear datamodelling score (Park et al., 2023): how well sums of scores over a subset rank the subsets by how low they bring a query's
 * loss; mean over the queries.
 */
export function linearScore(
  scores: readonly (readonly number[])[],
  subsets: readonly Subset[],
  queries: readonly number[],
): number {
  const each = queries.map((q) =>
    spearman(
      subsets.map(({ subset }) => subset.reduce((sum, unit) => sum + (scores[q]?.[unit] as number), 0)),
      subsets.map(({ losses }) => -(losses[q] as number)),
    ),
  )
  return each.reduce((sum, value) => sum + value, 0) / each.length
}

/** 2.5 and 97.5 in 100 of `measure` over resampled places of two lists, the same each time. */
export function bootstrap(
  [first, second]: readonly [number, number],
  measure: (first: readonly number[], second: readonly number[]) => number,
  draws = 400,
): readonly [low: number, high: number] {
  const random = randomNumbers(1)
  const resample = (count: number) => Array.from({ length: count }, () => Math.floor(random() * count))
  const values = Array.from({ length: draws }, () => measure(resample(first), resample(second)))
  values.sort((a, b) => a - b)
  return [values[Math.floor(0.025 * draws)] as number, values[Math.floor(0.975 * draws)] as number]
}

function centredRanks(values: ArrayLike<number>): number[] {
  const order = Array.from(values, (_, i) => i).sort((a, b) => (values[a] as number) - (values[b] as number))
  const ranks = new Array<number>(order.length)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1] as number] === values[order[from] as number]) to++
    for (let i = from; i <= to; i++) ranks[order[i] as number] = (from + to) / 2 - (order.length - 1) / 2
    from = to + 1
  }
  return ranks
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
}
