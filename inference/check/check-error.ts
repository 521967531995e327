import { CodedError } from '../../common/errors.ts'

/**
 * `corrupt`: a file of the pool is not what was written. `empty`: no pair is left, the weights are to be streamed again. `busy`:
 * too many answers wait, try later.
 */
export class CheckError extends CodedError<'corrupt' | 'empty' | 'busy'> {}
