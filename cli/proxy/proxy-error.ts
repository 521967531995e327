import { CodedError } from '../../common/errors.ts'

/** What a client of the endpoint is told: HTTP status, and `type` in OpenAI's words. */
export class ProxyError extends CodedError<
  'invalid_request_error' | 'model_not_found' | 'insufficient_quota' | 'no_worker' | 'worker_failed'
> {
  get status(): number {
    return statuses[this.code]
  }
}

const statuses = {
  invalid_request_error: 400,
  model_not_found: 404,
  insufficient_quota: 402,
  no_worker: 503,
  worker_failed: 502,
} as const
