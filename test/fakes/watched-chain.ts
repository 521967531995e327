import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import { CallReverted, callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { LedgerSync } from '../../chain/ledger/ledger-sync.ts'
import { encodeCall, type MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { SendError, type Sent } from '../../chain/ledger/sender.ts'
import { ContentStore } from '../../common/content-store.ts'
import type { Log, LogFields } from '../../common/log.ts'
import { silentLog } from '../../common/log.ts'
import { Watcher } from '../../node/watcher/watcher.ts'
import { bytesToHex, type Hex, hexToBytes, quantity } from '../../protocol/bytes.ts'
import { contentHash, merkleRoot } from '../../protocol/content-hash.ts'
import { encodeTransaction, signTransaction } from '../../protocol/transaction.ts'
import { sharedBatchThread } from './batch-thread.ts'
import { LedgerChain } from './ledger-chain.ts'
import { LedgerMarket } from './ledger-market.ts'

/** A line of the watcher's log. */
export type Line = { readonly level: string; readonly message: string; readonly fields: LogFields }

type WatchedOptions = {
  readonly commitEvidence?: boolean
  readonly bare?: boolean
  readonly community?: boolean
  readonly models?: readonly string[]
  /** What stands between the watcher and the chain. */
  readonly between?: (rpc: L2Rpc) => L2Rpc
}

/** A chain with a market, and a watcher that sees it; blocks come when the test lets them. */
export class WatchedChain {
  readonly chain: LedgerChain
  readonly #market: LedgerMarket | undefined
  readonly book: LedgerBook
  readonly watcher: Watcher
  readonly sender: BlockSender
  readonly lines: Line[] = []
  /** Files that can be fetched. */
  readonly files = new Map<Hex, Uint8Array>()
  /** Contents of Datanets that the watcher has, and its indexes. */
  readonly content: ContentStore
  readonly indexes: IndexFolder
  /** Nodes that it asks for both. */
  readonly peers: string[] = []
  readonly #sync: LedgerSync
  readonly #dir: string

  /** `bare`: without a market, which the test makes. `community`: the watcher checks contributions and versions too. */
  static async open(options: WatchedOptions = {}): Promise<WatchedChain> {
    const chain = await LedgerChain.open()
    return new WatchedChain(chain, options.bare === true ? undefined : await LedgerMarket.open(chain), options)
  }

  private constructor(
    chain: LedgerChain,
    market: LedgerMarket | undefined,
    { commitEvidence = false, community = false, ...options }: WatchedOptions,
  ) {
    this.chain = chain
    this.#market = market
    this.#dir = mkdtempSync(join(tmpdir(), 'watched-chain-'))
    this.book = LedgerBook.open(join(this.#dir, 'ledger.sqlite'), chain.firstHash)
    const clock = { nowMs: () => 1_000 * Number(chain.now), sleep: async () => {} }
    this.#sync = new LedgerSync({ rpc: chain.rpc, book: this.book, clock, log: silentLog })
    this.sender = new BlockSender(chain)
    this.content = new ContentStore(join(this.#dir, 'content'), merkleRoot)
    this.indexes = new IndexFolder(join(this.#dir, 'indexes'))
    const own = async (hash: Hex) => this.files.get(hash)
    this.watcher = new Watcher(
      {
        ...{ chainId: 901n, dir: join(this.#dir, 'watcher'), seed: new Uint8Array(32).fill(7) },
        ...{ commitEvidence, community, pollMs: 1 },
      },
      {
        rpc: options.between?.(chain.rpc) ?? chain.rpc,
        book: this.book,
        files: { get: own, own },
        indexes: { folder: this.indexes, content: this.content, peers: this.peers, models: options.models ?? [] },
        sender: this.sender,
        clock,
        log: this.#log(),
        registry: new Registry(),
        batchThread: sharedBatchThread,
      },
    )
  }

  get market(): LedgerMarket {
    if (this.#market === undefined) throw new Error('this chain was opened without a market')
    return this.#market
  }

  async close(): Promise<void> {
    await this.watcher.close()
    this.book.close()
    await this.chain.close()
    rmSync(this.#dir, { recursive: true })
  }

  publish(file: Uint8Array): Hex {
    const hash = contentHash(file)
    this.files.set(hash, file)
    return hash
  }

  /** Lets the watcher look, and mines what it sends, until it does nothing more at this time. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 40; rounds++) {
      await this.follow()
      const before = this.sender.mined
      await this.watcher.look()
      const settled = this.watcher.settle()
      await this.sender.mineUntil(settled)
      if (this.sender.mined === before) return
    }
    throw new Error('the watcher does not come to rest')
  }

  async follow(): Promise<void> {
    while (await this.#sync.step());
  }

  /** An empty block so many seconds later. */
  async pass(seconds: number): Promise<void> {
    this.chain.advance(Math.max(seconds - 2, 0))
    await this.chain.mine()
  }

  /** Messages of one level, or all. */
  messages(level?: string): string[] {
    return this.lines.filter((line) => level === undefined || line.level === level).map(({ message }) => message)
  }

  #log(): Log {
    const line =
      (level: string) =>
      (message: string, fields: LogFields = {}) => {
        this.lines.push({ level, message, fields })
      }
    const log: Log = {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      with: () => log,
      setLevel: () => {},
    }
    return log
  }
}

/** Puts a watcher's transactions into the pool; those that wait are mined together. */
export class BlockSender {
  readonly address: Hex
  readonly sent: MoneyCall[] = []
  /** Transactions that were mined. */
  mined = 0
  /** Somebody who sees what is about to be sent, and is faster. */
  rival: ((call: MoneyCall) => Promise<unknown>) | undefined
  readonly #chain: LedgerChain
  #queue: { readonly hash: Hex; readonly resolve: (sent: Sent) => void; readonly reject: (error: Error) => void }[] = []
  #nonce: bigint | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(chain: LedgerChain) {
    this.#chain = chain
    this.address = chain.actor('watcher').address
  }

  async send(call: MoneyCall, signal: AbortSignal): Promise<Sent> {
    const { rpc } = this.#chain
    await callContract(rpc, call, this.address).catch((cause: unknown) => {
      if (cause instanceof CallReverted) throw new SendError('reverted', cause.message, { cause })
      throw cause
    })
    this.sent.push(call)
    await this.rival?.(call)
    const turn = this.#turn.then(() => this.#submit(call))
    this.#turn = turn.catch(() => {})
    const hash = await turn
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new SendError('aborted', 'closed')))
      this.#queue.push({ hash, resolve, reject })
    })
  }

  /** Mines what is sent until nothing is under way. */
  async mineUntil(settled: Promise<void>): Promise<void> {
    let done = false
    void settled.then(() => {
      done = true
    })
    while (!done) {
      const before = this.#queue.length
      for (let i = 0; i < 50 && !done; i++) await new Promise((next) => setImmediate(next))
      if (!done && this.#queue.length > 0 && this.#queue.length === before) await this.#mine()
    }
  }

  async #submit({ value = 0n, ...call }: MoneyCall): Promise<Hex> {
    const { rpc } = this.#chain
    const { to, data } = encodeCall(call)
    const from = this.address
    this.#nonce ??= BigInt((await rpc.request('eth_getTransactionCount', [from, 'latest'])) as string)
    const question = [{ from, to, data, value: quantity(value) }]
    const gas =
      this.rival === undefined ? BigInt((await rpc.request('eth_estimateGas', question)) as string) : 1_000_000n
    const tx = {
      ...{ type: 2 as const, chainId: 901n, nonce: this.#nonce, gasLimit: (gas * 5n) / 4n, value, accessList: [] },
      ...{ maxPriorityFeePerGas: 1_000_000n, maxFeePerGas: 10n ** 11n, yParity: 0 as const, r: 0n, s: 0n },
      ...{ to: hexToBytes(to), data: hexToBytes(data) },
    }
    const key = hexToBytes(this.#chain.actor('watcher').key)
    const raw = bytesToHex(encodeTransaction(signTransaction(tx, key)))
    this.#nonce++
    return (await rpc.request('eth_sendRawTransaction', [raw])) as Hex
  }

  async #mine(): Promise<void> {
    const { number } = await this.#chain.mine()
    const waiting = this.#queue
    this.#queue = []
    for (const each of waiting) {
      const receipt = await this.#chain.rpc.request('eth_getTransactionReceipt', [each.hash])
      const { status } = (receipt ?? {}) as { status?: string }
      if (status === undefined) {
        this.#queue.push(each)
        continue
      }
      this.mined++
      if (status === '0x1') each.resolve({ txHash: each.hash, block: number })
      else each.reject(new SendError('failed', `${each.hash} reverted`))
    }
  }
}
