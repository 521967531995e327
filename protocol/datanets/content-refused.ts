import { FormatError } from '../bytes.ts'

/**
 * Why a contribution is refused before it is sent. `TYPE_MISMATCH`: its bytes or its name are not of the Datanet's media type.
 * `NOT_UTF8`: text with other bytes, or a zero byte. `MISSING_FIELD`, `BAD_FIELD`, `UNKNOWN_FIELD`: its metadata.
 * `NO_TRAINING`: its author does not let it be trained on. `TOO_LARGE`: above a limit. `NEAR_DUPLICATE`: too like a text before it.
 */
export type Refusal =
  | 'TYPE_MISMATCH'
  | 'NOT_UTF8'
  | 'MISSING_FIELD'
  | 'BAD_FIELD'
  | 'UNKNOWN_FIELD'
  | 'NO_TRAINING'
  | 'TOO_LARGE'
  | 'NEAR_DUPLICATE'

export class ContentRefused extends FormatError {
  override name = 'ContentRefused'
  readonly code: Refusal

  constructor(code: Refusal, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}
