import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, type Hex, quantity } from '../../../../protocol/bytes.ts'
import type { PooledTransaction } from '../chain-view.ts'
import { feeCap } from '../txpool/validate.ts'
import { addressParam } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'
import { pooledTransactionJson } from './transaction-json.ts'

type Shown = (transaction: PooledTransaction) => unknown

/** The `txpool_*` methods. */
export function txpoolMethods({ pool }: Pick<RpcParts, 'pool'>): RpcMethods {
  const content = (shown: Shown) => {
    const { pending, queued } = pool.content()
    return { pending: bySender(pending, shown), queued: bySender(queued, shown) }
  }
  return {
    txpool_status: () => {
      const { pending, queued } = pool.status()
      return { pending: quantity(pending), queued: quantity(queued) }
    },
    txpool_content: () => content(pooledTransactionJson),
    txpool_inspect: () => content(summary),
    txpool_contentFrom: ([address]) => {
      const sender = bytesToHex(addressParam(address))
      const { pending, queued } = pool.content()
      return {
        pending: byNonce(pending.get(sender) ?? [], pooledTransactionJson),
        queued: byNonce(queued.get(sender) ?? [], pooledTransactionJson),
      }
    },
  }
}

function bySender(content: ReadonlyMap<Hex, readonly PooledTransaction[]>, shown: Shown): Record<string, unknown> {
  return Object.fromEntries([...content].map(([sender, list]) => [sender, byNonce(list, shown)]))
}

function byNonce(list: readonly PooledTransaction[], shown: Shown): Record<string, unknown> {
  return Object.fromEntries(list.map((entry) => [entry.tx.nonce.toString(), shown(entry)]))
}

function summary({ tx }: PooledTransaction): string {
  const to = tx.to === undefined ? 'contract creation' : bytesToHex(tx.to)
  return `${to}: ${tx.value} wei + ${tx.gasLimit} gas × ${feeCap(tx)} wei`
}
