import { CodedError } from '../../common/errors.ts'

/**
 * What is wrong with the network's own files or addresses. `key`: the identity cannot be read or written. `address`: a
 * peer's address cannot be used. `store`: the peer store cannot be opened. `discovery`: the UDP port cannot be taken.
 */
export class PeersError extends CodedError<'key' | 'address' | 'store' | 'discovery'> {}
