import { rowBytes } from './batch-file.ts'
import { OpenBatch } from './batch-trees.ts'
import { amountOf, weightUnits } from './epoch-credits.ts'
import { viewOf } from './epoch-rows.ts'
import { KnownBatch } from './known-batch.ts'
import type { MatureBatch } from './mature-batch.ts'

/** Where a receipt of an epoch stands; `known` opens it. */
export type ReceiptPlace = {
  readonly batch: OpenBatch
  readonly known: KnownBatch
  readonly index: number
  readonly isVoid: boolean
}

/** The receipts of an epoch by their numbers, MONEY §6. */
export class EpochReceipts {
  readonly #batches: readonly {
    readonly first: number
    readonly open: OpenBatch
    readonly known: KnownBatch
    readonly voided: ReadonlySet<number>
  }[]
  readonly count: number

  constructor(batches: readonly MatureBatch[]) {
    let first = 0
    this.#batches = batches.map(({ header, file, voided, shown = {} }) => {
      const open = new OpenBatch(header, file)
      const batch = { first, open, known: new KnownBatch(header, [], open, shown), voided: new Set(voided) }
      first += batch.open.count
      return batch
    })
    this.count = first
  }

  /** Undefined where the epoch has no such receipt. */
  at(number: number): ReceiptPlace | undefined {
    if (number >= this.count) return undefined
    let [low, high] = [0, this.#batches.length]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#batches[middle]?.first ?? 0) <= number) low = middle
      else high = middle
    }
    const batch = this.#batches[low]
    if (batch === undefined) return undefined
    const index = number - batch.first
    return { batch: batch.open, known: batch.known, index, isVoid: batch.voided.has(index) }
  }
}

/** What entry `k` of a receipt earns: payee and wei; undefined where there is none. */
export function entryCredit(
  { batch, index }: ReceiptPlace,
  k: number,
): { readonly payee: Uint8Array; readonly amount: bigint } | undefined {
  const rows = batch.entryRows(index)
  const at = k * rowBytes.entries
  if (at >= rows.length) return undefined
  const view = viewOf(rows)
  const units = weightUnits(view, 0, rows.length)
  const amount = amountOf(viewOf(batch.file.receipts), index * rowBytes.receipts, view, at, units)
  return { payee: rows.subarray(at, at + 20), amount }
}
