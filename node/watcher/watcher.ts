import { setMaxListeners } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { BatchThread, type ThreadFacts } from '../../attribution/epochs/batch-thread.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { InfluenceFiles } from '../../attribution/influences/influence-files.ts'
import { TableLeaves } from '../../attribution/influences/table-leaves.ts'
import { ChainFacts } from '../../chain/ledger/chain-facts.ts'
import { callContract, type L2Head, readHead } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import type { Clock } from '../../common/clock.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Action } from './action.ts'
import { ActionRunner, inFlightMax } from './action-runner.ts'
import { BatchSource, type Files } from './batch-source.ts'
import { BatchWatch } from './batch-watch.ts'
import { CommunityWatch } from './community-watch.ts'
import { overdueDemands, Refunds } from './duties.ts'
import { earlierReceipt } from './earlier-receipts.ts'
import { EpochWatch } from './epoch-watch.ts'
import { Evidence } from './evidence.ts'
import { IndexWatch } from './index-watch.ts'
import { MatureBatches } from './mature-batches.ts'
import { SettledRequests } from './settled-requests.ts'
import { SpanWatch } from './span-watch.ts'
import { TableWatch } from './table-watch.ts'
import { watcherMetrics } from './watcher-metrics.ts'

/** Blocks that the book may be behind the chain to be acted upon. */
const blocksBehindMax = 10n

export type WatcherOptions = {
  readonly chainId: bigint
  /** Keeps what this role has to remember. */
  readonly dir: string
  /** 32 bytes that nobody else knows: which leaves are asked for follows from them. */
  readonly seed: Uint8Array
  /** Commit to the evidence of every challenge in an earlier block, so that who copies it gains nothing. */
  readonly commitEvidence: boolean
  /** Check contributions and versions of Datanets too. */
  readonly community: boolean
  /** Between looks at the book. */
  readonly pollMs: number
}

/** Where indexes lie, and where the contents come from that they are made of. */
export type WatcherIndexes = {
  readonly folder: IndexFolder
  readonly content: ContentStore
  /** Rollup RPCs of nodes that serve content. */
  readonly peers: readonly string[]
  /** Folders of models, adapters and tables of influences, by which class G of answers is judged; none: it is not. */
  readonly models: readonly string[]
}

export type WatcherParts = {
  readonly rpc: L2Rpc
  /** Followed by who made it. */
  readonly book: LedgerBook
  readonly files: Files
  readonly indexes: WatcherIndexes
  readonly sender: Pick<Sender, 'address' | 'send'>
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** Judges batches, and is closed by who made it; the watcher's own where absent. */
  readonly batchThread?: BatchThread
}

/**
 * Checks every batch and every proposed epoch and sees to it that wrong ones fall: challenges, demands of what is hidden, what
 * follows where nobody answers, refunds. It takes nothing from anybody's word: facts come from the chain, and files count as
 * far as they are under roots there. What it has to do is found anew from the chain each time, so that nothing is lost by an
 * error or a restart.
 */
export class Watcher {
  readonly #options: WatcherOptions
  readonly #parts: WatcherParts
  readonly #stopped = new AbortController()
  readonly #ownThread: BatchThread | undefined
  readonly #spanThread: SpanThread
  readonly #influences: InfluenceFiles | undefined
  readonly #settled: SettledRequests
  readonly #facts: ChainFacts
  readonly #batches: BatchWatch
  readonly #epochs: EpochWatch
  readonly #spans: SpanWatch
  readonly #indexes: IndexWatch
  readonly #tables: TableWatch
  readonly #community: CommunityWatch | undefined
  readonly #refunds: Refunds
  readonly #evidence: Evidence
  readonly #runner: ActionRunner
  #looking: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  #looked: L2Head | undefined
  #actions: readonly Action[] = []
  #window: bigint | undefined

