import { type JobEvent, type JobHandler, type Refusal, refusalCodes } from '../../p2p/workers/jobs/job.ts'
import type { JobDesk } from './job-desk.ts'
import { JobError } from './job-error.ts'

/** The desk behind `/job/1`: a job that is not taken is refused in words. */
export function jobHandler(desk: Pick<JobDesk, 'take'>, signal: AbortSignal): JobHandler {
  return async function* (job, { requestId, cancelled }): AsyncGenerator<JobEvent> {
    try {
      yield* await desk.take(job, { requestId, cancelled }, signal)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      yield { kind: 'refused', refusal }
    }
  }
}

function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof JobError) || !refusalCodes.includes(error.code)) return undefined
  return { code: error.code, retryAfterMs: error.retryAfterMs, detail: error.message }
}
