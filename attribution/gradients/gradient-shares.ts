import { largestRemainder } from '../../protocol/largest-remainder.ts'

/** Entries of one answer, as of class S. */
const contributionsMax = 64
const weightTotal = 1_000_000

/** Shares of class G by contribution, of 1,000,000, and what is left for class U. */
export type GradientShares = {
  readonly shares: readonly { readonly id: bigint; readonly weight: number }[]
  readonly rest: number
}

/**
 * Negative parts count as nothing; the largest parts have entries, of equal ones those of the smaller id, and what the others would
 * have is left over. Where no part is positive all is. docs/GRADIENTS.md §8.
 */
export function gradientShares(parts: ReadonlyMap<bigint, bigint>): GradientShares {
  const positive = [...parts].filter(([, part]) => part > 0n)
  positive.sort(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x > y ? -1 : 1))
  const listed = positive.slice(0, contributionsMax).sort(([a], [b]) => (a < b ? -1 : 1))
  if (listed.length === 0) return { shares: [], rest: weightTotal }
  const others = positive.slice(contributionsMax).reduce((sum, [, part]) => sum + part, 0n)
  const weights = largestRemainder([...listed.map(([, part]) => part), others], weightTotal)
  const shares = listed.map(([id], i) => ({ id, weight: weights[i] as number })).filter(({ weight }) => weight > 0)
  return { shares, rest: weights[listed.length] as number }
}
