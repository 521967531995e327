import { CodedError } from '../../common/errors.ts'

/** `data`: texts that cannot be learnt from. `parameters`: hyper-parameters out of range. `state`: of another training. */
export class TrainError extends CodedError<'data' | 'parameters' | 'state'> {}
