import { CodedError } from '../../common/errors.ts'

/** Why an answer is not checked. `no-model`, `no-adapter`: its file is not here. `pool`: a model's pool cannot be made. */
export class CheckerError extends CodedError<'no-model' | 'no-adapter' | 'pool'> {}
