import { CodedError } from '../../common/errors.ts'

/**
 * Why an answer is not checked. `no-model`, `no-adapter`: its file is not here. `thread`: the thread died or was closed. `unreadable`:
 * the file served is not of this answer. `failed`: anything else; the message says what.
 */
export class CheckerError extends CodedError<'no-model' | 'no-adapter' | 'thread' | 'unreadable' | 'failed'> {}
