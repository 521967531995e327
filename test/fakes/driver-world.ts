import { Registry } from 'prom-client'
import { silentLog } from '../../common/log.ts'
import type { Derived, Pipeline } from '../../node/driver/derived.ts'
import { Driver } from '../../node/driver/driver.ts'
import { EngineState } from '../../node/driver/engine-state.ts'
import { labelledHeads } from '../../node/driver/find-heads.ts'
import { L2Source } from '../../node/driver/l2-source.ts'
import type { Next } from '../../node/driver/loop.ts'
import { PayloadQueue } from '../../node/unsafe-sync/payload-queue.ts'
import type { BlockId, L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../protocol/engine-api.ts'
import { l1InfoDeposit } from '../../protocol/l1-info.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { encodeTransaction } from '../../protocol/transaction.ts'
import { FakeEngine } from './fake-engine.ts'
import { FakeL1Blocks } from './l1-blocks.ts'
import { ManualClock } from './manual-clock.ts'
import { testRollupConfig, testSystemConfig } from './rollup-config.ts'

/** A driver over an L1, an engine and a pipeline in memory; every step is taken by the test. */
export class DriverWorld {
  readonly config: RollupConfig
  readonly l1 = new FakeL1Blocks()
  readonly clock = new ManualClock()
  readonly registry = new Registry()
  readonly pipeline = new FakePipeline()
  readonly unsafePayloads = new PayloadQueue()
  readonly recorded: { readonly l1: bigint; readonly safe: bigint }[] = []
  readonly engine: FakeEngine
  readonly l2: L2Source
  readonly state: EngineState
  readonly driver: Driver
  /** What the driver asks whether the engine syncs by itself. */
  engineSync: { readonly isActive: boolean } = { isActive: false }

  private constructor(config: RollupConfig, engine: FakeEngine, l2: L2Source, state: EngineState) {
    this.config = config
    this.engine = engine
    this.l2 = l2
    this.state = state
    this.driver = this.newDriver()
  }

  static async create(change: Partial<RollupConfig> = {}): Promise<DriverWorld> {
    const config = testRollupConfig(change)
    const engine = new FakeEngine(config)
    const l2 = new L2Source(config, engine)
    const heads = await labelledHeads(config, l2)
    return new DriverWorld(config, engine, l2, new EngineState(heads, { engine, log: silentLog }))
  }

  newDriver(): Driver {
    const { state, l1, l2, pipeline, unsafePayloads, clock, registry } = this
    const safeDb = {
      update: async (l1Block: BlockId, safe: BlockId) => {
        this.recorded.push({ l1: l1Block.number, safe: safe.number })
      },
      truncate: async () => {},
    }
    const isActive = () => this.engineSync.isActive
    const engineSync = {
      get isActive() {
        return isActive()
      },
    }
    const parts = { state, l1, l2, pipeline, unsafePayloads, safeDb, engineSync, clock, log: silentLog, registry }
    return new Driver(this.config, parts)
  }

  /** Steps until the driver is idle or asks for time. */
  async settle(): Promise<Next> {
    for (let steps = 0; steps < 1000; steps++) {
      const next = await this.driver.step()
      if (next !== 'again') return next
    }
    throw new Error('the driver does not settle')
  }

  async settleUnsafe(): Promise<void> {
    while ((await this.driver.stepUnsafe()) === 'again');
  }

  /** Attributes of the block after `parent` with that L1 origin; the timestamp follows from the parent. */
  attributes(parent: L2BlockRef, origin: BlockId, transactions: readonly Uint8Array[] = []): PayloadAttributes {
    const timestamp = parent.timestamp + this.config.blockTime
    const l1 = this.l1.at(Number(origin.number))
    const sequence = parent.l1Origin.hash === origin.hash ? parent.sequenceNumber + 1n : 0n
    const info = l1InfoDeposit(this.config, testSystemConfig, sequence, { ...l1, hash: origin.hash }, timestamp)
    return {
      timestamp,
      prevRandao: l1.prevRandao,
      suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
      withdrawals: [],
      parentBeaconBlockRoot: l1.parentBeaconBlockRoot,
      transactions: [encodeTransaction(info), ...transactions],
      noTxPool: true,
      gasLimit: 30_000_000n,
      eip1559Params: '0x0000000000000000',
      minBaseFee: 0n,
    }
  }

  /** A block on `parent` as a peer would send it; not inserted. */
  payload(
    parent: L2BlockRef,
    origin: BlockId = parent.l1Origin,
    transactions: readonly Uint8Array[] = [],
  ): PayloadEnvelope {
    return this.engine.assemble(parent.hash, this.attributes(parent, origin, transactions))
  }

  /** Inserts `count` unsafe blocks on the unsafe head, an epoch for each L1 block that is due, and answers the last. */
  async extendUnsafe(count: number): Promise<L2BlockRef> {
    for (let i = 0; i < count; i++) {
      const head = this.state.heads.unsafe
      const next = await this.l1.blockRefByNumber(head.l1Origin.number + 1n)
      const isDue = next !== undefined && next.timestamp <= head.timestamp + this.config.blockTime
      this.driver.onUnsafePayload(this.payload(head, isDue ? next : head.l1Origin))
      await this.settleUnsafe()
    }
    return this.state.heads.unsafe
  }

  /** What derivation yields for the block after `parent`. */
  derived(
    parent: L2BlockRef,
    change: Partial<Derived> & { readonly transactions?: readonly Uint8Array[] } = {},
  ): Derived {
    const { transactions = [], ...rest } = change
    const attributes = this.attributes(parent, parent.l1Origin, transactions)
    return { attributes, parent, isLastInSpan: true, derivedFrom: this.l1.latest, ...rest }
  }
}

/** A pipeline that yields what the test queued. */
export class FakePipeline implements Pipeline {
  origin: L1BlockRef | undefined
  readonly queue: (Derived | Error)[] = []
  readonly resets: { readonly base: bigint; readonly safe: bigint }[] = []
  readonly steppedOn: bigint[] = []
  flushes = 0

  readonly reset = (base: L1BlockRef, safeHead: L2BlockRef): void => {
    this.origin = base
    this.resets.push({ base: base.number, safe: safeHead.number })
  }

  readonly step = async (safeHead: L2BlockRef): ReturnType<Pipeline['step']> => {
    this.steppedOn.push(safeHead.number)
    const next = this.queue.shift()
    if (next instanceof Error) throw next
    return next === undefined ? { kind: 'idle' } : { kind: 'attributes', derived: next }
  }

  readonly flushChannel = (): void => {
    this.flushes++
  }
}
