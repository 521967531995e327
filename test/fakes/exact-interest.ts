/** A number between two fractions of one denominator. */
type Between = { readonly low: bigint; readonly high: bigint; readonly denominator: bigint }

/**
 * `amount·e^(rate·seconds/365 days)` rounded down, by the series of e^x in fractions: the partial sum is below e^x, and what is left
 * out is below twice the last term where x ≤ 1. Terms are added until both ends round to one integer.
 */
export function exactInterest(amount: bigint, rate: bigint, seconds: bigint): bigint {
  if (rate * seconds === 0n) return amount
  const [p, q] = reduced(rate * seconds, 31_536_000n * 10n ** 18n)
  if (p > q) throw new Error('the bound of what is left out needs an exponent up to 1')
  for (let terms = 24; terms < 400; terms += 12) {
    const { low, high, denominator } = series(p, q, terms)
    const [below, above] = [(amount * low) / denominator, (amount * high) / denominator]
    if (below === above) return below
  }
  throw new Error('e^x times the amount is too near an integer')
}

/** e^(p/q) by its first terms: Σ pⁿ/(qⁿ n!) over the common denominator q^N N!. */
function series(p: bigint, q: bigint, terms: number): Between {
  let [sum, term, denominator] = [1n, 1n, 1n]
  for (let n = 1n; n <= BigInt(terms); n++) {
    sum = sum * q * n
    term *= p
    denominator *= q * n
    sum += term
  }
  return { low: sum, high: sum + 2n * term, denominator }
}

function reduced(p: bigint, q: bigint): [bigint, bigint] {
  let [a, b] = [p, q]
  while (b !== 0n) [a, b] = [b, a % b]
  return [p / a, q / a]
}
