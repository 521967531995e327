import { mkdir } from 'node:fs/promises'
import type { Clock } from '../common/clock.ts'
import { opened } from '../common/closers.ts'
import type { Log } from '../common/log.ts'
import { type ChainOptions, type EnginePart, openEmbedded } from './engine-part.ts'
import type { EngineOptions } from './node-options.ts'
import { NodeStore } from './node-store.ts'

export type RunningEngine = {
  readonly ports: EnginePart['ports']
  /** Resolves when its servers and its database are closed. */
  readonly stop: () => Promise<void>
}

/**
 * Starts the embedded engine without a rollup node: another one, op-node for example, drives it over the Engine API.
 * Throws NodeError, NodeStoreError and the engine's errors.
 */
export function startEngine(
  options: ChainOptions & { readonly engine: EngineOptions & { readonly kind: 'embedded' } },
  parts: { readonly log: Log; readonly clock: Clock },
): Promise<RunningEngine> {
  return opened(parts.log, async (closers) => {
    await mkdir(options.dataDir, { recursive: true })
    const store = await NodeStore.open(options.dataDir)
    closers.add('node store', () => store.close())
    const { ports } = await openEmbedded(options, options.engine, parts, closers)
    parts.log.info('engine started', { chain: options.rollupConfig.l2ChainId, ...ports, dataDir: options.dataDir })
    return { ports, stop: () => closers.close() }
  })
}
