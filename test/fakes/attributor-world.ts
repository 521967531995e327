import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { Content, contentHashOf } from '../../chain/ledger/content.ts'
import { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../../chain/ledger/ledger-sync.ts'
import { Sender } from '../../chain/ledger/sender.ts'
import type { Kzg } from '../../chain/tx/kzg.ts'
import type { Clock } from '../../common/clock.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { createLog } from '../../common/log.ts'
import { Attributor } from '../../node/attributor/attributor.ts'
import type { AttributorOptions } from '../../node/attributor/attributor-parts.ts'
import { HeardHeartbeats } from '../../p2p/workers/heard-heartbeats.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { sharedBatchThread } from './batch-thread.ts'
import { LedgerChain } from './ledger-chain.ts'
import { LedgerMarket } from './ledger-market.ts'

/** The least wait of a role's loops: the chain goes on a block with each turn of the test, not with the time of day. */
const waitMs = 2

/** Pays whatever is owed at once, and leaves gas fees alone. */
const quiet: AttributorOptions = {
  ...{ epochIntervalSeconds: 0n, claimThreshold: 1n, pollMs: 5 },
  ...{ disburseMinimum: 0n, disburseIntervalSeconds: 0n },
}

/** An attributor over a chain whose blocks a test builds, stopped and started again with what is on its disk. */
export class AttributorWorld {
  readonly chain: LedgerChain
  readonly market: LedgerMarket
  readonly content: Content
  readonly heard = new HeardHeartbeats()
  /** Lines of its log. */
  readonly lines: string[] = []
  readonly #dir: string
  #running: { readonly book: LedgerBook; readonly stop: () => Promise<void> } | undefined

  private constructor(chain: LedgerChain, market: LedgerMarket, dir: string) {
    this.chain = chain
    this.market = market
    this.#dir = dir
    const peers = new ContentPeers({ urls: [], timeoutMs: 1_000 }, contentHashOf)
    // Whoever has nothing to offer need not be waited for.
    const clock = { ...fastClock, nowMs: () => Date.now() * 1_000 }
    this.content = new Content(new ContentStore(join(dir, 'content'), merkleRoot), peers, clock)
  }

  static async open(): Promise<AttributorWorld> {
    const chain = await LedgerChain.open()
    return new AttributorWorld(chain, await LedgerMarket.open(chain), mkdtempSync(join(tmpdir(), 'attributor-')))
  }

  async close(): Promise<void> {
    await this.stop()
    await this.chain.close()
    rmSync(this.#dir, { recursive: true })
  }

  get book(): LedgerBook {
    if (this.#running === undefined) throw new Error('the attributor does not run')
    return this.#running.book
  }

  async start(options: Partial<AttributorOptions> = {}, name: 'attributor' | 'bob' = 'attributor'): Promise<void> {
    const { chain, content } = this
    const log = createLog({ level: 'debug', format: 'text', write: (line) => this.lines.push(line) })
    const parts = { rpc: chain.rpc, clock: fastClock, log, registry: new Registry() }
    const book = LedgerBook.open(join(this.#dir, name, 'ledger.sqlite'), chain.firstHash)
    const sync = new LedgerSync({ ...parts, book })
    const account = { name, privateKey: chain.actor(name).key, chainId: 901n, journalDir: join(this.#dir, name, 'txs') }
    const sender = await Sender.open(account, { ...parts, kzg: {} as Kzg })
    const attributor = new Attributor(
      { ...quiet, ...options },
      { ...parts, book, sync, content, sender, batchThread: sharedBatchThread, heard: this.heard },
    )
    const stopping = new AbortController()
    const running = Promise.all([sync.run(stopping.signal), attributor.run(stopping.signal)])
    const stop = async () => {
      stopping.abort()
      await running
      book.close()
    }
    this.#running = { book, stop }
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  /** Builds blocks until it is so; each waits `turnsMax` turns for the role to send something. */
  async until(
    what: string,
    isSo: (book: LedgerBook) => boolean | Promise<boolean>,
    { blocksMax = 200, turnsMax = 25 } = {},
  ): Promise<void> {
    for (let i = 0; i < blocksMax; i++) {
      const { number } = this.chain.head
      for (let turn = 0; (this.book.head?.number ?? 0n) < number && turn < 500; turn++) await rest()
      if (await isSo(this.book)) return
      for (let turn = 0; turn < turnsMax && !(await this.#isSending()); turn++) await rest()
      await this.chain.mine()
    }
    throw new Error(`${what}: not within ${blocksMax} blocks\n${this.lines.slice(-20).join('')}`)
  }

  async #isSending(): Promise<boolean> {
    const { pending } = (await this.chain.rpc.request('txpool_status', [])) as { readonly pending: string }
    return pending !== '0x0'
  }

  async nonceOf(name: 'attributor' | 'bob'): Promise<number> {
    const { address } = this.chain.actor(name)
    return Number(await this.chain.rpc.request('eth_getTransactionCount', [address, 'latest']))
  }
}

const rest = () => new Promise((next) => setTimeout(next, waitMs))

const fastClock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (_, signal) => {
    if (signal?.aborted !== true) await rest()
  },
}
