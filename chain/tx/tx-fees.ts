import type { MarketFees } from './fee-market.ts'

/** Fees of one attempt, in wei. `blobFeeCap` for blob transactions only. */
export type TxFees = { readonly tip: bigint; readonly feeCap: bigint; readonly blobFeeCap?: bigint | undefined }

export type FeeLimits = {
  /** Fees may reach this many times what the market asks… */
  readonly multiplier: bigint
  /** …and need not stop below this, in wei. */
  readonly threshold: bigint
}

/** op-node's limits: five times the market, not applied below 100 gwei. */
export const feeLimits: FeeLimits = { multiplier: 5n, threshold: 100_000_000_000n }

/** Percent by which a replacement must outbid: 10 in geth's legacy pool, 100 in its blob pool. */
const bumpPercent = { call: 10n, blob: 100n } as const

export type TxKind = keyof typeof bumpPercent

/** Fees of the first attempt. The cap leaves room for the base fee to double. */
export function firstFees(market: MarketFees, kind: TxKind): TxFees {
  const fees = { tip: market.tip, feeCap: market.tip + 2n * market.baseFee }
  return kind === 'blob' ? { ...fees, blobFeeCap: 2n * market.blobBaseFee } : fees
}

/** Fees that replace an attempt at `previous`; undefined where that would pass the limits. */
export function bumpedFees(
  previous: TxFees,
  market: MarketFees,
  kind: TxKind,
  limits: FeeLimits = feeLimits,
): TxFees | undefined {
  const wanted = firstFees(market, kind)
  const fees = {
    tip: max(wanted.tip, bump(previous.tip, kind)),
    feeCap: max(wanted.feeCap, bump(previous.feeCap, kind)),
    ...(wanted.blobFeeCap === undefined
      ? {}
      : { blobFeeCap: max(wanted.blobFeeCap, bump(previous.blobFeeCap ?? 0n, kind)) }),
  }
  const within = (value: bigint, asked: bigint) => value <= limits.threshold || value <= asked * limits.multiplier
  const allowed =
    within(fees.tip, wanted.tip) &&
    within(fees.feeCap, wanted.feeCap) &&
    within(fees.blobFeeCap ?? 0n, wanted.blobFeeCap ?? 0n)
  return allowed ? fees : undefined
}

/** Rounded up, so that a small fee grows too. */
function bump(value: bigint, kind: TxKind): bigint {
  return (value * (100n + bumpPercent[kind]) + 99n) / 100n + 1n
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
