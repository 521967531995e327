import { CodedError } from '../../../common/errors.ts'
import type { CallErrorCode } from './chain-view.ts'

/** A call or trace that could not run at all (a revert is a result, not an error). */
export class CallError extends CodedError<CallErrorCode> {}

/** What makes a whole simulation impossible, rather than one of its calls fail. */
export class SimulationError extends CodedError<
  'nonce-too-low' | 'nonce-too-high' | 'fee-too-low' | 'block-gas' | 'block-number' | 'block-time' | 'too-much'
> {}

/** A block breaks a consensus rule; never worth another try. */
export class InvalidBlockError extends CodedError<'invalid-block'> {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid-block', message, options)
  }
}

/** A trie node or code is not in the database: pruned, or outside of a stateless witness. */
export class MissingNodeError extends CodedError<'missing-node'> {
  constructor(message: string, options?: ErrorOptions) {
    super('missing-node', message, options)
  }
}
