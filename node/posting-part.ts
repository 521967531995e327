import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { TxJournal } from '../chain/tx/tx-journal.ts'
import { TxManager, txManagerDefaults } from '../chain/tx/tx-manager.ts'
import type { Clock } from '../common/clock.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import type { Hex } from '../protocol/bytes.ts'
import { Batcher } from './batcher/batcher.ts'
import { batcherDefaults } from './batcher/batcher-options.ts'
import { ChannelStore } from './batcher/channel-store.ts'
import type { L2Source } from './driver/l2-source.ts'
import type { SyncStatus } from './driver/sync-status.ts'
import type { Engine } from './engine/engine.ts'
import type { L1Part } from './l1-part.ts'
import type { NodeOptions } from './node-options.ts'
import { OutputOracle } from './proposer/output-oracle.ts'
import { Proposer, proposerDefaults } from './proposer/proposer.ts'

type Parts = {
  readonly l1: L1Part
  readonly l2: L2Source
  readonly engine: Engine
  readonly syncStatus: () => SyncStatus
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** How long a stopping batcher may take to see its last channel on L1; what is left goes on at the next start. */
const drainMs = 2_000
/** Wait before a start that L1 spoiled is tried again. */
const retryMs = 5_000

/** What writes to L1: batcher and proposer, each with its own account. */
export class Posting {
  readonly batcher: Batcher | undefined
  readonly proposer: Proposer | undefined
  readonly #starts: readonly { readonly name: string; readonly start: () => Promise<void> }[]
  readonly #parts: Pick<Parts, 'clock' | 'log'>
  #starting: Promise<unknown> = Promise.resolve()

  private constructor(
    batcher: readonly [Batcher, TxManager] | undefined,
    proposer: readonly [Proposer, TxManager] | undefined,
    parts: Pick<Parts, 'clock' | 'log'>,
  ) {
    this.batcher = batcher?.[0]
    this.proposer = proposer?.[0]
    this.#parts = parts
    this.#starts = [
      { name: 'batcher', poster: batcher },
      { name: 'proposer', poster: proposer },
    ].flatMap(({ name, poster }) => {
      if (poster === undefined) return []
      const [part, txs] = poster
      // What was sent before the restart goes out again before anything new is thought of.
      const start = async () => {
        await txs.start()
        await part.start()
      }
      return [{ name, start }]
    })
  }

  /** Makes what the options ask for; nothing is started. */
  static async make(options: NodeOptions, parts: Parts): Promise<Posting> {
    return new Posting(await makeBatcher(options, parts), await makeProposer(options, parts), parts)
  }

  /** Starts both; an L1 that fails meanwhile is tried again until `signal` aborts. */
  start(signal: AbortSignal): void {
    this.#starting = Promise.all(this.#starts.map(({ name, start }) => this.#start(name, start, signal)))
  }

  /** Resolves when nothing is sent any more. `cutL1` is called when waiting for L1 would take too long. */
  async stop(cutL1: () => void): Promise<void> {
    const soon = new AbortController()
    const cut = this.#parts.clock.sleep(drainMs, soon.signal).then(() => {
      if (!soon.signal.aborted) cutL1()
    })
    await this.#starting
    await Promise.all([this.batcher?.stop({ drainMs }), this.proposer?.stop()])
    soon.abort()
    await cut
  }

  async #start(name: string, start: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        return await start()
      } catch (error) {
        log.warn('cannot start to post', { name, error: errorMessage(error), retryMs })
        await clock.sleep(retryMs, signal)
      }
    }
  }
}

async function makeBatcher(options: NodeOptions, parts: Parts): Promise<readonly [Batcher, TxManager] | undefined> {
  const { batcher: flags, rollupConfig, dataDir } = options
  if (flags === undefined) return undefined
  const { key, confirmations, resubmissionTimeoutMs, ...settings } = flags
  const { l1, l2, syncStatus, clock, log, registry } = parts
  const name = 'batcher'
  const txs = await makeTxManager(options, { name, key, confirmations, resubmissionTimeoutMs }, parts)
  const store = await ChannelStore.open(join(dataDir, 'batcher', 'channels'))
  const batcher = new Batcher(
    { ...batcherDefaults, ...defined(settings), rollupConfig },
    { l2: { syncStatus, payloadByNumber: l2.payloadByNumber }, txs, rpc: l1.rpc, store, clock, log, registry },
  )
  return [batcher, txs]
}

async function makeProposer(options: NodeOptions, parts: Parts): Promise<readonly [Proposer, TxManager] | undefined> {
  const { proposer: flags } = options
  if (flags === undefined) return undefined
  const { key, outputOracle, confirmations, resubmissionTimeoutMs, ...settings } = flags
  const { l1, l2, engine, syncStatus, clock, log, registry } = parts
  const name = 'proposer'
  const txs = await makeTxManager(options, { name, key, confirmations, resubmissionTimeoutMs }, parts)
  const messagePasserRoot = (blockHash: Hex) => engine.messagePasserRoot(blockHash)
  const proposer = new Proposer(
    { ...proposerDefaults, ...defined(settings) },
    {
      l2: { syncStatus, payloadByNumber: l2.payloadByNumber, messagePasserRoot },
      oracle: new OutputOracle(outputOracle, { rpc: l1.rpc }),
      txs,
      clock,
      log,
      registry,
    },
  )
  return [proposer, txs]
}

async function makeTxManager(
  { dataDir, rollupConfig, l1: { pollIntervalMs } }: NodeOptions,
  account: {
    readonly name: string
    readonly key: Hex
    readonly confirmations: number | undefined
    readonly resubmissionTimeoutMs: number | undefined
  },
  { l1, clock, log, registry }: Parts,
): Promise<TxManager> {
  const { name, key: privateKey, confirmations, resubmissionTimeoutMs } = account
  const journal = await TxJournal.open(join(dataDir, name, 'transactions'))
  return new TxManager(
    {
      ...txManagerDefaults,
      // Looking for a receipt more often than for a new block finds nothing.
      receiptPollMs: Math.min(pollIntervalMs, txManagerDefaults.receiptPollMs),
      ...defined({ confirmations, resubmissionTimeoutMs }),
      name,
      privateKey,
      chainId: rollupConfig.l1ChainId,
    },
    { rpc: l1.rpc, kzg: l1.kzg, journal, clock, log, registry },
  )
}

/** Only the fields that have a value, so that they do not hide a default. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
