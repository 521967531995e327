import { CodedError } from '../../common/errors.ts'

/** `file`: damaged sketches. `size`: more or other than sketches can be. */
export class GradientError extends CodedError<'file' | 'size'> {}
