import type { Registry } from 'prom-client'
import { type FeeRpc, readMarketFees } from '../../chain/tx/fee-market.ts'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import { blobDataBytesMax } from '../../protocol/blob-codec.ts'
import type { BlockId, L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { quantity } from '../../protocol/bytes.ts'
import { rlpBytesPerChannelMaxBedrock, rlpBytesPerChannelMaxFjord } from '../../protocol/channel-compression.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { isActive } from '../../protocol/hardforks.ts'
import { type BatcherBlock, batcherBlock } from './batcher-block.ts'
import { type BatcherOptions, blobsPerTxMax } from './batcher-options.ts'
import { channelCodec } from './channel-codec.ts'
import { ChannelSender, type TxSender } from './channel-sender.ts'
import type { ChannelStore } from './channel-store.ts'
import { cheaperDa, type DataAvailability } from './da-price.ts'
import { OpenChannel } from './open-channel.ts'

/** L2 blocks read in one tick, so that a tick stays short while catching up. */
export const blocksPerTickMax = 2_000
/** Closed channels that may wait for L1; more are not built, their blocks wait in the engine. */
export const waitingChannelsMax = 16
/** Longest pause after failures in a row. */
export const failureBackoffMsMax = 30_000
/** Ticks that must agree that a posted channel was not derived: heads are read while they move. */
export const stalledTicks = 3
/** Spec: channel timeout from Granite on, L1 blocks. */
const graniteChannelTimeout = 50n

/** The L2 node as the batcher reads it. */
export type BatcherL2 = {
  readonly syncStatus: () => Promise<BatcherSyncStatus> | BatcherSyncStatus
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
}

export type BatcherSyncStatus = {
  readonly currentL1: L1BlockRef | undefined
  readonly headL1: L1BlockRef | undefined
  readonly unsafeL2: L2BlockRef
  readonly safeL2: L2BlockRef
  readonly finalizedL2: L2BlockRef
}

export type BatcherParts = {
  readonly l2: BatcherL2
  readonly txs: TxSender
  readonly rpc: FeeRpc
  readonly store: ChannelStore
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/**
 * Posts the unsafe blocks of the L2 to L1. Owns which block comes next, the open channel and the closed ones; what is
 * sent and mined is the {@link ChannelSender}'s. Spec: protocol/batcher.md.
 */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #parts: BatcherParts
  readonly #sender: ChannelSender
  #open: OpenChannel | undefined
  /** The last L2 block that is in a channel; undefined: begin at the safe head. */
  #cursor: BlockId | undefined
  #nextSequence = 0
  #stalledTicks = 0
  #l1Head: L1BlockRef | undefined
  #isRecovered = false
  #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: BatcherOptions, parts: BatcherParts) {
    this.#options = { ...options, targetNumFrames: Math.max(1, options.targetNumFrames) }
    this.#parts = parts
    this.#sender = new ChannelSender(
      {
        maxPendingTxs: options.maxPendingTxs,
        blobsPerTx: Math.min(this.#options.targetNumFrames, blobsPerTxMax),
        batchInboxAddress: options.rollupConfig.batchInboxAddress,
      },
      parts,
    )
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** Goes on where the last run was killed or stopped. */
  async start(): Promise<void> {
    if (this.#running !== undefined) return
    this.#stopped = new AbortController()
    this.#sender.resume(this.#stopped.signal)
    await this.#recover()
    this.#running = this.#loop(this.#stopped.signal)
  }

  /**
   * Stops reading blocks, closes the open channel and waits up to `drainMs` until everything is mined. What is not is
   * on disk and goes on at the next start.
   */
  async stop(options: { readonly drainMs: number }): Promise<void> {
    const loop = this.#running
    if (loop === undefined) return
    this.#stopped.abort()
    await loop
    await this.#sender.settled()
    this.#running = undefined
    const drained = new AbortController()
    try {
      this.#sender.resume(drained.signal)
      await this.#close('stopped')
      await this.#sender.drain(options.drainMs)
    } catch (error) {
      this.#parts.log.warn('batcher stopped before its last channel was posted', { error: errorMessage(error) })
    }
    drained.abort()
    await this.#sender.settled()
  }

  /** One round: what L1 and L2 did since the last, new blocks, transactions to send. */
  async tick(): Promise<void> {
    const status = await this.#parts.l2.syncStatus()
    const head = status.headL1
    if (head === undefined) return
    await this.#followL1(head)
    await this.#sender.forgetFinal({ safe: status.safeL2, finalized: status.finalizedL2 })
    await this.#checkStalled(status, head)
    if (!(await this.#findCursor(status))) return
    await this.#load(status, head)
    if (this.#open?.isDue(head.number) === true) await this.#close('due')
    this.#sender.pump()
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let waitMs = this.#options.pollIntervalMs
    while (!signal.aborted) {
      try {
        await this.tick()
        waitMs = this.#options.pollIntervalMs
      } catch (error) {
        waitMs = Math.min(waitMs * 2, Math.max(failureBackoffMsMax, this.#options.pollIntervalMs))
        failures(this.#parts.registry).inc()
        this.#parts.log.warn('batcher round failed', { retryMs: waitMs, error: errorMessage(error) })
      }
      await this.#parts.clock.sleep(waitMs, signal)
    }
  }

  /** Takes up the channels that were closed before a restart. */
  async #recover(): Promise<void> {
    if (this.#isRecovered) return
    const channels = await this.#parts.store.load()
    await this.#sender.recover(channels)
    this.#nextSequence = (channels.at(-1)?.sequence ?? -1) + 1
    this.#cursor = channels.at(-1)?.last
    this.#isRecovered = true
    if (channels.length > 0) this.#parts.log.info('channels from before the restart', { channels: channels.length })
  }

  /** An L1 reorg may have thrown out what was mined. */
  async #followL1(head: L1BlockRef): Promise<void> {
    const known = this.#l1Head
    if (known?.hash === head.hash) return
    const grew = known === undefined || head.parentHash === known.hash || (await this.#isCanonical(known))
    if (!grew) await this.#sender.recheck()
    this.#l1Head = head
  }

  async #isCanonical(block: L1BlockRef): Promise<boolean> {
    const now = await this.#parts.rpc.request('eth_getBlockByNumber', [quantity(block.number), false])
    return typeof now === 'object' && now !== null && Reflect.get(now, 'hash') === block.hash
  }

  /** Data that is on L1, was read by the node and did not become safe is lost: post its blocks again. */
  async #checkStalled(status: BatcherSyncStatus, head: L1BlockRef): Promise<void> {
    const timeout = isActive(this.#options.rollupConfig.forkTimes, 'granite', head.timestamp)
      ? graniteChannelTimeout
      : this.#options.rollupConfig.channelTimeout
    const why = this.#sender.lostChannel({
      currentL1: status.currentL1?.number ?? 0n,
      headL1: head.number,
      safeL2: status.safeL2.number,
      channelTimeout: timeout,
    })
    this.#stalledTicks = why === undefined ? 0 : this.#stalledTicks + 1
    if (why === undefined || this.#stalledTicks < stalledTicks) return
    this.#stalledTicks = 0
    this.#parts.log.warn('posted channel did not become safe', { why, safeL2: status.safeL2.number })
    await this.#startAgain((last) => last.number <= status.safeL2.number)
    this.#cursor = undefined
  }

  /** True where it is known which block comes next. */
  async #findCursor(status: BatcherSyncStatus): Promise<boolean> {
    if (this.#cursor === undefined) {
      const upTo = await this.#sender.ownTransactionsUpTo(BigInt(this.#options.checkRecentTxsDepth))
      // The safe head of a node that has not read our last transaction says nothing about what was posted.
      if (upTo === 'pending' || (upTo !== undefined && (status.currentL1?.number ?? 0n) <= upTo)) {
        this.#parts.log.debug('batcher waits until the node has read its transactions', { l1Block: upTo })
        return false
      }
      this.#cursor = status.safeL2
      this.#parts.log.info('batcher begins at the safe head', { safeL2: status.safeL2.number })
    }
    if (this.#cursor.number < status.safeL2.number) {
      // Someone else posted these blocks.
      this.#open = undefined
      this.#cursor = status.safeL2
    }
    return true
  }

  async #load(status: BatcherSyncStatus, head: L1BlockRef): Promise<void> {
    for (let count = 0; count < blocksPerTickMax; count++) {
      const cursor = this.#cursor
      if (cursor === undefined || cursor.number >= status.unsafeL2.number) return
      if (this.#sender.waiting >= waitingChannelsMax) return
      const envelope = await this.#parts.l2.payloadByNumber(cursor.number + 1n)
      if (envelope === undefined) return
      const block = batcherBlock(this.#options.rollupConfig, envelope)
      if (block.ref.parentHash !== cursor.hash) return this.#onL2Reorg(block.ref)
      await this.#add(block, cursor, head)
      this.#cursor = block.ref
    }
  }

  async #add(block: BatcherBlock, parent: BlockId, head: L1BlockRef): Promise<void> {
    this.#open ??= await this.#openChannel(block, parent, head)
    if (this.#open.add(block)) return
    await this.#close('full')
    this.#open = await this.#openChannel(block, parent, head)
    this.#open.add(block)
  }

  async #openChannel(block: BatcherBlock, parent: BlockId, head: L1BlockRef): Promise<OpenChannel> {
    const { rollupConfig, batchType, targetNumFrames, maxChannelDuration, subSafetyMargin } = this.#options
    const isFjord = isActive(rollupConfig.forkTimes, 'fjord', head.timestamp)
    const da = await this.#chooseDa(head)
    return new OpenChannel(
      parent,
      {
        da,
        targetFrames: targetNumFrames,
        itemBytes: this.#itemBytes(da),
        rlpBytesMax: isFjord ? rlpBytesPerChannelMaxFjord : rlpBytesPerChannelMaxBedrock,
        closeAt: maxChannelDuration === 0 ? undefined : head.number + BigInt(maxChannelDuration),
        seqWindowSize: rollupConfig.seqWindowSize,
        subSafetyMargin: BigInt(subSafetyMargin),
      },
      channelCodec(rollupConfig, {
        compression: isFjord ? 'brotli' : 'zlib',
        batches: isActive(rollupConfig.forkTimes, 'delta', block.l1OriginTime) ? batchType : 'singular',
      }),
    )
  }

  async #chooseDa(head: L1BlockRef): Promise<DataAvailability> {
    const { dataAvailability, rollupConfig, targetNumFrames } = this.#options
    // Before Ecotone derivation does not read blobs.
    if (!isActive(rollupConfig.forkTimes, 'ecotone', head.timestamp)) return 'calldata'
    if (dataAvailability !== 'auto') return dataAvailability
    return cheaperDa(await readMarketFees(this.#parts.rpc), {
      bytesPerBlob: this.#itemBytes('blobs'),
      blobsPerTx: Math.min(targetNumFrames, blobsPerTxMax),
      bytesPerCalldataTx: this.#itemBytes('calldata'),
    })
  }

  /** Bytes of one item: version byte and a frame. */
  #itemBytes(da: DataAvailability): number {
    return da === 'blobs' ? blobDataBytesMax : this.#options.maxL1TxBytes
  }

  async #close(why: 'due' | 'full' | 'stopped'): Promise<void> {
    const channel = this.#open?.close(this.#nextSequence)
    this.#open = undefined
    if (channel === undefined) return
    // Stored before anything of it is sent: see ChannelStore.
    await this.#parts.store.save(channel)
    this.#nextSequence++
    this.#sender.add(channel)
    channels(this.#parts.registry).inc()
    postedNumber(this.#parts.registry).set(Number(channel.last.number))
    this.#parts.log.info('channel closed', {
      why,
      channel: channel.id,
      da: channel.da,
      frames: channel.items.length,
      bytes: channel.items.reduce((sum, item) => sum + item.length, 0),
      firstL2: channel.first.number,
      lastL2: channel.last.number,
    })
  }

  async #onL2Reorg(block: L2BlockRef): Promise<void> {
    this.#parts.log.warn('l2 reorg under the batcher', { block: block.number, cursor: this.#cursor?.hash })
    const canonical = async (id: BlockId) =>
      (await this.#parts.l2.payloadByNumber(id.number))?.executionPayload.blockHash === id.hash
    await this.#startAgain(canonical)
  }

  /** Drops the open channel and all closed ones after the last that `keeps`, once nothing of them is in flight. */
  async #startAgain(keeps: (last: BlockId) => Promise<boolean> | boolean): Promise<void> {
    this.#open = undefined
    this.#cursor = await this.#sender.keepWhile(keeps)
    restarts(this.#parts.registry).inc()
  }
}

const failures = (registry: Registry) => counter(registry, 'batcher_failures_total', 'batcher rounds that failed')
const channels = (registry: Registry) => counter(registry, 'batcher_channels_total', 'channels closed')
const restarts = (registry: Registry) =>
  counter(registry, 'batcher_restarts_total', 'times the batcher began again because of a reorg or lost data')
const postedNumber = (registry: Registry) =>
  gauge(registry, 'batcher_last_block_number', 'last L2 block in a closed channel')
