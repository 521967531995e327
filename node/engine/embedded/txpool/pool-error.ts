import { CodedError } from '../../../../common/errors.ts'

/** Why the pool refuses a transaction. Messages begin with geth's words: wallets and libraries match on them. */
export type PoolErrorCode =
  | 'malformed'
  | 'type-not-supported'
  | 'oversized'
  | 'invalid-signature'
  | 'wrong-chain'
  | 'invalid-fields'
  | 'intrinsic-gas'
  | 'gas-limit'
  | 'nonce-too-low'
  | 'insufficient-funds'
  | 'underpriced'
  | 'replacement-underpriced'
  | 'already-known'
  | 'limit'
  | 'not-ready'

export class PoolError extends CodedError<PoolErrorCode> {}
