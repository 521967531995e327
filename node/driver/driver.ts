import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { PayloadQueue } from '../unsafe-sync/payload-queue.ts'
import type { Derived, DriverL1, Pipeline } from './derived.ts'
import { classifyError, DriverError } from './driver-error.ts'
import type { EngineState } from './engine-state.ts'
import { Finality } from './finality.ts'
import { findHeads } from './find-heads.ts'
import type { L2Source } from './l2-source.ts'
import { type Next, runLoop, runTogether, Wake } from './loop.ts'
import { findPipelineBase } from './pipeline-base.ts'
import type { SafeDb } from './safe-db.ts'
import { applyDerived } from './tasks/apply-derived.ts'
import { finalize } from './tasks/finalize.ts'
import { insert } from './tasks/insert.ts'
import { restoreUnsafe } from './tasks/restore-unsafe.ts'

/** Wait after a temporary error, doubling up to the second value: an L1 that is down is asked six times a minute. */
const backoffMs = { first: 1_000, max: 10_000 } as const
/** While L1 is known to be ahead but its next block did not show yet (servers behind one address differ), look again. */
const lookAgainMs = 1_000

export type DriverParts = {
  readonly state: EngineState
  readonly l1: DriverL1
  readonly l2: L2Source
  readonly pipeline: Pipeline
  readonly unsafePayloads: PayloadQueue
  readonly safeDb?: Pick<SafeDb, 'update' | 'truncate'> | undefined
  /** While the engine syncs by itself, derivation rests. */
  readonly engineSync?: { readonly isActive: boolean } | undefined
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** How derivation is doing, for `/readyz`. */
export type DriverHealth = {
  /** When a derivation step last succeeded, ms since 1970; undefined before the first. */
  readonly lastProgressMs: number | undefined
  readonly failure: string | undefined
}

/**
 * Steps derivation and applies what it yields to the engine, and applies unsafe payloads between: one engine mutation
 * at a time. Temporary errors are retried, a reset finds the heads again, a critical error rejects `run`.
 * Spec: protocol/derivation.md, "Engine Queue" and "Resetting the Pipeline".
 */
export class Driver {
  readonly #config: RollupConfig
  readonly #parts: DriverParts
  readonly #finality = new Finality()
  readonly #deriveWake = new Wake()
  readonly #unsafeWake = new Wake()
  #derived: Derived | undefined
  #resetReason: string | undefined = 'start'
  #mustRestore = false
  #failures = 0
  /** Resets since derivation last got somewhere. */
  #resetsInRow = 0
  #headL1: L1BlockRef | undefined
  #health: DriverHealth = { lastProgressMs: undefined, failure: undefined }

  constructor(config: RollupConfig, parts: DriverParts) {
    this.#config = config
    this.#parts = parts
    parts.state.onHeads((heads) => {
      for (const label of ['unsafe', 'pendingSafe', 'safe', 'finalized'] as const) {
        headGauge(parts.registry).set({ label }, Number(heads[label].number))
      }
      this.#unsafeWake.ring()
    })
  }

  get health(): DriverHealth {
    return this.#health
  }

  /** The L1 block that derivation reads. */
  get currentL1(): L1BlockRef | undefined {
    return this.#parts.pipeline.origin
  }

  /** Runs until `signal` aborts and the step under way is over. Rejects at a critical error. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    await runTogether(signal, [
      (either) => runLoop(() => this.step(), { clock, wake: this.#deriveWake, signal: either }),
      (either) => runLoop(() => this.stepUnsafe(), { clock, wake: this.#unsafeWake, signal: either }),
    ])
    await this.#parts.state.serial.settled()
  }

  onL1Head(head: L1BlockRef): void {
    this.#headL1 = head
    this.#deriveWake.ring()
  }

  onFinalizedL1(block: L1BlockRef): void {
    this.#finality.onFinalizedL1(block)
    this.#deriveWake.ring()
  }

  /** Queues a payload of a peer or of `admin_postUnsafePayload`. Its block hash must have been checked. */
  onUnsafePayload(envelope: PayloadEnvelope): void {
    if (envelope.executionPayload.blockNumber <= this.#parts.state.heads.safe.number) return
    this.#parts.unsafePayloads.push(envelope)
    this.#unsafeWake.ring()
  }

  /** Heads are found again before anything else is done. */
  requestReset(reason: string): void {
    this.#resetReason ??= reason
    this.#parts.state.suspend()
    this.#deriveWake.ring()
  }

  /** One step of derivation; what tests call instead of `run`. Throws critical errors only. */
  async step(): Promise<Next | { readonly afterMs: number; readonly firm: true }> {
    try {
      const next = await this.#step()
      this.#failures = 0
      this.#health = { lastProgressMs: this.#parts.clock.nowMs(), failure: undefined }
      return next
    } catch (error) {
      this.#failures++
      return this.#failed(error, Math.max(this.#failures, this.#resetsInRow))
    }
  }

  /** Applies one unsafe payload, if one fits. Throws critical errors only. */
  async stepUnsafe(): Promise<Next | { readonly afterMs: number; readonly firm: true }> {
    const { state, unsafePayloads, l2, log } = this.#parts
    try {
      return await state.serial.run(async () => {
        if (!state.isReady) return 'idle'
        await state.synchronize()
        const envelope = unsafePayloads.next(state.heads.unsafe)
        if (envelope === undefined) return 'idle'
        const ref = l2.refOf(envelope)
        await insert(state, envelope, ref)
        unsafePayloads.pop()
        await state.synchronize()
        log.info('unsafe block inserted', { number: ref.number, hash: ref.hash })
        return 'again'
      })
    } catch (error) {
      const isBad = (error instanceof DriverError && error.code === 'invalid-block') || isFormatError(error)
      if (isBad) {
        unsafePayloads.pop()
        log.warn('unsafe payload dropped', { error })
        return 'again'
      }
      return this.#failed(error, 1)
    }
  }

  async #step(): Promise<Next> {
    const { state, pipeline, l1, engineSync } = this.#parts
    if (engineSync?.isActive === true) return 'idle'
    if (this.#resetReason !== undefined) {
      await this.#reset(this.#resetReason)
      return 'again'
    }
    if (this.#mustRestore) {
      await state.serial.run(() => restoreUnsafe(state, this.#parts.log))
      this.#mustRestore = false
    }
    await state.serial.run(() => state.synchronize())
    if (this.#derived !== undefined) {
      await this.#apply(this.#derived)
      this.#resetsInRow = 0
      return 'again'
    }
    const final = await this.#finality.due(state.heads.finalized, l1)
    if (final !== undefined) {
      await state.serial.run(async () => finalize(state, final))
      this.#parts.log.debug('finalized', { number: final.number })
      return 'again'
    }
    const result = await pipeline.step(state.heads.pendingSafe)
    if (result.kind === 'progress') return 'again'
    if (result.kind === 'attributes') {
      this.#derived = result.derived
      return 'again'
    }
    this.#resetsInRow = 0
    const origin = pipeline.origin
    if (origin === undefined) return 'idle'
    originGauge(this.#parts.registry).set(Number(origin.number))
    this.#finality.onIdle(origin)
    return this.#headL1 !== undefined && this.#headL1.number > origin.number ? { afterMs: lookAgainMs } : 'idle'
  }

  async #apply(derived: Derived): Promise<void> {
    const { state, l2, log, pipeline } = this.#parts
    const before = state.heads.safe
    const applied = await state.serial.run(() => applyDerived(this.#config, state, derived, { l2, log }))
    this.#derived = undefined
    if (applied.kind === 'replace') {
      pipeline.flushChannel()
      this.#derived = applied.derived
    } else if (applied.kind === 'dropped') {
      this.#mustRestore = true
    }
    const { safe } = state.heads
    if (safe.hash === before.hash) return
    await this.#onSafe(safe, derived.derivedFrom)
  }

  async #onSafe(safe: L2BlockRef, derivedFrom: L1BlockRef): Promise<void> {
    this.#finality.onSafe(safe, derivedFrom)
    await this.#parts.safeDb?.update(derivedFrom, safe)
    this.#parts.log.debug('safe head', { number: safe.number, l1: derivedFrom.number })
  }

  async #reset(reason: string): Promise<void> {
    const { state, l1, l2, pipeline, log, registry } = this.#parts
    // Within the queue: a block inserted while the heads are searched would be lost.
    await state.serial.run(async () => {
      const heads = await findHeads(this.#config, { l1, l2 })
      const base = await findPipelineBase(this.#config, heads.safe, { l1, l2 })
      this.#derived = undefined
      this.#mustRestore = false
      this.#finality.reset()
      await this.#parts.safeDb?.truncate(heads.safe)
      pipeline.reset(base.origin, heads.safe, base.systemConfig)
      state.reset(heads)
      this.#resetReason = undefined
      const { unsafe, safe, finalized } = heads
      log.info('heads found', {
        reason,
        unsafe: unsafe.number,
        safe: safe.number,
        finalized: finalized.number,
        l1: base.origin.number,
      })
    })
    resets(registry).inc()
  }

  #failed(error: unknown, attempt: number): { readonly afterMs: number; readonly firm: true } {
    const { log, registry } = this.#parts
    const kind = classifyError(error)
    errors(registry).inc({ kind })
    const failure = error instanceof Error ? error.message : String(error)
    this.#health = { ...this.#health, failure }
    if (kind === 'critical') throw error
    const afterMs = Math.min(backoffMs.first * 2 ** (attempt - 1), backoffMs.max)
    if (kind === 'reset') {
      log.warn('derivation is reset', { error })
      this.requestReset(failure)
      // The first one at once; one that comes back before derivation got anywhere waits.
      return { afterMs: this.#resetsInRow++ === 0 ? 0 : afterMs, firm: true }
    }
    log.warn('derivation waits', { error, retryMs: afterMs })
    return { afterMs, firm: true }
  }
}

function isFormatError(error: unknown): boolean {
  return error instanceof Error && error.name === 'FormatError'
}

const headGauge = (registry: Registry) => gauge(registry, 'l2_head_number', 'height of the L2 heads', ['label'])
const originGauge = (registry: Registry) => gauge(registry, 'derive_origin_number', 'L1 block that derivation reads')
const resets = (registry: Registry) => counter(registry, 'derive_resets_total', 'times the heads were found again')
const errors = (registry: Registry) =>
  counter(registry, 'derive_errors_total', 'derivation steps that failed', ['kind'])
