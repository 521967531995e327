import { entryLetters } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Credit } from '../../protocol/payout-epoch.ts'
import { type ExplainedEntry, explainAmount, explainReceipt, type ReceiptFacts } from './explain-receipt.ts'
import { differenceLine, type Figure, isEqual } from './figure.ts'
import type { PayoutId } from './payout-id.ts'

/** A live receipt of an epoch. */
export type EpochReceipt = ReceiptFacts & {
  /** Its number in the epoch. */
  readonly number: number
  readonly batchId: bigint
  readonly index: number
  readonly requestId: Hex
}

/** All that a payout is made of. */
export type PayoutFacts = {
  readonly id: PayoutId
  /** The payee's wei under the parent's payout root and under this epoch's. */
  readonly before: bigint
  readonly cumulative: bigint
  /** The payee's credits under the epoch's root, in order. */
  readonly credits: readonly Credit[]
  /** The live receipts of the epoch that have an entry for the payee, in order. */
  readonly receipts: readonly EpochReceipt[]
}

export type ExplainedReceipt = {
  readonly number: number
  readonly batchId: bigint
  readonly index: number
  readonly requestId: Hex
  /** False: the chain has not the price that its request names, so that its fee cannot be recomputed. */
  readonly isPriced: boolean
  readonly figures: readonly Figure[]
  /** Entries of the payee, with their numbers. */
  readonly entries: readonly (ExplainedEntry & { readonly index: number; readonly amount: Figure })[]
}

export type PayoutExplanation = {
  readonly id: PayoutId
  /** wei by the formulas, of the class that was asked for. */
  readonly amount: bigint
  /** wei by the formulas, of all classes. */
  readonly earned: bigint
  readonly figures: readonly Figure[]
  readonly receipts: readonly ExplainedReceipt[]
  /** A line for every figure that is not the chain's. */
  readonly differences: readonly string[]
}

/** Recomputes a payout to the wei from its receipts. docs/MONEY.md §3, §4, §6. */
export function explainPayout({ id, before, cumulative, credits, receipts }: PayoutFacts): PayoutExplanation {
  const creditAt = new Map(credits.map((credit) => [`${credit.receipt}:${credit.entry}`, credit]))
  const all = receipts.map((receipt) => explainOne(receipt, id.payee, creditAt))
  const earned = sumOf(all.flatMap(({ entries }) => entries.map(({ amount }) => amount.recomputed)))
  const entryCount = all.reduce((count, { entries }) => count + entries.length, 0)
  const figures: Figure[] = [
    {
      name: 'credits',
      formula: 'an entry of a live receipt each',
      recomputed: BigInt(entryCount),
      onChain: BigInt(credits.length),
    },
    {
      name: 'credited',
      formula: `the sum of ${entryCount} amounts`,
      recomputed: earned,
      onChain: sumOf(credits.map(({ amount }) => amount)),
    },
    { name: 'cumulative', formula: `${before} before + ${earned}`, recomputed: before + earned, onChain: cumulative },
  ]
  const wanted = id.class === undefined ? all : all.flatMap((receipt) => ofClass(receipt, id.class ?? 'M'))
  return {
    id,
    earned,
    amount: sumOf(wanted.flatMap(({ entries }) => entries.map(({ amount }) => amount.recomputed))),
    figures,
    receipts: wanted,
    differences: [...differences('payout', figures), ...all.flatMap(receiptDifferences)],
  }
}

/** The lines of one receipt. */
export function receiptDifferences({
  batchId,
  index,
  isPriced,
  figures,
  entries,
}: Omit<ExplainedReceipt, 'number'>): string[] {
  const where = `receipt ${batchId}:${index}`
  return [
    ...(isPriced ? [] : [`${where}: INCOMPLETE, the chain has not its price`]),
    ...differences(where, figures),
    ...entries.flatMap((entry) => differences(`${where} entry ${entry.index}`, [entry.amount])),
  ]
}

function explainOne(receipt: EpochReceipt, payee: Hex, credits: ReadonlyMap<string, Credit>): ExplainedReceipt {
  const { number, batchId, index, requestId } = receipt
  const entries = receipt.entries.flatMap((entry, k) =>
    entry.payee === payee
      ? [{ ...entry, index: k, amount: explainAmount(receipt, entry, credits.get(`${number}:${k}`)?.amount) }]
      : [],
  )
  const isPriced = receipt.price !== undefined && receipt.shares !== undefined
  return { number, batchId, index, requestId, isPriced, figures: explainReceipt(receipt), entries }
}

function ofClass(receipt: ExplainedReceipt, letter: string): ExplainedReceipt[] {
  const entries = receipt.entries.filter((entry) => entryLetters[entry.class] === letter)
  return entries.length === 0 ? [] : [{ ...receipt, entries }]
}

function differences(where: string, figures: readonly Figure[]): string[] {
  return figures.filter((figure) => !isEqual(figure)).map((figure) => differenceLine(where, figure))
}

function sumOf(values: readonly bigint[]): bigint {
  return values.reduce((sum, value) => sum + value, 0n)
}
