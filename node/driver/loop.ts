import type { Clock } from '../../common/clock.ts'

/** What a loop does after a step: the next one at once, after a while, or when it is woken. */
export type Next = 'again' | 'idle' | { readonly afterMs: number }

/** Calls `step` until the signal aborts. A wake-up ends a wait early unless the step asked for a `firm` one. */
export async function runLoop(
  step: () => Promise<Next | { readonly afterMs: number; readonly firm: true }>,
  parts: { readonly clock: Clock; readonly wake: Wake; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, wake, signal } = parts
  while (!signal.aborted) {
    const next = await step()
    if (signal.aborted) return
    if (next === 'again') {
      // Steps that find everything in memory resolve in microtasks alone; timers and sockets need a turn too.
      await new Promise((resolve) => setImmediate(resolve))
    } else if (next === 'idle') await wake.wait(signal)
    else if ('firm' in next) await clock.sleep(next.afterMs, signal)
    else {
      // By hand and not with AbortSignal.any, which on Node 20 keeps what it made for as long as `signal` lives.
      const over = new AbortController()
      const end = () => over.abort()
      signal.addEventListener('abort', end, { once: true })
      await Promise.race([clock.sleep(next.afterMs, over.signal), wake.wait(over.signal)])
      signal.removeEventListener('abort', end)
      over.abort()
    }
  }
}

/** Runs loops until the signal aborts or one of them fails; then all are stopped, and the first failure is thrown. */
export async function runTogether(
  signal: AbortSignal,
  loops: readonly ((either: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  await Promise.allSettled(
    loops.map(async (loop) => {
      try {
        await loop(either)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    }),
  )
  if (failed.signal.aborted) throw failed.signal.reason
}

/** A bell that remembers being rung while nobody listened. */
export class Wake {
  #rung = false
  #waiting: (() => void) | undefined

  readonly ring = (): void => {
    this.#rung = true
    this.#waiting?.()
  }

  /** Resolves at the next ring, or at once after one that nobody heard, or when `signal` aborts. One waiter at a time. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        if (!signal.aborted) this.#rung = false
        this.#waiting = undefined
        signal.removeEventListener('abort', done)
        resolve()
      }
      if (this.#rung || signal.aborted) return done()
      this.#waiting = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
