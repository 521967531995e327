import type { Registry } from 'prom-client'
import type { KzgWorker } from '../chain/tx/kzg.ts'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import type { Log } from '../common/log.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { checkChainId, checkL1Genesis } from './chain-checks.ts'
import { BeaconClient } from './l1/beacon-client.ts'
import { l1Endpoints } from './l1/l1-endpoints.ts'
import { L1Error } from './l1/l1-error.ts'
import { L1Heads } from './l1/l1-heads.ts'
import { L1Rpc } from './l1/l1-rpc.ts'
import { L1Source } from './l1/l1-source.ts'
import type { L1Options } from './node-options.ts'

/** Wait before L1 is tried again at the start, doubling up to the second value. */
const backoffMs = { first: 1_000, max: 30_000 } as const

/** Everything that reads L1. */
export type L1Part = {
  readonly rpc: L1Rpc
  readonly source: L1Source
  readonly heads: L1Heads
  readonly kzg: KzgWorker
  /** When L1 last answered, ms since 1970. */
  readonly seenMs: () => number | undefined
}

/** Makes the parts that read L1; nothing is asked of it yet. `signal` ends what is under way. */
export function makeL1(
  options: L1Options,
  parts: {
    readonly kzg: KzgWorker
    readonly clock: Clock
    readonly log: Log
    readonly registry: Registry
    readonly signal: AbortSignal
  },
  closers: Closers,
): L1Part {
  const { kzg, registry, signal } = parts
  const log = quietAfter(parts.log, signal)
  const clock = stoppable(parts.clock, signal)
  const { endpoints, onNewHead } = l1Endpoints(options.urls, { clock, signal })
  const rpc = new L1Rpc(endpoints, { clock, log, registry })
  closers.add('kzg', () => kzg.stop())
  const { beaconUrls: urls, secondsPerSlot } = options
  // Seconds of work on its own thread, while the engine opens: the first blob would wait for it.
  if (urls.length > 0) kzg.preload()
  const blobSource = new BeaconClient({ urls, secondsPerSlot }, { kzg, log, registry })
  const source = new L1Source({ trustRpc: options.trustRpc }, { rpc, blobSource, log })
  let seenMs: number | undefined
  const heads = new L1Heads(
    { pollIntervalMs: options.pollIntervalMs },
    {
      l1: {
        blockRefByNumber: (number) => source.blockRefByNumber(number),
        blockRefByLabel: async (label) => {
          const ref = await source.blockRefByLabel(label)
          seenMs = clock.nowMs()
          return ref
        },
      },
      onNewHead,
      clock,
      log,
      registry,
    },
  )
  closers.add('l1 heads', () => heads.stop())
  return { rpc, source, heads, kzg, seenMs: () => seenMs }
}

/** Waits until L1 answers, checks that it is the chain of the rollup config, and begins to follow its heads. Throws NodeError. */
export async function reachL1(
  l1: L1Part,
  config: RollupConfig,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  for (let waitMs: number = backoffMs.first; !signal.aborted; waitMs = Math.min(2 * waitMs, backoffMs.max)) {
    try {
      checkChainId('L1', config.l1ChainId, await l1.source.chainId())
      checkL1Genesis(config, await l1.source.blockRefByNumber(config.genesis.l1.number))
      return await l1.heads.start()
    } catch (error) {
      if (!(error instanceof L1Error)) throw error
      log.warn('L1 is not reachable', { error, retryMs: waitMs })
      await clock.sleep(waitMs, signal)
    }
  }
}

/** The clock whose waits also end when `signal` aborts. */
function stoppable(clock: Clock, signal: AbortSignal): Clock {
  return { nowMs: clock.nowMs, sleep: (ms, given) => clock.sleep(ms, given ?? signal) }
}

/** The log whose warnings nobody needs once the requests are ended on purpose. */
function quietAfter(log: Log, signal: AbortSignal): Log {
  return { ...log, warn: (message, fields) => (signal.aborted ? log.debug : log.warn)(message, fields) }
}
