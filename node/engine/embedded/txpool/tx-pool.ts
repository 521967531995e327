import type { Clock } from '../../../../common/clock.ts'
import { errorMessage } from '../../../../common/errors.ts'
import type { Log } from '../../../../common/log.ts'
import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import type { ForkTimes } from '../../../../protocol/hardforks.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { decodeTransaction, transactionSender, txType } from '../../../../protocol/transaction.ts'
import type {
  ChainView,
  DataFees,
  HeadEvent,
  PooledTransaction,
  StoredBlock,
  TransactionSource,
} from '../chain-view.ts'
import { chooseVictims, evictable, isWorthLess, type Worth } from './eviction.ts'
import * as limits from './limits.ts'
import { PoolError } from './pool-error.ts'
import { PriceOrder } from './price-order.ts'
import { checkAccount } from './sender-check.ts'
import { type PoolEntry, SenderQueue } from './sender-queue.ts'
import { checkTransaction, effectiveTip, feeCap, tipCap } from './validate.ts'

export type TxPoolOptions = {
  readonly forkTimes: ForkTimes
  readonly transactionsMax?: number
  readonly bytesMax?: number
  readonly senderTransactionsMax?: number
  readonly senderQueuedMax?: number
  readonly queuedMax?: number
}

type PoolContent = {
  readonly pending: ReadonlyMap<Hex, readonly PoolEntry[]>
  readonly queued: ReadonlyMap<Hex, readonly PoolEntry[]>
}

type PoolChain = Pick<
  ChainView,
  'chainId' | 'head' | 'stateAt' | 'dataFees' | 'nextBaseFee' | 'onHead' | 'receiptsByHash' | 'setTransactionSource'
>

/**
 * Transactions waiting for a block. Owns: what is admitted, replaced and evicted, and their order.
 * Does not own: execution, gossip, persistence (a restart empties it).
 */
export class TxPool implements TransactionSource {
  readonly #options: Required<TxPoolOptions>
  readonly #parts: { readonly chain: PoolChain; readonly clock: Clock; readonly log: Log }
  readonly #byHash = new Map<Hex, PoolEntry>()
  readonly #senders = new Map<Hex, SenderQueue>()
  readonly #listeners = new Set<(transaction: PooledTransaction) => void>()
  readonly #stopListening: () => void
  #fees: { readonly head: Hex; readonly value: DataFees } | undefined
  #sequence = 0
  #bytes = 0
  #queuedCount = 0
  #sweptAtMs = 0
  /** Worth of the least valuable transaction of a full pool, until the pool changes. */
  #leastWorth: Worth | undefined

