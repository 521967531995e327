import { CodedError } from '../common/errors.ts'

/**
 * `adapter`: of another base model, too many, or a weight out of range. `context`: more positions than the model has. `gpu`: none that
 * can run the model. `memory`: no room now. `stop`: stop strings out of range. `template`: malformed, or without such a role. `token`: no
 * token of the vocabulary. `trace`: what has no place in a trace. `sampling`: parameters out of range.
 */
export class InferenceError extends CodedError<
  'adapter' | 'context' | 'gpu' | 'memory' | 'token' | 'sampling' | 'stop' | 'template' | 'trace'
> {}
