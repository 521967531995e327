import type { Log } from '../../common/log.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import type { UpgradeTransactions } from '../../protocol/upgrade-txs.ts'
import { AttributesBuilder } from './attributes.ts'
import { AttributesQueue, type DerivedAttributes } from './attributes-queue.ts'
import { BatchQueue } from './batch-queue.ts'
import { BatchStage } from './batch-stage.ts'
import { ChannelAssembler } from './channel-assembler.ts'
import { ChannelBank } from './channel-bank.ts'
import { ChannelReader } from './channel-reader.ts'
import { type DeriveCounters, noCounters } from './counters.ts'
import { DeriveError } from './derive-error.ts'
import { FrameQueue } from './frame-queue.ts'
import { L1Retrieval } from './l1-retrieval.ts'
import { L1Traversal } from './l1-traversal.ts'
import type { L1Chain, L2Chain } from './sources.ts'

/** `progress`: something moved, step again; `idle`: nothing before the next L1 block. */
export type StepResult =
  | { readonly kind: 'attributes'; readonly derived: DerivedAttributes }
  | { readonly kind: 'progress' }
  | { readonly kind: 'idle' }

export type PipelineParts = {
  readonly l1: L1Chain
  readonly l2: L2Chain
  readonly log: Log
  readonly counters?: DeriveCounters | undefined
  readonly upgradeTransactions?: UpgradeTransactions | undefined
}

type Stages = {
  readonly traversal: L1Traversal
  readonly frames: FrameQueue
  readonly bank: ChannelBank
  readonly assembler: ChannelAssembler
  readonly reader: ChannelReader
  readonly batchQueue: BatchQueue
  readonly batchStage: BatchStage
  readonly attributes: AttributesQueue
}

/** From L1 blocks to payload attributes, one step at a time. Spec: protocol/derivation.md, "Architecture". */
export class DerivationPipeline {
  readonly #config: RollupConfig
  readonly #parts: PipelineParts
  #stages: Stages | undefined
  #isHolocene = false

  constructor(config: RollupConfig, parts: PipelineParts) {
    this.#config = config
    this.#parts = parts
  }

  /** The L1 block being read. */
  get origin(): L1BlockRef | undefined {
    return this.#stages?.traversal.origin
  }

  /** Starts over at L1 block `base`, with the system config as of it. */
  reset(base: L1BlockRef, _safeHead: L2BlockRef, systemConfig: SystemConfig): void {
    const stages = this.#build(base, systemConfig)
    this.#stages = stages
    this.#isHolocene = isActive(this.#config.forkTimes, 'holocene', base.timestamp)
    stages.batchQueue.reset(base)
    stages.batchStage.reset(base)
    if (this.#isHolocene) useHoloceneStages(stages)
  }

  /** Throws {@link DeriveError}; after `temporary` the same step may be tried again. */
  async step(safeHead: L2BlockRef): Promise<StepResult> {
    const stages = this.#stages
    if (stages === undefined) throw new DeriveError('reset', 'the pipeline has no L1 block to begin at')
    const next = await stages.attributes.nextAttributes(safeHead)
    if (next.kind === 'item') return { kind: 'attributes', derived: next.item }
    if (next.kind === 'retry') return { kind: 'progress' }
    if (!(await stages.traversal.advance())) return { kind: 'idle' }
    this.#activateHolocene(stages)
    return { kind: 'progress' }
  }

  /** Discards the span and the channel being read: a block of it was invalid. Spec: holocene/derivation.md, "Fast Channel Invalidation". */
  flushChannel(): void {
    if (this.#isHolocene) this.#stages?.batchStage.flush()
    this.#stages?.attributes.reset()
  }

  /** At Holocene's first L1 block what the old stages hold is dropped. */
  #activateHolocene(stages: Stages): void {
    const { origin } = stages.traversal
    if (this.#isHolocene || !isActive(this.#config.forkTimes, 'holocene', origin.timestamp)) return
    this.#isHolocene = true
    this.#parts.log.info('derivation changes to its Holocene stages', { l1Block: origin.number })
    stages.frames.reset()
    stages.bank.reset()
    useHoloceneStages(stages)
    // The window continues: it is a record of L1, not of batches.
    stages.batchStage.continueFrom(stages.batchQueue)
  }

  #build(base: L1BlockRef, systemConfig: SystemConfig): Stages {
    const config = this.#config
    const { l1, l2, log } = this.#parts
    const parts = { l1, l2, log, counters: this.#parts.counters ?? noCounters }
    const traversal = new L1Traversal(config, parts, base, systemConfig)
    const frames = new FrameQueue(config, new L1Retrieval(config, traversal, parts), parts)
    const bank = new ChannelBank(config, frames, parts)
    const assembler = new ChannelAssembler(config, frames, parts)
    const reader = new ChannelReader(config, bank, parts)
    const batchQueue = new BatchQueue(config, reader, parts)
    const flushable = {
      get origin() {
        return reader.origin
      },
      nextBatch: () => reader.nextBatch(),
      flush: () => {
        reader.flush()
        assembler.flush()
      },
    }
    const batchStage = new BatchStage(config, flushable, parts)
    const builder = new AttributesBuilder(config, this.#parts)
    const attributes = new AttributesQueue(config, batchQueue, builder)
    return { traversal, frames, bank, assembler, reader, batchQueue, batchStage, attributes }
  }
}

function useHoloceneStages(stages: Stages): void {
  stages.reader.readFrom(stages.assembler)
  stages.attributes.readFrom(stages.batchStage)
}
