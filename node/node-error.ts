import { CodedError } from '../common/errors.ts'

/**
 * Why a node cannot run. `wrong-genesis`, `wrong-chain`: rollup config, genesis file, engine and L1 are not of one chain.
 * `no-genesis`: the embedded engine needs the genesis file. `no-engine`: the external engine does not answer.
 * `engine-refuses`: it refuses our token. `engine-too-old`: it lacks methods that the chain’s forks need.
 * `port-in-use`: another program listens there. `no-money-contracts`: the roles attributor and watcher need OpenLedger's contracts.
 */
export class NodeError extends CodedError<
  | 'wrong-genesis'
  | 'wrong-chain'
  | 'no-genesis'
  | 'no-engine'
  | 'engine-refuses'
  | 'engine-too-old'
  | 'port-in-use'
  | 'no-money-contracts'
> {}
