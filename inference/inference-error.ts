import { CodedError } from '../common/errors.ts'

/** `context`: more positions than the model has. `token`: no token of the vocabulary. `sampling`: parameters out of range. */
export class InferenceError extends CodedError<'context' | 'token' | 'sampling'> {}
