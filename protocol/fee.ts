import { FormatError } from './bytes.ts'

/** What a model costs; wei per 1,000 tokens. docs/MONEY.md §3. */
export type Price = {
  readonly rin: bigint
  readonly rout: bigint
  /** Unix seconds. */
  readonly validUntil: bigint
  /** The split in force when the price was set. */
  readonly sharesVersion: number
  /** Unix seconds. */
  readonly setAt: bigint
}

/** How a fee is split: the platform's part in wei, of the rest hundredths of a per cent. */
export type Shares = {
  readonly platformFee: bigint
  readonly betaBps: number
  readonly gammaBps: number
  readonly omegaBps: number
  readonly rhoBps: number
}

export const defaultShares: Shares = {
  platformFee: 100_000_000_000_000n,
  betaBps: 2000,
  gammaBps: 1500,
  omegaBps: 1500,
  rhoBps: 0,
}

/** Parts of a fee, in wei; they add up to it. */
export type FeeParts = {
  readonly platform: bigint
  readonly model: bigint
  readonly stakers: bigint
  readonly worker: bigint
  readonly builder: bigint
  readonly contributors: bigint
}

/** Names of a receipt row's sums, in order. docs/MONEY.md §4. */
export const receiptSumNames = [
  'fee',
  'tin',
  'tout',
  'entries',
  'platform',
  'model',
  'stakers',
  'worker',
  'builder',
  'contributors',
] as const

/** What the weights of a pool add up to. */
export const weightTotal = 1_000_000
const bpsTotal = 10_000n
const u128Max = (1n << 128n) - 1n

/** The fee in wei of so many tokens; it may be one that no receipt can carry (above u128). */
export function feeOf(tin: number, tout: number, price: Pick<Price, 'rin' | 'rout'>, shares: Shares): bigint {
  return (BigInt(tin) * price.rin + BigInt(tout) * price.rout + 999n) / 1000n + shares.platformFee
}

/**
 * Splits a fee. `hasBuilder`: the request's app code was registered when the batch was committed. Throws
 * {@link FormatError} for a fee above u128 or below the platform's part, and for shares above the whole.
 */
export function splitFee(fee: bigint, shares: Shares, hasBuilder: boolean): FeeParts {
  const net = fee - shares.platformFee
  if (net < 0n || fee > u128Max) throw new FormatError(`a fee of ${fee} wei cannot be split`)
  const part = (bps: number) => (net * BigInt(bps)) / bpsTotal
  const model = part(shares.betaBps)
  const stakers = part(shares.gammaBps)
  const worker = part(shares.omegaBps)
  const builder = hasBuilder ? part(shares.rhoBps) : 0n
  const contributors = net - model - stakers - worker - builder
  if (contributors < 0n) throw new FormatError('the shares are more than the fee')
  return { platform: shares.platformFee, model, stakers, worker, builder, contributors }
}

/** Sums of a receipt's row, in the order of {@link receiptSumNames}. */
export function receiptSums(
  receipt: { readonly fee: bigint; readonly tin: number; readonly tout: number; readonly attrEntries: number },
  parts: FeeParts,
): bigint[] {
  const { fee, tin, tout, attrEntries } = receipt
  const { platform, model, stakers, worker, builder, contributors } = parts
  const counts = [BigInt(tin), BigInt(tout), BigInt(attrEntries)]
  return [fee, ...counts, platform, model, stakers, worker, builder, contributors]
}

/**
 * What an entry of this weight receives of its pool, in wei. `weights`: those of the pool's entries in all, 1,000,000 in every
 * right receipt; of more each is paid so much less.
 */
export function amountOf(pool: bigint, weight: number | bigint, weights: number | bigint = weightTotal): bigint {
  return (pool * BigInt(weight)) / BigInt(weights > weightTotal ? weights : weightTotal)
}