  constructor(options: WatcherOptions, parts: WatcherParts) {
    this.#options = options
    this.#parts = parts
    const { rpc, book, files, indexes, sender, clock, log, registry } = parts
    const { chainId, seed, dir } = options
    mkdirSync(dir, { recursive: true })
    // Every transaction under way listens, and every fetch of a file.
    setMaxListeners(2 * inFlightMax, this.#stopped.signal)
    const metrics = watcherMetrics(registry)
    const settled = SettledRequests.open(join(dir, 'settled-requests.sqlite'))
    const source = new BatchSource(book, files, clock.nowMs, this.#stopped.signal)
    const thread = parts.batchThread ?? new BatchThread()
    this.#ownThread = parts.batchThread === undefined ? thread : undefined
    this.#settled = settled
    this.#facts = new ChainFacts({ rpc, chainId, earlierReceipt: openedInThread })
    const facts = threadFacts(this.#facts, (worker, requestId, batchId) =>
      earlierReceipt({ book, settled, source }, worker, requestId, batchId),
    )
    this.#batches = new BatchWatch(seed, sender.address, { book, source, thread, facts, settled, log, metrics })
    const batches = new MatureBatches(book, source, thread)
    this.#epochs = new EpochWatch({ book, source, batches, log, metrics })
    const { folder, models, ...content } = indexes
    const fetched = join(dir, 'influences')
    const fetching = { folders: models, dir: fetched, urls: content.peers, log }
    this.#influences = models.length === 0 ? undefined : new InfluenceFiles(fetching)
    this.#spanThread = new SpanThread(folder.dir, [...models, fetched])
    this.#spans = new SpanWatch({
      ...{ rpc, chainId, book, source, folder, influences: this.#influences, thread: this.#spanThread, log },
      requester: sender.address,
    })
    const contents = { rpc, ...content, signal: this.#stopped.signal }
    this.#indexes = new IndexWatch({ book, folder, source: contents, dir, nowMs: clock.nowMs, log })
    const tables = { folders: [...models, fetched], dir: join(dir, 'tables'), urls: content.peers }
    const leaves = new TableLeaves(tables)
    this.#tables = new TableWatch({ ...contents, book, leaves, nowMs: clock.nowMs, log })
    this.#community = options.community
      ? new CommunityWatch({ ...{ book, dir, log, metrics, sender: sender.address, nowMs: clock.nowMs }, ...contents })
      : undefined
    this.#refunds = new Refunds(book, (call) => callContract(rpc, call))
    this.#evidence = new Evidence(book, sender.address, seed)
    const evidence = options.commitEvidence ? this.#evidence : undefined
    this.#runner = new ActionRunner({ rpc, sender, evidence, nowMs: clock.nowMs, log, metrics })
  }

  /** Watches until the signal, then ends what it began. What is on its way may still be mined. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    const stop = () => void this.close()
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    while (!signal.aborted) {
      try {
        await this.look()
      } catch (error) {
        if (!signal.aborted)
          log.warn('the chain’s money is not checked now, trying again', { error: errorMessage(error) })
      }
      await clock.sleep(this.#options.pollMs, signal)
    }
    await this.close()
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  /** One look at the book: checks what is new in it and starts what is to be done about it. */
  async look(): Promise<void> {
    const looking = this.#look()
    this.#looking = looking.catch(() => {})
    await looking
  }

  async #look(): Promise<void> {
    const signal = this.#stopped.signal
    const { book, rpc } = this.#parts
    const { head } = book
    if (head === undefined) return
    if (this.#looked?.hash !== head.hash) {
      // What a book that is being caught up with holds is over.
      const latest = await readHead(rpc, 'latest')
      if (latest === undefined || latest.number > head.number + blocksBehindMax) return
      if (this.#isReorg()) await this.#forget()
      const { actions, isWhole } = await this.#due(head, signal)
      this.#actions = actions
      if (isWhole) this.#looked = head
    }
    this.#runner.run(this.#actions, head.number, signal)
  }

  /** Resolves when what was started is mined or failed, and nothing is being checked beside. */
  async settle(): Promise<void> {
    await this.#indexes.settle()
    await this.#tables.settle()
    await this.#influences?.settle()
    await this.#community?.settle()
    await this.#runner.settle()
  }

  /** Challenges come first, what can wait last; what cannot be found out now does not keep the rest. */
  async #due(head: L2Head, signal: AbortSignal): Promise<{ readonly actions: Action[]; readonly isWhole: boolean }> {
    const { book, sender, log } = this.#parts
    const window = await this.#windowOf()
    const duties: readonly (() => Promise<readonly Action[]>)[] = [
      () => this.#batches.look(head.time, window, signal),
      () => this.#epochs.look(signal),
      () => this.#spans.look(head.time, window, signal),
      async () => this.#indexes.look(),
      async () => this.#tables.look(),
      async () => (await this.#community?.look(head.time)) ?? [],
      async () => overdueDemands(book, head.time, sender.address),
      () => this.#refunds.due(),
      async () => this.#evidence.due(head.number),
    ]
    const actions: Action[] = []
    let isWhole = true
    for (const duty of duties) {
      try {
        actions.push(...(await duty()))
      } catch (error) {
        isWhole = false
        if (!signal.aborted) log.warn('something is not looked at now, trying again', { error: errorMessage(error) })
      }
    }
    return {
      actions,
      isWhole: isWhole && !this.#indexes.isBusy && !this.#tables.isBusy && this.#community?.isBusy !== true,
    }
  }

  async #close(): Promise<void> {
    this.#stopped.abort()
    this.#influences?.close()
    await Promise.all([this.#ownThread?.close(), this.#spanThread.close()])
    await this.#looking
    await this.#indexes.settle()
    await this.#tables.settle()
    await this.#runner.settle()
    await this.#community?.close()
    this.#settled.close()
  }

  /** True where the block of the last look stands no more. */
  #isReorg(): boolean {
    const looked = this.#looked
    return looked !== undefined && this.#parts.book.headBelow(looked.number + 1n)?.hash !== looked.hash
  }

  async #forget(): Promise<void> {
    this.#facts.forget()
    this.#batches.forget()
    this.#epochs.forget()
    this.#spans.forget()
    await this.#tables.forget()
    this.#refunds.forget()
    this.#evidence.forget()
    await this.#community?.forget()
  }

  async #windowOf(): Promise<bigint> {
    const call = { contract: 'InferenceMarket', functionName: 'window', args: [] } as const
    this.#window ??= (await callContract(this.#parts.rpc, call)) as bigint
    return this.#window
  }
}

function threadFacts(facts: ChainFacts, earlierReceipt: ThreadFacts['earlierReceipt']): ThreadFacts {
  return {
    chainId: facts.chainId,
    earlierReceipt,
    price: (...of) => facts.price(...of),
    shares: (...of) => facts.shares(...of),
    model: (...of) => facts.model(...of),
    algoInForce: (...of) => facts.algoInForce(...of),
    royaltyRows: (...of) => facts.royaltyRows(...of),
    modelPayee: (...of) => facts.modelPayee(...of),
    codePayee: (...of) => facts.codePayee(...of),
    contributionPayee: (...of) => facts.contributionPayee(...of),
    datanets: () => facts.datanets(),
  }
}

function openedInThread(): never {
  throw new Error('earlier receipts are opened in the thread for batches')
}
