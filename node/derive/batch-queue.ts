import type { Log } from '../../common/log.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'
import type { SpanBatch } from '../../protocol/span-batch.ts'
import { type BatchVerdict, checkSingularBatch, checkSpanBatch } from './batch-check.ts'
import type { DeriveCounters } from './counters.ts'
import { emptyBatch } from './empty-batch.ts'
import { L1Window } from './l1-window.ts'
import { end, item, type Pull, retry } from './pull.ts'
import type { L2Chain } from './sources.ts'
import { singularBatchesAfter } from './span-blocks.ts'

type Previous = { readonly origin: L1BlockRef; nextBatch(): Promise<Pull<SingularBatch | SpanBatch>> }
type Parts = { readonly l2: L2Chain; readonly log: Log; readonly counters: DeriveCounters }

/** A batch, and whether it completes its span; from Holocene on each block counts as a span of its own. */
export type NextBatch = { readonly batch: SingularBatch; readonly isLastInSpan: boolean }

/** Batches in any order to batches in block order, before Holocene. Spec: protocol/derivation.md, "Batch Queue". */
export class BatchQueue {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: Parts
  readonly #window = new L1Window()
  /** Batches in the order of their arrival. */
  #batches: { readonly batch: SingularBatch | SpanBatch; readonly inclusion: L1BlockRef }[] = []
  /** Blocks of an accepted span that are still to be emitted. */
  #span: SingularBatch[] = []

  constructor(config: RollupConfig, previous: Previous, parts: Parts) {
    this.#config = config
    this.#previous = previous
    this.#parts = parts
  }

  get origin(): L1BlockRef {
    return this.#previous.origin
  }

  get window(): L1Window {
    return this.#window
  }

  reset(base: L1BlockRef): void {
    this.#window.reset(base)
    this.#batches = []
    this.#span = []
  }

  /** The block after `parent`. */
  async nextBatch(parent: L2BlockRef): Promise<Pull<NextBatch>> {
    const fromSpan = this.#nextOfSpan(parent)
    if (fromSpan !== undefined) return item(fromSpan)
    const { origin } = this
    this.#window.update(origin, parent)
    const pulled = await this.#previous.nextBatch()
    const isOutOfData = pulled.kind === 'end'
    // Behind the safe head's origin batches can only be for blocks that are safe.
    if (origin.number < parent.l1Origin.number) return isOutOfData ? end : retry
    if (pulled.kind === 'item') await this.#add(pulled.item, parent)
    else if (pulled.kind === 'retry') return retry
    return this.#derive(parent, isOutOfData)
  }

  #nextOfSpan(parent: L2BlockRef): NextBatch | undefined {
    const [next] = this.#span
    if (next === undefined) return undefined
    if (next.timestamp !== parent.timestamp + this.#config.blockTime) {
      // The span's earlier block was not built: the rest has no parent.
      this.#span = []
      return undefined
    }
    this.#span.shift()
    return { batch: { ...next, parentHash: parent.hash }, isLastInSpan: this.#span.length === 0 }
  }

  async #add(batch: SingularBatch | SpanBatch, parent: L2BlockRef): Promise<void> {
    if (this.#window.blocks.length === 0) return
    const entry = { batch, inclusion: this.origin }
    if ((await this.#check(entry, parent)) === 'drop') this.#parts.counters.count('batch')
    else this.#batches.push(entry)
  }

  async #derive(parent: L2BlockRef, isOutOfData: boolean): Promise<Pull<NextBatch>> {
    this.#window.requireOrigin(parent)
    for (let i = 0; i < this.#batches.length; i++) {
      const entry = this.#batches[i]
      if (entry === undefined) break
      const verdict = await this.#check(entry, parent)
      if (verdict === 'future') continue
      // More L1 is needed before anything later may be looked at: no empty batch may overtake it.
      if (verdict === 'undecided') return isOutOfData ? end : retry
      this.#batches.splice(i--, 1)
      if (verdict !== 'accept') {
        this.#parts.counters.count('batch')
        continue
      }
      if (entry.batch.kind === 'singular') return item({ batch: entry.batch, isLastInSpan: true })
      this.#span = singularBatchesAfter(entry.batch, parent, this.#window.blocks)
      const first = this.#nextOfSpan(parent)
      if (first !== undefined) return item(first)
    }
    return this.#empty(parent, isOutOfData)
  }

  #empty(parent: L2BlockRef, isOutOfData: boolean): Pull<NextBatch> {
    const { origin } = this
    const batch = emptyBatch(this.#config, { l1Blocks: this.#window.blocks, safeHead: parent, origin, isOutOfData })
    if (batch === 'next-epoch') this.#window.nextEpoch()
    if (typeof batch === 'string') return batch === 'wait' && isOutOfData ? end : retry
    this.#parts.log.info('empty batch', { timestamp: batch.timestamp, epoch: batch.epochNum })
    return item({ batch, isLastInSpan: true })
  }

  #check(
    entry: { readonly batch: SingularBatch | SpanBatch; readonly inclusion: L1BlockRef },
    parent: L2BlockRef,
  ): Promise<BatchVerdict> {
    const { l2, log } = this.#parts
    const context = {
      config: this.#config,
      l1Blocks: this.#window.blocks,
      safeHead: parent,
      inclusion: entry.inclusion,
      log,
    }
    const { batch } = entry
    return batch.kind === 'singular'
      ? Promise.resolve(checkSingularBatch(batch, context))
      : checkSpanBatch(batch, context, l2)
  }
}
