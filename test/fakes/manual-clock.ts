import { type Clock, systemClock } from '../../common/clock.ts'

/** Time that moves only when a test says so. */
export class ManualClock implements Clock {
  #nowMs: number
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()

  constructor(nowMs = 0) {
    this.#nowMs = nowMs
  }

  readonly nowMs = (): number => this.#nowMs

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const sleeper = {
        atMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake, { once: true })
    })

  set(nowMs: number): void {
    this.#nowMs = nowMs
    for (const sleeper of [...this.#sleepers]) if (sleeper.atMs <= nowMs) sleeper.wake()
  }

  advance(ms: number): void {
    this.set(this.#nowMs + ms)
  }
}

/** Waits as long as the system's, but its time stands still: what decays or is refilled by time does neither on a busy machine. */
export function standingClock(): Clock {
  const nowMs = Date.now()
  return { nowMs: () => nowMs, sleep: systemClock.sleep }
}
