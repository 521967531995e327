import { CodedError } from '../common/errors.ts'

/**
 * `adapter`: of another base model, too many, or a weight out of range. `context`: more positions than the model has. `token`: no
 * token of the vocabulary. `sampling`: parameters out of range.
 */
export class InferenceError extends CodedError<'adapter' | 'context' | 'token' | 'sampling'> {}
