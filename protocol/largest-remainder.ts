import { FormatError } from './bytes.ts'

/**
 * Shares of `total` in proportion to `parts` that add up to exactly `total`: each is floored, and what is left goes one by
 * one to the largest remainders, of equal ones to the lower index. Throws {@link FormatError} where there is nothing to
 * split by.
 */
export function largestRemainder(parts: readonly bigint[], total: number): number[] {
  const whole = parts.reduce((sum, part) => sum + part, 0n)
  if (whole <= 0n || parts.some((part) => part < 0n)) throw new FormatError('no weights to split by')
  const scaled = parts.map((part) => part * BigInt(total))
  const shares = scaled.map((part) => Number(part / whole))
  const left = total - shares.reduce((sum, share) => sum + share, 0)
  const remainders = scaled.map((part, index) => ({ index, remainder: part % whole }))
  remainders.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
  for (const { index } of remainders.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1
  return shares
}
