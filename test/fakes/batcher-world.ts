import { createHash } from 'node:crypto'
import { Registry } from 'prom-client'
import type { Kzg } from '../../chain/tx/kzg.ts'
import { TxJournal } from '../../chain/tx/tx-journal.ts'
import { TxManager } from '../../chain/tx/tx-manager.ts'
import { systemClock } from '../../common/clock.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { TransportError } from '../../common/json-rpc.ts'
import { createLog, type LogLevel } from '../../common/log.ts'
import { Batcher } from '../../node/batcher/batcher.ts'
import { type BatcherOptions, batcherDefaults } from '../../node/batcher/batcher-options.ts'
import { ChannelStore } from '../../node/batcher/channel-store.ts'
import { L1Rpc } from '../../node/l1/l1-rpc.ts'
import { L1Source } from '../../node/l1/l1-source.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { JsonRpcL1 } from './json-rpc-l1.ts'
import { log, temporaryDirectory } from './l1-parts.ts'
import { FakeL2Chain } from './l2-chain.ts'
import { type PostedBlock, postedBlocks } from './posted-blocks.ts'
import { testRollupConfig } from './rollup-config.ts'
import { until } from './until.ts'

/** A batcher between an L2 chain and an L1 in memory. Several can live one after another on the same directory. */
export class BatcherWorld {
  readonly l1 = new JsonRpcL1()
  readonly config: RollupConfig
  readonly l2: FakeL2Chain
  readonly source: L1Source
  readonly directory: string
  readonly options: BatcherOptions
  /** Log lines of the newest batcher, as `level message`. */
  readonly lines: string[] = []
  readonly address: Hex = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'

  private constructor(directory: string, options: Partial<BatcherOptions>, change: Partial<RollupConfig>) {
    const genesis = testRollupConfig().genesis
    const l1Genesis = { hash: this.l1.head.hash, number: 0n }
    this.config = testRollupConfig({ seqWindowSize: 1_000n, genesis: { ...genesis, l1: l1Genesis }, ...change })
    this.l2 = new FakeL2Chain(this.config)
    this.directory = directory
    this.options = {
      ...batcherDefaults,
      dataAvailability: 'calldata',
      pollIntervalMs: 2,
      maxChannelDuration: 1,
      ...options,
      rollupConfig: this.config,
    }
    const parts = { clock: systemClock, log, registry: new Registry() }
    const rpc = new L1Rpc([this.l1], parts)
    const blobs = async (_: unknown, hashes: readonly { hash: Hex }[]) =>
      hashes.map(({ hash }) => this.l1.blobs.get(hash) ?? new Uint8Array(0))
    this.source = new L1Source({ trustRpc: false }, { rpc, blobSource: { blobs }, log })
  }

  static async create(
    options: Partial<BatcherOptions> = {},
    change: Partial<RollupConfig> = {},
  ): Promise<BatcherWorld> {
    const world = new BatcherWorld(await temporaryDirectory(), options, change)
    await world.derive()
    return world
  }

