import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { PeerSummary } from '../../p2p/blocks/block-network.ts'
import type { BlockId } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { payloadByNumberProtocols } from '../../protocol/req-resp.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { type Next, runLoop, Wake } from '../driver/loop.ts'
import { type PayloadQueue, queueBytesMax } from './payload-queue.ts'
import { type BlockSource, peersAskedMax, ReverseSync, type RunEnd } from './reverse-sync.ts'

/** A gap is left alone that long: blocks that overtook each other close it by themselves. */
export const graceMs = 500
/** Wait after a run that got nowhere, and at most between two looks. */
export const retryMs = 2_000
/** Blocks of one run; between runs the peers are looked at again. */
const blocksPerRun = 256
/** No more is fetched once the queue holds that much: the rest is room for gossip, and derivation closes the gap from below. */
export const fillBytesMax = 0.8 * queueBytesMax
/** Time between two lines of progress. */
const progressMs = 10_000

type Parts = {
  readonly network: BlockSource & { readonly peers: () => readonly PeerSummary[] }
  readonly queue: Pick<PayloadQueue, 'peek' | 'bytes'>
  readonly heads: () => { readonly unsafe: BlockId }
  /** False while the heads are not known. */
  readonly isReady: () => boolean
  /** Queues a block. */
  readonly accept: (envelope: PayloadEnvelope) => void
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** Asks peers for the blocks between the unsafe head and the lowest queued one. */
export class GapFiller {
  readonly #config: RollupConfig
  readonly #parts: Parts
  readonly #protocols: readonly string[]
  readonly #wake = new Wake()
  /** When something was first missing, ms since 1970. */
  #gapSinceMs: number | undefined
  /** An unsafe head on which the queued chain does not build: derivation must settle it. */
  #conflictAt: Hex | undefined
  /** Runs in a row in which nobody had the next block. */
  #stuckRuns = 0
  #progress = { atMs: 0, blocks: 0 }

  constructor(config: RollupConfig, parts: Parts) {
    this.#config = config
    this.#parts = parts
    this.#protocols = payloadByNumberProtocols(config.l2ChainId)
  }

  /** A block was queued, or a head moved. */
  readonly wake = (): void => this.#wake.ring()

  async run(signal: AbortSignal): Promise<void> {
    await runLoop(() => this.step(signal), { clock: this.#parts.clock, wake: this.#wake, signal })
  }

  /** One run; what tests call instead of `run`. */
  async step(signal: AbortSignal): Promise<Next> {
    const { clock, queue, heads, network, isReady } = this.#parts
    const lowest = queue.peek()?.executionPayload
    const { unsafe } = heads()
    const missing = lowest === undefined ? 0n : lowest.blockNumber - unsafe.number - 1n
    gapGauge(this.#parts.registry).set(Number(missing > 0n ? missing : 0n))
    if (lowest === undefined || missing <= 0n || !isReady() || unsafe.hash === this.#conflictAt) {
      this.#gapSinceMs = undefined
      return 'idle'
    }
    this.#gapSinceMs ??= clock.nowMs()
    const waitMs = this.#gapSinceMs + graceMs - clock.nowMs()
    if (waitMs > 0) return { afterMs: waitMs }
    if (queue.bytes > fillBytesMax) return { afterMs: retryMs }
    const peers = this.#able(network.peers())
    if (peers.length === 0) return { afterMs: retryMs }
    const wanted = { number: lowest.blockNumber - 1n, hash: lowest.parentHash }
    const sync = new ReverseSync(this.#config, wanted, blocksPerRun, {
      source: network,
      unsafe: () => heads().unsafe,
      accept: (envelope) => this.#accept(envelope),
      log: this.#parts.log,
    })
    const end = await sync.run(peers, signal)
    return this.#ended(end, sync.accepted, missing)
  }

  #accept(envelope: PayloadEnvelope): boolean {
    if (this.#parts.queue.bytes > fillBytesMax) return false
    this.#parts.accept(envelope)
    fetched(this.#parts.registry).inc()
    return true
  }

  /** Peers that speak the protocol, the best first. */
  #able(peers: readonly PeerSummary[]): readonly string[] {
    const speaks = (peer: PeerSummary) => peer.protocols.some((name) => this.#protocols.includes(name))
    const able = peers.filter(speaks).toSorted((a, b) => b.score - a.score)
    // Where the best know nothing, the next ones are asked.
    const first = (this.#stuckRuns * peersAskedMax) % Math.max(able.length, 1)
    return [...able.slice(first), ...able.slice(0, first)].map(({ peerId }) => peerId)
  }

  #ended(end: RunEnd, accepted: number, missing: bigint): Next {
    const { clock, log, heads } = this.#parts
    this.#progress.blocks += accepted
    this.#stuckRuns = accepted > 0 ? 0 : this.#stuckRuns + 1
    const elapsedMs = clock.nowMs() - this.#progress.atMs
    if (accepted > 0 && (end === 'connected' || elapsedMs > progressMs)) {
      const left = missing - BigInt(accepted)
      log.info('missing blocks fetched from peers', { blocks: this.#progress.blocks, left: left > 0n ? left : 0n })
      this.#progress = { atMs: clock.nowMs(), blocks: 0 }
    }
    if (end === 'conflict') {
      const { unsafe } = heads()
      this.#conflictAt = unsafe.hash
      log.warn('the gossiped chain does not build on the unsafe head; L1 will tell', { unsafe: unsafe.number })
      return 'idle'
    }
    if (end === 'connected' || accepted > 0) return 'again'
    return { afterMs: retryMs }
  }
}

const gapGauge = (registry: Registry) => gauge(registry, 'unsafe_gap_blocks', 'blocks missing below the queued ones')
const fetched = (registry: Registry) =>
  counter(registry, 'unsafe_blocks_fetched_total', 'missing blocks that peers gave')
