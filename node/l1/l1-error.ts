import { CodedError } from '../../common/errors.ts'

/**
 * `unavailable`: no endpoint answered, or blobs are not there yet; try again. `missing`: L1 does not know the block, as
 * after a reorg. `invalid`: what every endpoint answered does not hash to what was asked for; try again, elsewhere.
 */
export class L1Error extends CodedError<'unavailable' | 'missing' | 'invalid'> {}
