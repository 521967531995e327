import { CodedError } from '../../common/errors.ts'

/**
 * `file`: cut off, damaged or contradicting itself. `unsupported`: well-formed, but of a kind that the canonical model has not.
 * `shape`: a tensor that is missing, too many or of another shape. `weight`: a number that is none.
 */
export class LoadError extends CodedError<'file' | 'unsupported' | 'shape' | 'weight'> {}
