import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import type { BlockId, L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../protocol/engine-api.ts'
import { activatesAt, type Hardfork } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { maxSequencerDrift } from '../derive/max-sequencer-drift.ts'
import type { DriverL1 } from '../driver/derived.ts'
import { classifyError, DriverError } from '../driver/driver-error.ts'
import type { EngineState } from '../driver/engine-state.ts'
import type { L2Source } from '../driver/l2-source.ts'
import { type Next, runLoop, Wake } from '../driver/loop.ts'
import { type Build, build } from '../driver/tasks/build.ts'
import { insert } from '../driver/tasks/insert.ts'
import { seal } from '../driver/tasks/seal.ts'
import { selectL1Origin } from './l1-origin.ts'

/** Milliseconds before a block's time at which it is sealed: what getPayload and newPayload take. op-node's value. */
const sealingMs = 50
/** Wait after a temporary error. */
const retryMs = 1_000
/** Wait while the engine syncs. */
const syncingRetryMs = 30_000
/** The first block of these forks holds no pool transactions: their upgrade transactions must be alone. */
const quietForks: readonly Hardfork[] = ['ecotone', 'fjord', 'isthmus', 'jovian', 'karst']

export type SequencerSettings = {
  /** Blocks that unsafe may be ahead of safe; 0: no limit. */
  readonly maxSafeLag: bigint
  readonly recoverMode: boolean
}

export type SequencerParts = {
  readonly state: EngineState
  /** Hides L1 blocks above the confirmation depth from by-number lookups. */
  readonly l1: DriverL1
  readonly l1Heads: { readonly latest: L1BlockRef | undefined }
  readonly l2: L2Source
  readonly attributes: { readonly prepare: (parent: L2BlockRef, epoch: BlockId) => Promise<PayloadAttributes> }
  readonly requestReset: (reason: string) => void
  /** Gives a sealed block to the network before it is inserted here. */
  readonly publish?: ((envelope: PayloadEnvelope) => Promise<void>) | undefined
  /** Remembers over restarts whether to build. */
  readonly store: { readonly setActive: (active: boolean) => Promise<void> }
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** `running`, `stopped`: it already is. `wrong-head`: start named another block than the unsafe head. */
export class SequencerError extends CodedError<'running' | 'stopped' | 'wrong-head'> {}

/**
 * Builds a block every block time on the unsafe head: begins it a block time ahead, seals it just before its time, and
 * when behind the clock builds without pause. Spec: protocol/derivation.md, "Sequencing"; op-node's sequencer.
 */
export class Sequencer {
  readonly #config: RollupConfig
  readonly #settings: SequencerSettings
  readonly #parts: SequencerParts
  readonly #wake = new Wake()
  #isActive: boolean
  #recoverMode: boolean
  #job: Build | undefined
  #lastBlockMs: number
  /** No step before this time (ms since 1970), whatever happens meanwhile. */
  #notBeforeMs = 0

  constructor(config: RollupConfig, settings: SequencerSettings & { readonly active: boolean }, parts: SequencerParts) {
    this.#config = config
    this.#settings = settings
    this.#parts = parts
    this.#isActive = settings.active
    this.#recoverMode = settings.recoverMode
    this.#lastBlockMs = parts.clock.nowMs()
    parts.state.onHeads(this.#wake.ring)
  }

  get isActive(): boolean {
    return this.#isActive
  }

  /** When the last block was inserted, or building began, ms since 1970. */
  get lastBlockMs(): number {
    return this.#lastBlockMs
  }

  async run(signal: AbortSignal): Promise<void> {
    await runLoop(() => this.step(), { clock: this.#parts.clock, wake: this.#wake, signal })
  }

  /** Begins to build. `head` must be the unsafe head: who starts a sequencer must know which chain it extends. */
  async start(head: Hex): Promise<void> {
    if (this.#isActive) throw new SequencerError('running', 'sequencer already running')
    const { unsafe } = this.#parts.state.heads
    if (unsafe.hash !== head) {
      throw new SequencerError('wrong-head', `block hash does not match: head ${unsafe.hash}, received ${head}`)
    }
    await this.#parts.store.setActive(true)
    this.#isActive = true
    this.#lastBlockMs = this.#parts.clock.nowMs()
    this.#parts.log.info('sequencer started', { unsafe: unsafe.number })
    this.#wake.ring()
  }

  /** Stops building and answers the last block's hash. A block being inserted is finished first. */
  async stop(): Promise<Hex> {
    if (!this.#isActive) throw new SequencerError('stopped', 'sequencer not running')
    await this.#parts.store.setActive(false)
    this.#isActive = false
    this.#job = undefined
    return this.#parts.state.serial.run(async () => {
      const { unsafe } = this.#parts.state.heads
      this.#parts.log.info('sequencer stopped', { unsafe: unsafe.number })
      return unsafe.hash
    })
  }

  setRecoverMode(on: boolean): void {
    this.#recoverMode = on
    this.#parts.log.info('recover mode', { on })
  }

  /** One action, or how long until the next; what tests call instead of `run`. Throws critical errors only. */
  async step(): Promise<Next> {
    const { state, clock } = this.#parts
    if (!this.#isActive || !state.isReady) {
      this.#job = undefined
      return 'idle'
    }
    const waitMs = this.#notBeforeMs - clock.nowMs()
    if (waitMs > 0) return { afterMs: waitMs }
    try {
      return await this.#step()
    } catch (error) {
      return this.#failed(error)
    }
  }

  async #step(): Promise<Next> {
    const { unsafe, safe } = this.#parts.state.heads
    if (this.#job !== undefined && this.#job.parent.hash !== unsafe.hash) this.#job = undefined
    const blockMs = Number(this.#config.blockTime) * 1000
    const dueMs = Number(unsafe.timestamp) * 1000 + blockMs
    if (this.#job !== undefined) {
      const waitMs = dueMs - sealingMs - this.#parts.clock.nowMs()
      if (waitMs > 0) return { afterMs: waitMs }
      await this.#seal(this.#job)
      return 'again'
    }
    const { maxSafeLag } = this.#settings
    if (maxSafeLag > 0n && unsafe.number >= safe.number + maxSafeLag) return 'idle'
    const waitMs = dueMs - blockMs - this.#parts.clock.nowMs()
    if (waitMs > 0) return { afterMs: waitMs }
    await this.#begin(unsafe)
    return 'again'
  }

  async #begin(head: L2BlockRef): Promise<void> {
    const { state, l1, attributes: builder, log } = this.#parts
    const origin = await selectL1Origin(this.#config, head, l1)
    const attributes = await builder.prepare(head, { hash: origin.hash, number: origin.number })
    const noTxPool = this.#mustBeQuiet(head, origin, attributes.timestamp)
    await state.serial.run(async () => {
      if (!this.#isActive || !state.isReady || state.heads.unsafe.hash !== head.hash) return
      this.#job = await build(state, head, { ...attributes, noTxPool })
    })
    log.debug('block begun', { number: head.number + 1n, origin: origin.number, noTxPool })
  }

  async #seal(job: Build): Promise<void> {
    const { state, l2, log, registry, publish } = this.#parts
    this.#job = undefined
    await state.serial.run(async () => {
      if (!this.#isActive || !state.isReady || state.heads.unsafe.hash !== job.parent.hash) return
      const envelope = await seal(state, job)
      await publish?.(envelope)
      const ref = l2.refOf(envelope)
      await insert(state, envelope, ref)
      await state.synchronize()
      this.#lastBlockMs = this.#parts.clock.nowMs()
      sequenced(registry).inc()
      const transactions = envelope.executionPayload.transactions.length
      log.info('block sequenced', { number: ref.number, hash: ref.hash, transactions, origin: ref.l1Origin.number })
    })
  }

  /** True where the block may hold only what derivation would put into it too. */
  #mustBeQuiet(head: L2BlockRef, origin: L1BlockRef, timestamp: bigint): boolean {
    if (this.#recoverMode || timestamp > origin.timestamp + maxSequencerDrift(this.#config, origin.timestamp))
      return true
    if (quietForks.some((fork) => activatesAt(this.#config.forkTimes, fork, timestamp, head.timestamp))) return true
    // After a long pause the batch may reach L1 after its sequencing window; the block is then derived without it.
    // Half a window is left for the batcher.
    const latest = this.#parts.l1Heads.latest
    return latest !== undefined && latest.number > origin.number + this.#config.seqWindowSize / 2n
  }

  #failed(error: unknown): Next {
    const { log, clock, requestReset } = this.#parts
    this.#job = undefined
    const blockMs = Number(this.#config.blockTime) * 1000
    const isInvalid = error instanceof DriverError && error.code === 'invalid-block'
    const kind = isInvalid ? 'invalid-block' : classifyError(error)
    if (kind === 'critical') throw error
    if (kind === 'reset') requestReset(error instanceof Error ? error.message : String(error))
    const waitMs = kind === 'temporary' ? retryMs : kind === 'syncing' ? syncingRetryMs : blockMs
    if (isInvalid) log.error('block could not be built', { error })
    else log.warn('sequencer waits', { error, retryMs: waitMs })
    this.#notBeforeMs = clock.nowMs() + waitMs
    return { afterMs: waitMs }
  }
}

const sequenced = (registry: Registry) => counter(registry, 'sequencer_blocks_total', 'blocks built and inserted')
