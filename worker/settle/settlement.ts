import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'

/** One look at the chain: what is due is done. True where there may be more at once. */
export type Step = { readonly run: (signal: AbortSignal) => Promise<boolean> }

type Parts = { readonly steps: readonly Step[]; readonly clock: Clock; readonly log: Log }

/** Pause between two looks where nothing was due. */
const pollMs = 1_000
/** Pause after a step that failed. */
const againMs = 5_000

/** Runs the steps side by side until the signal: none that waits or fails holds up another. */
export async function settle({ steps, clock, log }: Parts, signal: AbortSignal): Promise<void> {
  await Promise.all(
    steps.map(async (step) => {
      while (!signal.aborted) {
        try {
          if (!(await step.run(signal))) await clock.sleep(pollMs, signal)
        } catch (error) {
          if (signal.aborted) return
          log.error('settling failed, trying again', { error: errorMessage(error), waitMs: againMs })
          await clock.sleep(againMs, signal)
        }
      }
    }),
  )
}
