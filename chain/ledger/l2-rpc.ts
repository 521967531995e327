import type { RpcClient } from '../../common/json-rpc.ts'
import type { RpcMethods } from '../../common/json-rpc-server.ts'

/** `eth_*` of the L2, wherever its engine is. Throws RpcError for what it refuses, TransportError where it is not reached. */
export type L2Rpc = Pick<RpcClient, 'request'>

/** The methods of an engine in this process. */
export function inProcessRpc(methods: RpcMethods): L2Rpc {
  const context = { closed: new AbortController().signal }
  return {
    request: async (method, params = []) => {
      const handler = Object.hasOwn(methods, method) ? methods[method] : undefined
      if (handler === undefined) throw new Error(`this engine has no ${method}`)
      return (await handler(params, context)) ?? null
    },
  }
}
