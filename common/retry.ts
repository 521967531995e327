import type { Clock } from './clock.ts'

export type Backoff = { readonly firstMs: number; readonly maxMs: number; readonly attemptsMax: number }

/** Calls `action` until it succeeds, doubling the wait between attempts. Rethrows the last error, or at once what `isFinal` says. */
export async function retry<T>(
  action: () => Promise<T>,
  backoff: Backoff,
  parts: { readonly clock: Clock; readonly signal?: AbortSignal; readonly isFinal?: (error: unknown) => boolean },
): Promise<T> {
  let waitMs = backoff.firstMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await action()
    } catch (error) {
      if (attempt >= backoff.attemptsMax || parts.signal?.aborted === true || parts.isFinal?.(error) === true)
        throw error
      await parts.clock.sleep(waitMs, parts.signal)
      waitMs = Math.min(waitMs * 2, backoff.maxMs)
    }
  }
}
