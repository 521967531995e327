import type { Registry } from 'prom-client'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import type { Log } from '../common/log.ts'
import type { BlockNetwork } from '../p2p/blocks/block-network.ts'
import type { PayloadEnvelope } from '../protocol/engine-api.ts'
import type { Driver } from './driver/driver.ts'
import type { EngineState } from './driver/engine-state.ts'
import type { L2Source } from './driver/l2-source.ts'
import type { L1Part } from './l1-part.ts'
import type { NodeOptions } from './node-options.ts'
import { signerAddress } from './p2p-part.ts'
import { BlockSigner } from './unsafe-sync/block-signer.ts'
import { EngineSync } from './unsafe-sync/engine-sync.ts'
import { GapFiller } from './unsafe-sync/gap-filler.ts'
import { PayloadQueue } from './unsafe-sync/payload-queue.ts'
import { UnsafeSync } from './unsafe-sync/unsafe-sync.ts'

type Parts = {
  readonly state: EngineState
  readonly l1: Pick<L1Part, 'source' | 'heads'>
  readonly l2: L2Source
  /** The driver is made after this, of what this made. */
  readonly driver: () => Driver
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** How blocks that L1 did not confirm yet come to the driver. */
export type UnsafeSyncPart = {
  readonly queue: PayloadQueue
  readonly engineSync: EngineSync
  /** Takes a block whose hash was checked; false: no block can be so. */
  readonly submit: (envelope: PayloadEnvelope) => boolean
  /** What the network needs of it. */
  readonly p2p: { readonly signer: BlockSigner; readonly onBlock: (envelope: PayloadEnvelope) => boolean }
  /** Follows the signer and fills gaps until `signal` aborts; call when L1 was reached. */
  readonly run: (network: BlockNetwork, signal: AbortSignal) => Promise<void>
}

export function makeUnsafeSync(options: NodeOptions, parts: Parts, closers: Closers): UnsafeSyncPart {
  const { rollupConfig: config, p2p, sync } = options
  const { state, l1, l2, driver, clock, log, registry } = parts
  const queue = new PayloadQueue()
  const engineSync = new EngineSync(
    config,
    { isWanted: sync?.mode === 'execution-layer', safeLagMs: sync?.safeLagMs ?? 0 },
    { state, l2, requestReset: (reason) => driver().requestReset(reason), log },
  )
  const enter = new UnsafeSync(config, {
    driver: { onUnsafePayload: (envelope) => driver().onUnsafePayload(envelope) },
    engineSync,
    queue,
    log,
    registry,
  })
  const signer = new BlockSigner(config.l1SystemConfigAddress, { l1: l1.source, l1Heads: l1.heads, clock, log })
  let filler: GapFiller | undefined
  const submit = (envelope: PayloadEnvelope) => {
    const isPossible = enter.submit(envelope)
    filler?.wake()
    return isPossible
  }
  const run = async (network: BlockNetwork, signal: AbortSignal) => {
    closers.add('signer of unsafe blocks', signer.follow(p2p?.signerKey && signerAddress(p2p.signerKey)))
    if (p2p?.reqResp !== true || sync?.reqResp === false) return await untilAborted(signal)
    filler = new GapFiller(config, {
      network,
      queue,
      heads: () => state.heads,
      isReady: () => state.isReady,
      accept: (envelope) => driver().onUnsafePayload(envelope),
      clock,
      log,
      registry,
    })
    await filler.run(signal)
  }
  return { queue, engineSync, submit, p2p: { signer, onBlock: submit }, run }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
