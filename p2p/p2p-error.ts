import { CodedError } from '../common/errors.ts'

/**
 * What failed towards peers. `listen`: the port cannot be taken. `dial`: a peer is not reached. `banned`: it is not let
 * in. `busy`: messages are not validated in time. `no-peers`: nobody to ask. `no-signer`: no key to sign blocks with.
 * `request`: peers failed to answer. `too-large`: a block exceeds what gossip carries. `stopped`: the network is shut down.
 */
export class P2pError extends CodedError<
  'listen' | 'dial' | 'banned' | 'busy' | 'no-peers' | 'no-signer' | 'request' | 'too-large' | 'stopped'
> {}
