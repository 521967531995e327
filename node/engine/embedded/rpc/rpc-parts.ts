import type { Clock } from '../../../../common/clock.ts'
import type { Log } from '../../../../common/log.ts'
import type { ChainView } from '../chain-view.ts'
import type { TxPool } from '../txpool/tx-pool.ts'
import type { ForwardTransaction } from './sequencer-forward.ts'

/** What the method tables of this folder are made from. */
export type RpcParts = {
  readonly chain: ChainView
  readonly pool: TxPool
  /** Takes what is sent, in place of the pool. */
  readonly forward?: ForwardTransaction | undefined
  readonly clock: Clock
  readonly log: Log
}

export type EmbeddedRpcOptions = {
  /** Answer of web3_clientVersion. */
  readonly clientVersion: string
}
