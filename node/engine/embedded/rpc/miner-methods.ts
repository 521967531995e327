import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { parseQuantity } from '../../../../protocol/bytes.ts'
import type { EmbeddedEngine } from '../engine.ts'

/** `miner_setMaxDASize`, with which a batcher that falls behind slows the sequencer down. For the authenticated port only. */
export function minerMethods(engine: Pick<EmbeddedEngine, 'setMaxDaSize'>): RpcMethods {
  return {
    miner_setMaxDASize: ([transaction, block]) => {
      engine.setMaxDaSize({
        transactionBytes: parseQuantity(transaction, 'maximum size of a transaction'),
        blockBytes: parseQuantity(block, 'maximum size of a block'),
      })
      return true
    },
  }
}
