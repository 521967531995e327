import type { Log } from '../../common/log.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { FormatError } from '../../protocol/bytes.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'
import type { SpanBatch } from '../../protocol/span-batch.ts'
import { checkSingularBatch, checkSpanBatchHolocene } from './batch-check.ts'
import type { NextBatch } from './batch-queue.ts'
import type { DeriveCounters } from './counters.ts'
import { DeriveError } from './derive-error.ts'
import { emptyBatch } from './empty-batch.ts'
import { L1Window } from './l1-window.ts'
import { end, item, type Pull, retry } from './pull.ts'
import type { L2Chain } from './sources.ts'
import { singularBatchesAfter } from './span-blocks.ts'

type Previous = {
  readonly origin: L1BlockRef
  nextBatch(): Promise<Pull<SingularBatch | SpanBatch>>
  /** Discards the channel being read, here and in the stage before. */
  flush(): void
}
type Parts = { readonly l2: L2Chain; readonly log: Log; readonly counters: DeriveCounters }

/** Batches in strict order, from Holocene on: no buffer but one span. Spec: protocol/holocene/derivation.md, "Batch Queue". */
export class BatchStage {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: Parts
  readonly #window = new L1Window()
  /** Blocks of the accepted span that are still to be emitted. */
  #span: SingularBatch[] = []
  /** A span that could not be checked because a read failed: kept, because the reader will not give it again. */
  #unchecked: SpanBatch | undefined

  constructor(config: RollupConfig, previous: Previous, parts: Parts) {
    this.#config = config
    this.#previous = previous
    this.#parts = parts
  }

  get origin(): L1BlockRef {
    return this.#previous.origin
  }

  reset(base: L1BlockRef): void {
    this.#window.reset(base)
    this.#clear()
  }

  /** Takes over the window of the stage before Holocene; its batches are dropped. */
  continueFrom(queue: { readonly window: L1Window }): void {
    this.#window.copy(queue.window)
    this.#clear()
  }

  /** Drops the span being emitted and the channel it came from. */
  flush(): void {
    this.#clear()
    this.#previous.flush()
  }

  /** The block after `parent`. */
  async nextBatch(parent: L2BlockRef): Promise<Pull<NextBatch>> {
    const { origin } = this
    this.#window.update(origin, parent)
    // At or behind the parent's origin a batch can only be for a block that is safe: read on and forget.
    if (origin.number <= parent.l1Origin.number) {
      this.#clear()
      const drained = await this.#previous.nextBatch()
      return drained.kind === 'end' ? end : retry
    }
    this.#window.requireOrigin(parent)
    if (this.#window.blocks.length < 2) {
      throw new DeriveError(
        'critical',
        `derivation at L1 block ${origin.number} did not begin at the safe head's origin`,
      )
    }
    const candidate = await this.#candidate(parent)
    if (candidate.kind === 'end') return this.#empty(parent)
    if (candidate.kind === 'retry') return retry
    return this.#checked(candidate.item, parent)
  }

  async #candidate(parent: L2BlockRef): Promise<Pull<SingularBatch>> {
    const fromSpan = this.#nextOfSpan(parent)
    if (fromSpan !== undefined) return item(fromSpan)
    if (this.#unchecked === undefined) {
      const pulled = await this.#previous.nextBatch()
      if (pulled.kind !== 'item') return pulled
      if (pulled.item.kind === 'singular') return item(pulled.item)
      this.#unchecked = pulled.item
    }
    return this.#openSpan(this.#unchecked, parent)
  }

  /** Past elements are skipped; one that is not next ends the span. */
  #nextOfSpan(parent: L2BlockRef): SingularBatch | undefined {
    const [next] = this.#span
    if (next === undefined) return undefined
    if (next.timestamp !== parent.timestamp + this.#config.blockTime) {
      this.#span = []
      return undefined
    }
    this.#span.shift()
    return { ...next, parentHash: parent.hash }
  }

  async #openSpan(batch: SpanBatch, parent: L2BlockRef): Promise<Pull<SingularBatch>> {
    const { verdict, readFailed } = await checkSpanBatchHolocene(batch, this.#context(parent), this.#parts.l2)
    if (readFailed === true) throw new DeriveError('temporary', 'blocks that a span batch builds on cannot be read')
    this.#unchecked = undefined
    // Undecided is a span whose last epoch lies outside the window: the L1 block that holds it cannot know a later one.
    // op-node reads on in the same channel, so must we.
    if (verdict === 'past' || verdict === 'undecided') return retry
    if (verdict !== 'accept') return this.#drop()
    try {
      this.#span = singularBatchesAfter(batch, parent, this.#window.blocks)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return this.#drop()
    }
    return this.#candidateOfSpan(parent)
  }

  #candidateOfSpan(parent: L2BlockRef): Pull<SingularBatch> {
    const first = this.#nextOfSpan(parent)
    return first === undefined ? retry : item(first)
  }

  #checked(batch: SingularBatch, parent: L2BlockRef): Pull<NextBatch> {
    switch (checkSingularBatch(batch, this.#context(parent))) {
      case 'accept':
        // Each block becomes safe on its own: what follows it in its span cannot undo it.
        return item({ batch, isLastInSpan: true })
      case 'past':
        return retry
      case 'undecided':
        // Cannot be: with the parent's epoch and the one after it in the window every rule can be decided.
        throw new DeriveError(
          'critical',
          `a batch at ${batch.timestamp} is undecided with ${this.#window.blocks.length} L1 blocks known`,
        )
      case 'drop':
      case 'future':
        return this.#drop()
    }
  }

  #drop(): Pull<never> {
    this.#parts.counters.count('batch')
    this.flush()
    return retry
  }

  #empty(parent: L2BlockRef): Pull<NextBatch> {
    const { origin } = this
    const batch = emptyBatch(this.#config, {
      l1Blocks: this.#window.blocks,
      safeHead: parent,
      origin,
      isOutOfData: true,
    })
    if (batch === 'next-epoch') {
      this.#window.nextEpoch()
      return retry
    }
    if (batch === 'wait') return end
    this.#parts.log.info('empty batch', { timestamp: batch.timestamp, epoch: batch.epochNum })
    return item({ batch, isLastInSpan: true })
  }

  #context(parent: L2BlockRef) {
    const { origin } = this
    return {
      config: this.#config,
      l1Blocks: this.#window.blocks,
      safeHead: parent,
      inclusion: origin,
      log: this.#parts.log,
    }
  }

  #clear(): void {
    this.#span = []
    this.#unchecked = undefined
  }
}
