import { CodedError } from '../../common/errors.ts'

/**
 * Why an answer file is refused, by the part that does not hold: `format` bytes of another form, `checksum` not those that were
 * written, then the checks of docs/ANSWER-FILE.md in their order.
 */
export class AnswerFileError extends CodedError<
  | 'format'
  | 'checksum'
  | 'request'
  | 'payment'
  | 'receipt'
  | 'tokens'
  | 'entries'
  | 'batch'
  | 'indexes'
  | 'evidence'
  | 'scores'
  | 'span'
  | 'citations'
  | 'rule'
  | 'facts'
  | 'groups'
  | 'influences'
  | 'query'
  | 'weights'
  | 'tokenizer'
  | 'text'
  | 'l2'
  | 'void'
  | 'model'
  | 'datanet'
  | 'output'
  | 'l1'
  | 'l1-hash'
  | 'oracle'
> {}