  /** A batcher process: `kill` cuts it off from everything at once, as SIGKILL would. */
  async startBatcher(killAfterRequests = Number.POSITIVE_INFINITY): Promise<Process> {
    // A killed one may still have a file operation under way, which a real kill would have ended.
    await new Promise((done) => setTimeout(done, 20))
    const process = { isAlive: true }
    let requests = 0
    const requireLife = () => {
      if (!process.isAlive) throw new TransportError('killed')
    }
    const request = async (method: string, params?: readonly unknown[]) => {
      requireLife()
      if (++requests > killAfterRequests) process.isAlive = false
      // Half of the kills come before L1 saw the request, half after it.
      if (!process.isAlive && requests % 2 === 0) throw new TransportError('killed')
      const answer = await this.l1.request(method, params)
      requireLife()
      return answer
    }
    const clock = systemClock
    const registry = new Registry()
    const batcherLog = createLog({
      level: 'debug',
      format: 'json',
      write: (line) => {
        const { level, message } = JSON.parse(line) as { level: LogLevel; message: string }
        this.lines.push(`${level} ${message}`)
      },
    })
    const rpc = new L1Rpc([{ url: this.l1.url, request, batch: async () => [] }], { clock, log, registry })
    const journal = await TxJournal.open(`${this.directory}/transactions`)
    const txs = new TxManager(
      {
        name: 'batcher',
        privateKey: devPrivateKeys[1],
        chainId: this.config.l1ChainId,
        confirmations: 1,
        resubmissionTimeoutMs: 60_000,
        receiptPollMs: 2,
      },
      { rpc, kzg: hashKzg, journal, clock, log: batcherLog, registry },
    )
    const store = await ChannelStore.open(`${this.directory}/channels`)
    const l2 = {
      syncStatus: () => {
        requireLife()
        return this.l2.syncStatus()
      },
      payloadByNumber: (number: bigint) => this.l2.payloadByNumber(number),
    }
    const batcher = new Batcher(this.options, { l2, txs, rpc, store, clock, log: batcherLog, registry })
    try {
      await txs.start()
      await batcher.start()
    } catch (error) {
      if (process.isAlive) throw error
    }
    return {
      batcher,
      isAlive: () => process.isAlive,
      kill: () => {
        process.isAlive = false
      },
    }
  }

  /** Builds L2 blocks on the L1 head's parent, far enough below the head to survive. */
  async build(blocks: number, options: { readonly txs?: number; readonly bytes?: number } = {}): Promise<void> {
    const origin = await this.source.blockInfoByHash(this.l1.head.hash)
    for (let i = 0; i < blocks; i++) this.l2.build(origin, options)
  }

  /** Mines an L1 block and lets the L2 node read it. */
  async mine(): Promise<void> {
    this.l1.mine()
    await this.derive()
  }

  /** What a verifier makes of L1 as it is now: the safe head is the last block posted in an unbroken row. */
  async derive(): Promise<void> {
    const head = await this.source.blockRefByNumber(this.l1.head.header.number)
    const posted = new Set((await this.posted()).map((block) => block.timestamp))
    let safe = 0
    while (safe + 1 < this.l2.payloads.length && posted.has(this.l2.ref(safe + 1).timestamp)) safe++
    this.l2.safe = this.l2.ref(safe)
    this.l2.currentL1 = head
    this.l2.headL1 = head
    // Final is what was safe when this was last asked, but for the blocks a reorg took back.
    this.l2.finalized = Math.min(this.l2.finalized, safe)
  }

  posted(): Promise<PostedBlock[]> {
    return postedBlocks(this.config, this.source, this.l1.head.header.number, this.address)
  }

  /** Timestamps of all blocks on L1, in order; those of the L2 chain are 2, 4, 6… */
  async postedTimes(): Promise<number[]> {
    return (await this.posted()).map((block) => Number(block.timestamp))
  }

  /** Mines when something waits in the pool, and now and then, as L1 does: channels close by L1 blocks. Until the condition holds. */
  async mineUntil(condition: () => boolean | Promise<boolean>): Promise<void> {
    let rounds = 0
    await until(async () => {
      if (await condition()) return true
      if (this.l1.pool.size > 0 || rounds++ % 10 === 9) await this.mine()
      return false
    })
  }

  /** Mines until every L2 block is safe. */
  settle(): Promise<void> {
    return this.mineUntil(() => this.l2.safe.number === this.l2.unsafe.number)
  }

  /** Waits until the batcher wrote a line. */
  line(text: string): Promise<void> {
    return until(() => this.lines.includes(text))
  }
}

export type Process = { readonly batcher: Batcher; readonly kill: () => void; readonly isAlive: () => boolean }

/** Stands for KZG where nobody checks it: the commitment is a hash of the blob. */
const hashKzg: Kzg = {
  commitment: async (blob) => new Uint8Array(createHash('sha384').update(blob).digest()),
  proof: async () => new Uint8Array(48),
  cellProofs: async () => Array.from({ length: 128 }, () => new Uint8Array(48)),
}
