/** Configs of the StakePool: a flexible one with seven days of unbonding, and locks. Seconds. */
export const stakeTerms = [
  { name: 'flexi', durationSeconds: 0n, cooldownSeconds: 604_800n },
  { name: '30d', durationSeconds: 2_592_000n, cooldownSeconds: 0n },
  { name: '90d', durationSeconds: 7_776_000n, cooldownSeconds: 0n },
  { name: '180d', durationSeconds: 15_552_000n, cooldownSeconds: 0n },
  { name: '365d', durationSeconds: 31_536_000n, cooldownSeconds: 0n },
] as const

/** For how long a flexible stake sets interest aside at once, in seconds. */
export const flexiWindowSeconds = 2_592_000n

const yearSeconds = 31_536_000n
const wad = 10n ** 18n
const one = 1n << 120n

/**
 * `amount·e^(rate·seconds/365 days)` as the StakePool rounds it: the exact value rounded down, or a wei less. `rate` is a year's
 * in 1e-18. docs/GOVERNANCE.md, "Interest".
 */
export function compound(amount: bigint, rate: bigint, seconds: bigint): bigint {
  const x = (rate * seconds * one) / (yearSeconds * wad)
  let [sum, term] = [0n, one]
  for (let n = 1n; term !== 0n; n++) {
    sum += term
    term = ((term * x) / n) >> 120n
  }
  return (amount * sum) >> 120n
}
