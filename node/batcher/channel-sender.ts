import type { Registry } from 'prom-client'
import type { TxCandidate } from '../../chain/tx/tx-candidate.ts'
import { calldataGas, txGas } from '../../chain/tx/tx-gas.ts'
import type { TxReceipt } from '../../chain/tx/tx-manager.ts'
import type { Clock } from '../../common/clock.ts'
import { CodedError, errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import { encodeBlob } from '../../protocol/blob-codec.ts'
import type { BlockId } from '../../protocol/block-ref.ts'
import { emptyBytes, type Hex } from '../../protocol/bytes.ts'
import type { ChannelStore } from './channel-store.ts'
import type { ChannelTx, ClosedChannel } from './closed-channel.ts'
import { PostedChannel } from './posted-channel.ts'

/** After a transaction failed the next try waits this long, doubling. */
export const sendRetryMs = { first: 1_000, max: 30_000 } as const
/** Channels kept although their blocks are safe, where L1 never calls anything final: about 64 blobs of memory. */
export const safeChannelsMax = 64
/** How often a drain looks whether all is mined. */
const drainPollMs = 50

/** What the sender needs of the TxManager. */
export type TxSender = {
  readonly submit: (candidate: TxCandidate, signal: AbortSignal) => Promise<TxReceipt>
  readonly inclusion: (key: string) => Promise<bigint | undefined>
  readonly forget: (key: string) => Promise<void>
  readonly keys: () => readonly string[]
  readonly nonces: () => Promise<{ readonly mined: bigint; readonly pending: bigint }>
  readonly lastMinedBlock: (depth: bigint) => Promise<bigint | undefined>
}

export type ChannelSenderOptions = {
  readonly maxPendingTxs: number
  readonly blobsPerTx: number
  readonly batchInboxAddress: Hex
}

type Parts = {
  readonly txs: TxSender
  readonly store: ChannelStore
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** Sends closed channels in order and remembers them until no L1 reorg can throw them out. */
export class ChannelSender {
  readonly #options: ChannelSenderOptions
  readonly #parts: Parts
  #channels: PostedChannel[] = []
  readonly #inFlight = new Set<Promise<void>>()
  #signal: AbortSignal = AbortSignal.abort()
  #retryAtMs = 0
  #retryMs = 0
  #isPaused = false
  /** The newest channel that became final and was forgotten. */
  #forgotten: { readonly last: BlockId; readonly l1Block: bigint } | undefined

  constructor(options: ChannelSenderOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  /** Transactions started from now on end with `signal`. */
  resume(signal: AbortSignal): void {
    this.#signal = signal
    this.#retryAtMs = 0
  }

  /** Channels stored before a restart; their transactions keep their keys, so what was sent is not sent again. */
  async recover(channels: readonly ClosedChannel[]): Promise<void> {
    this.#channels = channels.map((channel) => new PostedChannel(channel, this.#options.blobsPerTx))
    await this.recheck()
  }

  add(channel: ClosedChannel): void {
    this.#channels.push(new PostedChannel(channel, this.#options.blobsPerTx))
  }

  /** Channels with something left to send. */
  get waiting(): number {
    return this.#channels.filter((posted) => !posted.isMined).length
  }

  /** Starts the next transactions, in order, up to the limit. */
  pump(): void {
    if (this.#isPaused || this.#signal.aborted || this.#parts.clock.nowMs() < this.#retryAtMs) return
    let inFlight = this.#channels.reduce((sum, posted) => sum + posted.inFlight, 0)
    for (const posted of this.#channels) {
      for (let index = posted.nextUnsent(); index !== undefined; index = posted.nextUnsent()) {
        if (inFlight >= this.#options.maxPendingTxs) return
        inFlight++
        this.#start(posted, index)
      }
    }
  }

  /** Looks again where everything mined is: for after an L1 reorg or a restart. */
  async recheck(): Promise<void> {
    for (const posted of this.#channels) {
      for (const [index, tx] of posted.txs.entries()) {
        if (posted.state(index).kind === 'sending') continue
        const l1Block = await this.#parts.txs.inclusion(tx.key)
        if (posted.state(index).kind === 'sending') continue
        posted.set(index, l1Block === undefined ? { kind: 'unsent' } : { kind: 'mined', l1Block })
      }
    }
  }

  /** Forgets channels whose blocks are final: until then a reorg may throw their transactions out, to be sent again as they are. */
  async forgetFinal(heads: { readonly safe: BlockId; readonly finalized: BlockId }): Promise<void> {
    while (true) {
      const posted = this.#channels[0]
      if (posted === undefined || !posted.isMined) return
      const safe = this.#channels.filter(({ channel }) => channel.last.number <= heads.safe.number).length
      if (posted.channel.last.number > heads.finalized.number && safe <= safeChannelsMax) return
      const { inclusion } = posted
      if (inclusion !== undefined) this.#forgotten = { last: posted.channel.last, l1Block: inclusion.last }
      this.#channels.shift()
      await this.#forget(posted)
    }
  }

  /** Says why, where data on L1 can no longer become safe. */
  lostChannel(view: {
    readonly currentL1: bigint
    readonly headL1: bigint
    readonly safeL2: bigint
    readonly channelTimeout: bigint
  }): string | undefined {
    const forgotten = this.#forgotten
    if (forgotten !== undefined && view.currentL1 > forgotten.l1Block && view.safeL2 < forgotten.last.number) {
      return 'the safe head went back'
    }
    for (const posted of this.#channels) {
      const { inclusion } = posted
      if (inclusion === undefined) continue
      if (posted.isMined && view.currentL1 > inclusion.last && view.safeL2 < posted.channel.last.number) {
        return 'the node read the channel and did not derive its blocks'
      }
      if (!posted.isMined && view.headL1 >= inclusion.first + view.channelTimeout) return 'the channel timed out'
    }
    return undefined
  }

  /**
   * The last L1 block that may hold a transaction of ours, to wait for before the safe head is believed. `pending`: one
   * is on its way. Undefined: there never was one.
   */
  async ownTransactionsUpTo(depth: bigint): Promise<bigint | 'pending' | undefined> {
    const { txs } = this.#parts
    const held = new Set(this.#channels.flatMap((posted) => posted.txs.map((tx) => tx.key)))
    for (const key of txs.keys()) {
      if (held.has(key)) continue
      if ((await txs.inclusion(key)) === undefined && (await txs.nonces()).pending > (await txs.nonces()).mined) {
        return 'pending'
      }
      await txs.forget(key)
    }
    const { mined, pending } = await txs.nonces()
    return pending > mined ? 'pending' : txs.lastMinedBlock(depth)
  }

  /**
   * Waits until nothing is in flight, keeps the channels up to the first that `keeps` refuses and forgets the others.
   * Answers the last L2 block that is kept.
   */
  async keepWhile(keeps: (last: BlockId) => Promise<boolean> | boolean): Promise<BlockId | undefined> {
    this.#isPaused = true
    try {
      await this.settled()
      let kept = 0
      for (const posted of this.#channels) {
        if (!(await keeps(posted.channel.last))) break
        kept++
      }
      const dropped = this.#channels.splice(kept)
      this.#forgotten = undefined
      for (const posted of dropped) await this.#forget(posted)
      return this.#channels.at(-1)?.channel.last
    } finally {
      this.#isPaused = false
    }
  }

  /** Sends until everything is mined or the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    const { clock } = this.#parts
    const untilMs = clock.nowMs() + timeoutMs
    while (this.waiting > 0 && clock.nowMs() < untilMs) {
      this.pump()
      await clock.sleep(drainPollMs)
    }
  }

  /** Resolves when nothing is in flight. */
  async settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
  }

  #start(posted: PostedChannel, index: number): void {
    const tx = posted.txs[index]
    if (tx === undefined) return
    posted.set(index, { kind: 'sending' })
    const sending = this.#send(posted, index, tx).finally(() => {
      this.#inFlight.delete(sending)
      this.pump()
    })
    this.#inFlight.add(sending)
  }

  async #send(posted: PostedChannel, index: number, tx: ChannelTx): Promise<void> {
    const { channel } = posted
    try {
      const receipt = await this.#parts.txs.submit(this.#candidate(channel, tx), this.#signal)
      posted.set(index, { kind: 'mined', l1Block: receipt.blockNumber })
      this.#retryMs = 0
      const bytes = tx.items.reduce((sum, item) => sum + item.length, 0)
      batchBytes(this.#parts.registry).inc({ da: channel.da }, bytes)
      this.#parts.log.info('batch submitted', {
        channel: channel.id,
        frames: tx.items.length,
        bytes,
        da: channel.da,
        l1Block: receipt.blockNumber,
        hash: receipt.hash,
      })
    } catch (error) {
      posted.set(index, { kind: 'unsent' })
      if (error instanceof CodedError && error.code === 'aborted') return
      this.#retryMs = Math.min(this.#retryMs === 0 ? sendRetryMs.first : this.#retryMs * 2, sendRetryMs.max)
      this.#retryAtMs = this.#parts.clock.nowMs() + this.#retryMs
      const needsAPerson = error instanceof CodedError && error.code === 'insufficient-funds'
      const report = needsAPerson ? this.#parts.log.error : this.#parts.log.warn
      report('batch not submitted', { channel: channel.id, retryMs: this.#retryMs, error: errorMessage(error) })
    }
  }

  #candidate(channel: ClosedChannel, tx: ChannelTx): TxCandidate {
    const base = { key: tx.key, to: this.#options.batchInboxAddress }
    if (channel.da === 'blobs') return { ...base, data: emptyBytes, gasLimit: txGas, blobs: tx.items.map(encodeBlob) }
    const data = tx.items[0] ?? emptyBytes
    return { ...base, data, gasLimit: calldataGas(data) }
  }

  async #forget(posted: PostedChannel): Promise<void> {
    await this.#parts.store.remove(posted.channel)
    for (const tx of posted.txs) await this.#parts.txs.forget(tx.key)
  }
}

const batchBytes = (registry: Registry) => counter(registry, 'batcher_bytes_total', 'bytes of batch data on L1', ['da'])
