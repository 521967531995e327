import { CodedError } from '../../common/errors.ts'
import type { Spoken } from './contracts.ts'

/** Something that a contract refuses, or would; the message says why and what to do. Nothing was sent. */
export class RefusedError extends CodedError<'refused'> {
  /** Undefined where no contract was asked, or its reason is none of ours. */
  readonly reason: Spoken | undefined

  constructor(message: string, reason?: Spoken) {
    super('refused', message)
    this.reason = reason
  }
}
