import { CodedError } from '../../common/errors.ts'

/**
 * A receipt that would be challenged, so that none is made: `price` there is none, or it ended; `deadline` the request ended; `fee`
 * above what the request allows; `payee` an entry pays nobody; `rule` of attribution that is not
 * known; `batch` receipts that do not fit one batch.
 */
export class ReceiptError extends CodedError<'price' | 'deadline' | 'fee' | 'payee' | 'rule' | 'batch'> {}
