import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { PayloadEnvelope, PayloadStatus } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { EngineState } from '../driver/engine-state.ts'
import type { L2Source } from '../driver/l2-source.ts'

type Parts = {
  readonly state: EngineState
  readonly l2: Pick<L2Source, 'refOf' | 'payloadByNumber'>
  readonly requestReset: (reason: string) => void
  readonly log: Log
}

/**
 * Execution-layer sync: while nothing is finalized in the engine, the newest block is handed to it at once, so that it
 * fetches the chain from its own peers, and derivation rests. When the engine has it, derivation begins some way below.
 * Source: op-node's `--syncmode=execution-layer`.
 */
export class EngineSync {
  readonly #config: RollupConfig
  readonly #safeLag: bigint
  readonly #parts: Parts
  #isActive: boolean
  #newest: PayloadEnvelope | undefined
  #offering: Promise<void> | undefined

  /** `safeLagMs`: how far below the synced tip the safe head begins, `--syncmode.offset-el-safe`. */
  constructor(config: RollupConfig, options: { readonly isWanted: boolean; readonly safeLagMs: number }, parts: Parts) {
    this.#config = config
    this.#safeLag = BigInt(Math.ceil(options.safeLagMs / (Number(config.blockTime) * 1_000)))
    this.#parts = parts
    // An engine with a finalized block is followed block by block.
    this.#isActive = options.isWanted && parts.state.heads.finalized.hash === config.genesis.l2.hash
    if (this.#isActive) parts.log.info('the engine syncs by itself; derivation begins when it has caught up')
  }

  /** Derivation must rest. */
  get isActive(): boolean {
    return this.#isActive
  }

  /** Hands over the newest block; older ones that wait are dropped. Resolves when the engine answered. */
  offer(envelope: PayloadEnvelope): Promise<void> {
    const height = this.#newest?.executionPayload.blockNumber ?? -1n
    if (envelope.executionPayload.blockNumber > height) this.#newest = envelope
    this.#offering ??= this.#drain().finally(() => {
      this.#offering = undefined
    })
    return this.#offering
  }

  async #drain(): Promise<void> {
    const { state, log } = this.#parts
    for (let next = this.#newest; next !== undefined && this.#isActive; next = this.#newest) {
      this.#newest = undefined
      const envelope = next
      try {
        await state.serial.run(() => this.#hand(envelope))
      } catch (error) {
        log.warn('the engine does not take the newest block', { error: errorMessage(error) })
      }
    }
  }

  async #hand(envelope: PayloadEnvelope): Promise<void> {
    const { state, l2, log, requestReset } = this.#parts
    const tip = l2.refOf(envelope)
    const imported = await state.engine.newPayload(envelope)
    if (imported.status === 'INVALID') {
      return log.warn('the engine finds the newest block invalid', {
        number: tip.number,
        error: imported.validationError,
      })
    }
    const status = await this.#choose(tip.hash, zeroHash)
    if (status.status !== 'VALID') return log.debug('the engine syncs', { target: tip.number, status: status.status })
    const base = await this.#base(tip)
    await this.#choose(tip.hash, base.hash)
    this.#isActive = false
    log.info('the engine has caught up', { unsafe: tip.number, safe: base.number })
    requestReset('the engine has synced')
  }

  async #choose(head: Hex, safe: Hex): Promise<PayloadStatus> {
    const { engine } = this.#parts.state
    const choice = { headBlockHash: head, safeBlockHash: safe, finalizedBlockHash: safe }
    return (await engine.forkchoiceUpdated(choice)).payloadStatus
  }

  /** Where derivation begins; an engine without the old blocks begins at the tip. */
  async #base(tip: L2BlockRef): Promise<L2BlockRef> {
    const { l2 } = this.#parts
    const first = this.#config.genesis.l2.number
    const number = tip.number - this.#safeLag
    const envelope = await l2.payloadByNumber(number > first ? number : first)
    return envelope === undefined ? tip : l2.refOf(envelope)
  }
}
