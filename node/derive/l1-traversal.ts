import type { Log } from '../../common/log.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import { applySystemConfigUpdates } from '../../protocol/system-config-updates.ts'
import type { DeriveCounters } from './counters.ts'
import { DeriveError, reading } from './derive-error.ts'
import type { L1Chain } from './sources.ts'

type Parts = {
  readonly l1: Pick<L1Chain, 'blockRefByNumber' | 'receipts'>
  readonly log: Log
  readonly counters: DeriveCounters
}

/** The L1 block that derivation reads, and the system config as of it. Spec: protocol/derivation.md, "L1 Traversal". */
export class L1Traversal {
  readonly #config: RollupConfig
  readonly #parts: Parts
  #block: L1BlockRef
  #systemConfig: SystemConfig
  #wasTaken = false

  constructor(config: RollupConfig, parts: Parts, base: L1BlockRef, systemConfig: SystemConfig) {
    this.#config = config
    this.#parts = parts
    this.#block = base
    this.#systemConfig = systemConfig
  }

  get origin(): L1BlockRef {
    return this.#block
  }

  /** Names the batcher whose data in {@link origin} counts. */
  get systemConfig(): SystemConfig {
    return this.#systemConfig
  }

  /** The block, once. */
  nextL1Block(): L1BlockRef | undefined {
    if (this.#wasTaken) return undefined
    this.#wasTaken = true
    return this.#block
  }

  /** Moves to the next L1 block; false where there is none yet. Throws {@link DeriveError} `reset` after a reorg of L1. */
  async advance(): Promise<boolean> {
    const { l1, log, counters } = this.#parts
    const next = await reading('next L1 block', () => l1.blockRefByNumber(this.#block.number + 1n))
    if (next === undefined) return false
    if (next.parentHash !== this.#block.hash) {
      throw new DeriveError('reset', `L1 block ${this.#block.number} ${this.#block.hash} was replaced`)
    }
    const { receipts } = await reading(`receipts of L1 block ${next.number}`, () => l1.receipts(next.hash))
    const { timestamp } = next
    this.#systemConfig = applySystemConfigUpdates(this.#systemConfig, receipts, this.#config, timestamp, (error) => {
      counters.count('system_config_update')
      log.warn('system config update skipped', { l1Block: next.number, error })
    })
    this.#block = next
    this.#wasTaken = false
    return true
  }
}
