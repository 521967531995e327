import type { LedgerSync } from '../../chain/ledger/ledger-sync.ts'
import type { Clock } from '../../common/clock.ts'

/** Waits after a step that failed, doubled up to the second. */
const backoffMs = { first: 2_000, max: 60_000 } as const

/** `run`: true where it did something. */
export type Step = { readonly name: string; readonly run: (signal: AbortSignal) => Promise<boolean> }

type Parts = {
  readonly clock: Clock
  /** Steps rest while the book is behind the chain. */
  readonly sync: Pick<LedgerSync, 'isCurrent'>
  /** Hears of every failure. */
  readonly failed: (step: string, error: unknown) => void
}

/** Steps taken in turn again and again; one that fails is left out for a while and holds up no other. */
export class Steps {
  readonly #pollMs: number
  readonly #parts: Parts
  readonly #retries = new Map<string, { readonly atMs: number; readonly waitMs: number }>()

  constructor(pollMs: number, parts: Parts) {
    this.#pollMs = pollMs
    this.#parts = parts
  }

  /** Until the signal. Never rejects. */
  async run(steps: readonly Step[], signal: AbortSignal): Promise<void> {
    const { clock, sync } = this.#parts
    while (!signal.aborted) {
      let acted = false
      if (sync.isCurrent) for (const step of steps) acted = (await this.#try(step, signal)) || acted
      if (!acted) await clock.sleep(this.#pollMs, signal)
    }
  }

  async #try({ name, run }: Step, signal: AbortSignal): Promise<boolean> {
    const { clock, failed } = this.#parts
    const retry = this.#retries.get(name)
    if (signal.aborted || (retry !== undefined && clock.nowMs() < retry.atMs)) return false
    try {
      const acted = await run(signal)
      this.#retries.delete(name)
      return acted
    } catch (error) {
      if (signal.aborted) return false
      const waitMs = Math.min(2 * (retry?.waitMs ?? backoffMs.first / 2), backoffMs.max)
      this.#retries.set(name, { atMs: clock.nowMs() + waitMs, waitMs })
      failed(name, error)
      return false
    }
  }
}
