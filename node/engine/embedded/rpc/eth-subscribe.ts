import { randomBytes } from 'node:crypto'
import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcContext, RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, FormatError } from '../../../../protocol/bytes.ts'
import { headerJson } from './block-json.ts'
import { headLogs } from './head-logs.ts'
import { subscriptionsMax } from './limits.ts'
import { blockLogs, logFilterParam } from './log-filter.ts'
import { booleanParam, optional } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'
import { pooledTransactionJson } from './transaction-json.ts'

type Notify = (result: unknown) => void

/** eth_subscribe and eth_unsubscribe, over WebSocket only. A connection that closes takes its subscriptions along. */
export function ethSubscribeMethods(parts: RpcParts): RpcMethods {
  const connections = new WeakMap<AbortSignal, Map<unknown, () => void>>()
  const subscriptionsOf = ({ closed }: RpcContext) => {
    const known = connections.get(closed)
    if (known !== undefined) return known
    const created = new Map<unknown, () => void>()
    connections.set(closed, created)
    closed.addEventListener('abort', () => {
      for (const stop of created.values()) stop()
      created.clear()
    })
    return created
  }
  return {
    eth_subscribe: (params, context) => {
      const { notify } = context
      if (notify === undefined) throw new RpcError(rpcCodes.methodNotFound, 'notifications not supported over HTTP')
      const subscriptions = subscriptionsOf(context)
      if (subscriptions.size >= subscriptionsMax) {
        throw new RpcError(rpcCodes.limitExceeded, `a connection may have ${subscriptionsMax} subscriptions`)
      }
      const subscription = bytesToHex(randomBytes(16))
      const stop = start(parts, params, (result) => notify('eth_subscription', { subscription, result }))
      subscriptions.set(subscription, stop)
      return subscription
    },
    eth_unsubscribe: ([id], context) => {
      const subscriptions = subscriptionsOf(context)
      const stop = subscriptions.get(id)
      if (stop === undefined) throw new RpcError(rpcCodes.server, 'subscription not found')
      stop()
      return subscriptions.delete(id)
    },
  }
}

function start({ chain, pool }: RpcParts, [kind, argument]: readonly unknown[], notify: Notify): () => void {
  switch (kind) {
    case 'newHeads':
      return chain.onHead(({ added }) => {
        for (const block of added) notify(headerJson(block))
      })
    case 'logs': {
      const { criteria } = logFilterParam(argument)
      return chain.onHead((event) => {
        for (const log of headLogs(event, (block) => blockLogs(chain, block, criteria))) notify(log)
      })
    }
    case 'newPendingTransactions': {
      const full = optional(argument, (value) => booleanParam(value, 'the second parameter')) ?? false
      return pool.onPending((transaction) => notify(full ? pooledTransactionJson(transaction) : transaction.hash))
    }
    default:
      throw new FormatError(`no "${String(kind).slice(0, 40)}" subscription in eth namespace`)
  }
}
