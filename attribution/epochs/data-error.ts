import { CodedError } from '../../common/errors.ts'

/**
 * A data file that is refused: `kind` another file or version, `length` bytes missing or too many, `value` a field out of its
 * range.
 */
export class DataError extends CodedError<'kind' | 'length' | 'value'> {}
