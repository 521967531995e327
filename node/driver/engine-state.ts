import type { Log } from '../../common/log.ts'
import { Serial } from '../../common/serial.ts'
import type { L2BlockRef } from '../../protocol/block-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { DriverError } from './driver-error.ts'
import type { FoundHeads } from './find-heads.ts'

/** Heads of the L2. `crossUnsafe` of the spec equals `unsafe` without interop. */
export type Heads = {
  readonly unsafe: L2BlockRef
  /** Derived, but its span batch is not complete (before Holocene). */
  readonly pendingSafe: L2BlockRef
  readonly safe: L2BlockRef
  readonly finalized: L2BlockRef
}

/**
 * The heads, and the one queue through which the engine is changed. The tasks of node/driver/tasks run inside
 * `serial`; only they and a reset move heads. Spec: protocol/derivation.md, "Engine Queue".
 */
export class EngineState {
  readonly engine: Engine
  readonly serial = new Serial()
  readonly #log: Log
  readonly #listeners = new Set<(heads: Heads) => void>()
  #heads: Heads
  #backupUnsafe: L2BlockRef | undefined
  /** The engine has not been told of the newest heads. */
  #isDirty = false
  #isReady = false

  constructor(heads: FoundHeads, parts: { readonly engine: Engine; readonly log: Log }) {
    this.engine = parts.engine
    this.#log = parts.log
    this.#heads = { ...heads, pendingSafe: heads.safe }
  }

  get heads(): Heads {
    return this.#heads
  }

  /** False from the moment a reset is needed until its heads are found: nothing may be built meanwhile. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** The unsafe head that a forced block replaced; restored if its span turns out to be invalid. */
  get backupUnsafe(): L2BlockRef | undefined {
    return this.#backupUnsafe
  }

  suspend(): void {
    this.#isReady = false
  }

  reset(found: FoundHeads): void {
    this.#backupUnsafe = undefined
    this.#isReady = true
    this.move({ ...found, pendingSafe: found.safe })
  }

  /** Moves heads; the engine learns of it at the next `synchronize`. */
  move(change: Partial<Heads>): void {
    this.#heads = { ...this.#heads, ...change }
    this.#isDirty = true
    for (const listener of this.#listeners) listener(this.#heads)
  }

  rememberUnsafe(): void {
    this.#backupUnsafe = this.#heads.unsafe
  }

  forgetBackup(): void {
    this.#backupUnsafe = undefined
  }

  /** The engine's head is elsewhere (a build on an older parent began): tell it again. */
  markDirty(): void {
    this.#isDirty = true
  }

  /** Calls `listener` after each move; returns the way to stop it. */
  onHeads(listener: (heads: Heads) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Why the engine answers that it syncs: it does, or it was restarted and lost blocks that it had taken from us. Then it
   * waits for peers that may not exist, and we begin again at the heads it still has.
   */
  async notReady(): Promise<DriverError> {
    const { unsafe } = this.#heads
    if ((await this.engine.payloadByHash(unsafe.hash)) !== undefined) {
      return new DriverError('syncing', 'the engine is syncing')
    }
    return new DriverError('reset', `the engine lost the unsafe head ${unsafe.number}`)
  }

  /** Tells the engine the heads, if they moved. Throws DriverError and EngineError. */
  async synchronize(): Promise<void> {
    if (!this.#isDirty) return
    const { unsafe, safe, finalized, pendingSafe } = this.#heads
    if (unsafe.number < finalized.number) {
      throw new DriverError('critical', `the unsafe head ${unsafe.number} is below finalized ${finalized.number}`)
    }
    const { payloadStatus } = await this.engine.forkchoiceUpdated({
      headBlockHash: unsafe.hash,
      safeBlockHash: safe.hash,
      finalizedBlockHash: finalized.hash,
    })
    if (payloadStatus.status === 'SYNCING' || payloadStatus.status === 'ACCEPTED') throw await this.notReady()
    if (payloadStatus.status !== 'VALID') {
      throw new DriverError('reset', `the engine finds the unsafe head invalid: ${payloadStatus.validationError}`)
    }
    this.#isDirty = false
    // Nothing unsafe is left that a failing span could give back.
    if (unsafe.hash === safe.hash && safe.hash === pendingSafe.hash) this.forgetBackup()
    this.#log.debug('forkchoice updated', { unsafe: unsafe.number, safe: safe.number, finalized: finalized.number })
  }
}
