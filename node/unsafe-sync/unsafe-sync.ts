import type { Registry } from 'prom-client'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { hasTimeOfNumber } from './block-time.ts'
import type { EngineSync } from './engine-sync.ts'
import type { GapFiller } from './gap-filler.ts'
import type { PayloadQueue } from './payload-queue.ts'

type Parts = {
  readonly driver: { readonly onUnsafePayload: (envelope: PayloadEnvelope) => void }
  readonly engineSync: Pick<EngineSync, 'isActive' | 'offer'>
  /** Absent: gaps are left to derivation. */
  readonly gapFiller?: Pick<GapFiller, 'wake'> | undefined
  readonly queue: Pick<PayloadQueue, 'length' | 'bytes'>
  readonly reportInvalid: (peerId: string) => void
  readonly log: Log
  readonly registry: Registry
}

/** Where blocks of peers enter the node: they become unsafe heads, in order, and never replace a block that L1 confirmed. */
export class UnsafeSync {
  readonly #config: RollupConfig
  readonly #parts: Parts

  constructor(config: RollupConfig, parts: Parts) {
    this.#config = config
    this.#parts = parts
  }

  /** Takes a gossiped block whose hash and signature were checked. */
  readonly onBlock = (envelope: PayloadEnvelope, from: string): void => {
    const { driver, engineSync, gapFiller, queue, reportInvalid, log, registry } = this.#parts
    const { blockNumber, blockHash, timestamp } = envelope.executionPayload
    if (!hasTimeOfNumber(this.#config, envelope.executionPayload)) {
      reportInvalid(from)
      log.warn('gossiped block dropped: no block of its number has its time', { blockNumber, timestamp })
      return
    }
    received(registry).inc()
    log.debug('block received', { number: blockNumber, hash: blockHash, peer: from })
    if (engineSync.isActive) {
      // The promise is the engine sync's own; it logs what goes wrong.
      void engineSync.offer(envelope)
      return
    }
    driver.onUnsafePayload(envelope)
    gapFiller?.wake()
    queueGauge(registry).set({ unit: 'blocks' }, queue.length)
    queueGauge(registry).set({ unit: 'bytes' }, queue.bytes)
  }
}

const received = (registry: Registry) => counter(registry, 'unsafe_blocks_received_total', 'blocks that gossip brought')
const queueGauge = (registry: Registry) => gauge(registry, 'unsafe_queue', 'unsafe payloads that wait', ['unit'])
