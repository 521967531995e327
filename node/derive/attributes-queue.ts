import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { PayloadAttributes } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { AttributesBuilder } from './attributes.ts'
import type { NextBatch } from './batch-queue.ts'
import { DeriveError } from './derive-error.ts'
import { item, type Pull } from './pull.ts'

/** The next L2 block as L1 says it. Spec name: AttributesWithParent. */
export type DerivedAttributes = {
  readonly attributes: PayloadAttributes
  readonly parent: L2BlockRef
  /** The last block of its span batch, or any block from Holocene on: with it the blocks so far are safe. */
  readonly isLastInSpan: boolean
  /** L1 block that completed the data. */
  readonly derivedFrom: L1BlockRef
}

type Previous = { readonly origin: L1BlockRef; nextBatch(parent: L2BlockRef): Promise<Pull<NextBatch>> }

/** Batches to payload attributes. Spec: protocol/derivation.md, "Payload Attributes Derivation". */
export class AttributesQueue {
  readonly #config: RollupConfig
  #previous: Previous
  readonly #builder: AttributesBuilder
  /** Kept while reading L1 for it fails. */
  #batch: NextBatch | undefined

  constructor(config: RollupConfig, previous: Previous, builder: AttributesBuilder) {
    this.#config = config
    this.#previous = previous
    this.#builder = builder
  }

  readFrom(previous: Previous): void {
    this.#previous = previous
    this.#batch = undefined
  }

  async nextAttributes(parent: L2BlockRef): Promise<Pull<DerivedAttributes>> {
    if (this.#batch === undefined) {
      const next = await this.#previous.nextBatch(parent)
      if (next.kind !== 'item') return next
      this.#batch = next.item
    }
    const { batch, isLastInSpan } = this.#batch
    if (batch.parentHash !== parent.hash || batch.timestamp !== parent.timestamp + this.#config.blockTime) {
      this.#batch = undefined
      throw new DeriveError('reset', `the batch at ${batch.timestamp} does not follow L2 block ${parent.number}`)
    }
    const prepared = await this.#builder.prepare(parent, { hash: batch.epochHash, number: batch.epochNum })
    this.#batch = undefined
    const attributes = { ...prepared, transactions: [...prepared.transactions, ...batch.transactions] }
    return item({ attributes, parent, isLastInSpan, derivedFrom: this.#previous.origin })
  }

  reset(): void {
    this.#batch = undefined
  }
}
