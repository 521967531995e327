import type { Registry } from 'prom-client'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { hasTimeOfNumber } from './block-time.ts'
import type { EngineSync } from './engine-sync.ts'
import type { PayloadQueue } from './payload-queue.ts'

type Parts = {
  readonly driver: { readonly onUnsafePayload: (envelope: PayloadEnvelope) => void }
  readonly engineSync: Pick<EngineSync, 'isActive' | 'offer'>
  readonly queue: Pick<PayloadQueue, 'length' | 'bytes'>
  readonly log: Log
  readonly registry: Registry
}

/** Where blocks enter that L1 did not confirm yet: they become unsafe heads, in order, and never replace a safe block. */
export class UnsafeSync {
  readonly #config: RollupConfig
  readonly #parts: Parts

  constructor(config: RollupConfig, parts: Parts) {
    this.#config = config
    this.#parts = parts
  }

  /** Takes a block whose hash was checked, and its signature unless an operator posted it. False: no block can be so. */
  readonly submit = (envelope: PayloadEnvelope): boolean => {
    const { driver, engineSync, queue, log, registry } = this.#parts
    const { blockNumber: number, timestamp } = envelope.executionPayload
    if (!hasTimeOfNumber(this.#config, envelope.executionPayload)) {
      log.warn('unsafe block dropped: no block of its number has its time', { number, timestamp })
      return false
    }
    received(registry).inc()
    // The promise is the engine sync's own; it logs what goes wrong.
    if (engineSync.isActive) void engineSync.offer(envelope)
    else driver.onUnsafePayload(envelope)
    queueGauge(registry).set({ unit: 'blocks' }, queue.length)
    queueGauge(registry).set({ unit: 'bytes' }, queue.bytes)
    return true
  }
}

const received = (registry: Registry) => counter(registry, 'unsafe_blocks_received_total', 'unsafe blocks that came in')
const queueGauge = (registry: Registry) => gauge(registry, 'unsafe_queue', 'unsafe payloads that wait', ['unit'])
