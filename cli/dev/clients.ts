import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { type DevPorts, localUrl } from './layout.ts'

const rpcTimeoutMs = 10_000
/** Time a part of the chain has to answer its first call. */
const readyMsMax = 60_000

export function devClient(url: string): HttpRpcClient {
  return new HttpRpcClient({ url, timeoutMs: rpcTimeoutMs })
}

/** The RPCs of both nodes, and where the indexer answers. */
export function devClients(ports: DevPorts) {
  return {
    sequencerEth: devClient(localUrl(ports.sequencerEth)),
    sequencerRollup: devClient(localUrl(ports.sequencerRollup)),
    verifierEth: devClient(localUrl(ports.verifierEth)),
    verifierRollup: devClient(localUrl(ports.verifierRollup)),
    graphqlUrl: localUrl(ports.indexer, '/graphql'),
  }
}

export type DevClients = ReturnType<typeof devClients>

/** Asks until it answers. Throws {@link UsageError} naming `who` where that takes too long. */
export async function ready(client: HttpRpcClient, method: string, who: string, signal: AbortSignal): Promise<unknown> {
  const deadline = systemClock.nowMs() + readyMsMax
  for (;;) {
    try {
      return await client.request(method)
    } catch (cause) {
      if (signal.aborted || systemClock.nowMs() > deadline)
        throw new UsageError(`${who} does not answer at ${client.url}`, { cause })
      await systemClock.sleep(100, signal)
    }
  }
}
