import { CodedError } from '../../common/errors.ts'
import type { RefusalCode } from '../../p2p/workers/jobs/job.ts'

/** Why a job is not taken, by the code that the payer's program acts on. */
export class JobError extends CodedError<RefusalCode> {
  /** 0: not as it stands. */
  readonly retryAfterMs: number

  constructor(code: RefusalCode, message: string, { retryAfterMs = 0 }: { readonly retryAfterMs?: number } = {}) {
    super(code, message)
    this.retryAfterMs = retryAfterMs
  }
}