  constructor(options: TxPoolOptions, parts: { readonly chain: PoolChain; readonly clock: Clock; readonly log: Log }) {
    this.#options = {
      transactionsMax: limits.poolTransactionsMax,
      bytesMax: limits.poolBytesMax,
      senderTransactionsMax: limits.senderTransactionsMax,
      senderQueuedMax: limits.senderQueuedMax,
      queuedMax: limits.poolQueuedMax,
      ...options,
    }
    this.#parts = parts
    this.#stopListening = parts.chain.onHead((event) => this.#follow(event))
    parts.chain.setTransactionSource(this)
  }

  stop(): void {
    this.#stopListening()
    this.#listeners.clear()
  }

  /** Takes a transaction in; returns its hash. Throws {@link PoolError}. */
  add(raw: Uint8Array): Hex {
    const { chain, clock } = this.#parts
    if (this.#byHash.has(keccakHex(raw))) throw new PoolError('already-known', 'already known')
    const head = chain.head('latest')
    const state = head === undefined ? undefined : chain.stateAt(head.hash)
    if (head === undefined || state === undefined) throw new PoolError('not-ready', 'the chain has no state yet')
    const { timestamp, gasLimit } = head.header
    const pooled = checkTransaction(raw, {
      chainId: chain.chainId,
      forkTimes: this.#options.forkTimes,
      timestamp,
      gasLimit,
    })
    const sender = bytesToHex(pooled.sender)
    const stateNonce = state.account(pooled.sender)?.nonce ?? 0n
    // An authorization of another's transaction (EIP-7702) moves a nonce without the account sending anything.
    if (this.#senders.get(sender)?.stateNonce !== stateNonce) this.#refresh(sender, head)
    const queue = this.#senders.get(sender) ?? new SenderQueue(stateNonce)
    const cost = this.#cost(head.hash, pooled)
    checkAccount(pooled, state, { cost, queue })
    const replaced = queue.get(pooled.tx.nonce)
    if (replaced !== undefined) checkReplacement(replaced, pooled)
    else this.#checkSenderLimits(queue, pooled)
    const entry = { ...pooled, cost, sequence: this.#sequence++, addedAtMs: clock.nowMs() }
    this.#makeRoom(entry, queue, replaced)
    const firstNew = replaced === undefined ? queue.nextNonce : entry.tx.nonce
    if (replaced !== undefined) this.#drop(replaced)
    this.#insert(sender, queue, entry)
    const promoted = replaced === undefined ? queue.nextNonce : entry.tx.nonce + 1n
    if (queue.isExecutable(entry.tx.nonce)) this.#announce(queue, firstNew, promoted)
    return entry.hash
  }

  get(hash: Hex): PooledTransaction | undefined {
    return this.#byHash.get(hash)
  }

  /** Nonce for the sender's next transaction, pooled ones counted; undefined where none is pooled. */
  nextNonce(sender: Uint8Array): bigint | undefined {
    return this.#senders.get(bytesToHex(sender))?.nextNonce
  }

  pending(baseFee: bigint): PriceOrder<PoolEntry> {
    return new PriceOrder(
      [...this.#senders.values()].map((queue) => queue.executable()),
      baseFee,
    )
  }

  removed(hash: Hex, reason: string): void {
    const entry = this.#byHash.get(hash)
    if (entry === undefined) return
    this.#parts.log.debug('pooled transaction dropped', { hash, reason })
    this.#drop(entry)
  }

  /** Executable and gapped transactions by sender, nonces ascending. */
  content(): PoolContent {
    const pending = new Map<Hex, readonly PoolEntry[]>()
    const queued = new Map<Hex, readonly PoolEntry[]>()
    for (const [sender, queue] of this.#senders) {
      if (queue.executableCount > 0) pending.set(sender, queue.executable())
      if (queue.queuedCount > 0) queued.set(sender, queue.queued())
    }
    return { pending, queued }
  }

  status(): { readonly pending: number; readonly queued: number; readonly bytes: number } {
    return { pending: this.#byHash.size - this.#queuedCount, queued: this.#queuedCount, bytes: this.#bytes }
  }

  /** Tells of each transaction that becomes executable. Returns the function that ends it. */
  onPending(listener: (transaction: PooledTransaction) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #cost(head: Hex, { raw, tx }: PooledTransaction): bigint {
    if (this.#fees?.head !== head) this.#fees = { head, value: this.#parts.chain.dataFees(head) }
    const fees = this.#fees.value
    return tx.value + tx.gasLimit * feeCap(tx) + fees.l1Cost(raw) + fees.operatorFee(tx.gasLimit)
  }

  #checkSenderLimits(queue: SenderQueue, { tx }: PooledTransaction): void {
    const { senderTransactionsMax, senderQueuedMax, queuedMax } = this.#options
    if (queue.size >= senderTransactionsMax) {
      throw new PoolError('limit', `account limit exceeded: a sender may have ${senderTransactionsMax} transactions`)
    }
    if (tx.nonce === queue.nextNonce) return
    if (queue.queuedCount >= senderQueuedMax) {
      throw new PoolError('limit', `account limit exceeded: ${senderQueuedMax} transactions wait behind a nonce gap`)
    }
    if (this.#queuedCount >= queuedMax) {
      throw new PoolError('limit', `txpool is full: ${queuedMax} transactions wait behind nonce gaps`)
    }
  }

  /** Evicts what is worth less than the entry so that it fits, or throws. */
  #makeRoom(entry: PoolEntry, queue: SenderQueue, replaced: PoolEntry | undefined): void {
    const { transactionsMax, bytesMax } = this.#options
    const count = this.#byHash.size + (replaced === undefined ? 1 : 0) - transactionsMax
    const bytes = this.#bytes + entry.raw.length - (replaced?.raw.length ?? 0) - bytesMax
    if (count <= 0 && bytes <= 0) return
    const baseFee = this.#parts.chain.nextBaseFee()
    const isQueued = replaced === undefined ? entry.tx.nonce !== queue.nextNonce : !queue.isExecutable(entry.tx.nonce)
    const worth = { isQueued, tip: effectiveTip(entry.tx, baseFee) }
    // Who is refused again and again must not cost a look at the whole pool each time.
    if (this.#leastWorth !== undefined && !isWorthLess(this.#leastWorth, worth)) throw poolFull()
    const candidates = evictable(this.#senders.values(), baseFee)
    this.#leastWorth = candidates[0]
    const others = candidates.filter((candidate) => candidate.queue !== queue)
    const victims = chooseVictims(others, worth, { count, bytes }, Math.ceil(transactionsMax / evictionShare))
    if (victims === undefined) throw poolFull()
    for (const victim of victims) this.removed(victim.hash, 'evicted')
  }

  #insert(sender: Hex, queue: SenderQueue, entry: PoolEntry): void {
    this.#senders.set(sender, queue)
    this.#byHash.set(entry.hash, entry)
    this.#bytes += entry.raw.length
    this.#counted(queue, () => queue.set(entry))
  }

  #drop(entry: PoolEntry): void {
    const sender = bytesToHex(entry.sender)
    const queue = this.#senders.get(sender)
    if (queue === undefined || !this.#byHash.delete(entry.hash)) return
    this.#bytes -= entry.raw.length
    this.#counted(queue, () => queue.delete(entry.tx.nonce))
    if (queue.size === 0) this.#senders.delete(sender)
  }

  #counted(queue: SenderQueue, change: () => void): void {
    this.#leastWorth = undefined
    this.#queuedCount -= queue.queuedCount
    change()
    this.#queuedCount += queue.queuedCount
  }

  #announce(queue: SenderQueue, from: bigint, to: bigint): void {
    for (let nonce = from; nonce < to; nonce++) {
      const transaction = queue.get(nonce)
      if (transaction === undefined) continue
      for (const listener of this.#listeners) {
        try {
          listener(transaction)
        } catch (error) {
          this.#parts.log.warn('pool listener failed', { error: errorMessage(error) })
        }
      }
    }
  }

  #follow({ head, reverted, added }: HeadEvent): void {
    this.#leastWorth = undefined
    if (this.#byHash.size > 0) {
      for (const sender of this.#touchedSenders(added, reverted)) this.#refresh(sender, head)
      this.#sweep(head)
    }
    if (reverted.length > 0) this.#reinject(reverted, added)
  }

  /** Senders with pooled transactions whose accounts those blocks used. */
  #touchedSenders(added: readonly StoredBlock[], reverted: readonly StoredBlock[]): Set<Hex> {
    const senders = new Set<Hex>()
    for (const block of [...reverted, ...added]) {
      const froms =
        this.#parts.chain.receiptsByHash(block.hash)?.map(({ from }) => from) ?? block.transactions.map(senderOf)
      for (const from of froms) {
        const sender = bytesToHex(from)
        if (this.#senders.has(sender)) senders.add(sender)
      }
    }
    return senders
  }

  #refresh(sender: Hex, head: StoredBlock): void {
    const queue = this.#senders.get(sender)
    const first = queue?.last()
    if (queue === undefined || first === undefined) return
    const account = this.#parts.chain.stateAt(head.hash)?.account(first.sender)
    const { nonce, balance } = account ?? { nonce: 0n, balance: 0n }
    this.#counted(queue, () => {
      for (const stale of queue.advance(nonce)) {
        this.#byHash.delete(stale.hash)
        this.#bytes -= stale.raw.length
      }
    })
    for (const entry of [...queue.executable(), ...queue.queued()]) {
      if (entry.cost > balance) this.removed(entry.hash, 'the sender cannot pay any more')
    }
    if (queue.size === 0) this.#senders.delete(sender)
  }

  /**
   * Looks once a minute at every sender, as others can change a delegated account (EIP-7702), and drops what has waited
   * behind a gap for too long.
   */
  #sweep(head: StoredBlock): void {
    const now = this.#parts.clock.nowMs()
    if (now - this.#sweptAtMs < sweepIntervalMs) return
    this.#sweptAtMs = now
    for (const sender of [...this.#senders.keys()]) this.#refresh(sender, head)
    for (const queue of [...this.#senders.values()]) {
      for (const entry of queue.queued()) {
        if (now - entry.addedAtMs > limits.queuedLifetimeMs) this.removed(entry.hash, 'waited too long behind a gap')
      }
    }
  }

  /** Transactions of blocks that left the chain wait again, unless a new block has them. */
  #reinject(reverted: readonly StoredBlock[], added: readonly StoredBlock[]): void {
    const included = new Set(added.flatMap((block) => block.transactions.map((raw) => keccakHex(raw))))
    const oldestFirst = [...reverted].sort((a, b) => (a.header.number < b.header.number ? -1 : 1))
    for (const raw of oldestFirst.flatMap((block) => block.transactions)) {
      if (raw[0] === txType.deposit || included.has(keccakHex(raw))) continue
      try {
        this.add(raw)
      } catch (error) {
        if (!(error instanceof PoolError)) throw error
        this.#parts.log.debug('reverted transaction not pooled again', { reason: error.message })
      }
    }
  }
}

const sweepIntervalMs = 60_000

/** A full pool makes room for a hundredth of it at once, since finding what to evict is a look at all senders. */
const evictionShare = 100

function poolFull(): PoolError {
  return new PoolError('limit', 'txpool is full')
}

function checkReplacement(old: PooledTransaction, next: PooledTransaction): void {
  const bumped = (value: bigint) => (value * (100n + limits.replacementBumpPercent) + 99n) / 100n
  const raises = (a: bigint, b: bigint) => b > a && b >= bumped(a)
  if (raises(feeCap(old.tx), feeCap(next.tx)) && raises(tipCap(old.tx), tipCap(next.tx))) return
  throw new PoolError(
    'replacement-underpriced',
    `replacement transaction underpriced: fee cap and tip must both rise by ${limits.replacementBumpPercent} %`,
  )
}

function senderOf(raw: Uint8Array): Uint8Array {
  return transactionSender(decodeTransaction(raw))
}
