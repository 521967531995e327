import type { Clock } from '../../common/clock.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { WsRpcClient } from '../../common/ws-rpc-client.ts'
import type { L1Endpoint } from './l1-rpc.ts'

/** Milliseconds one request to an endpoint may take: a block with all its transactions over a slow link. */
export const requestMsMax = 20_000

export type L1Endpoints = {
  readonly endpoints: readonly L1Endpoint[]
  /** Calls back whenever a WebSocket endpoint tells of a new head; HTTP endpoints tell nothing. Returns how to stop that. */
  readonly onNewHead: (tell: () => void) => () => void
}

/** The servers behind `http(s):` and `ws(s):` URLs. `signal` ends their requests and connections. */
export function l1Endpoints(
  urls: readonly string[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): L1Endpoints {
  const common = { timeoutMs: requestMsMax, signal }
  const endpoints = urls.map((url) =>
    /^wss?:/i.test(url) ? new WsRpcClient({ url, ...common }, { clock }) : new HttpRpcClient({ url, ...common }),
  )
  const sockets = endpoints.filter((endpoint) => endpoint instanceof WsRpcClient)
  return {
    endpoints,
    onNewHead: (tell) => {
      const stops = sockets.map((socket) => socket.subscribe(['newHeads'], () => tell()))
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}
