import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { debugMethods } from './debug-methods.ts'
import { ethCallMethods } from './eth-call.ts'
import { ethChainMethods } from './eth-chain.ts'
import { ethFeeMethods } from './eth-fees.ts'
import { ethFilterMethods } from './eth-filters.ts'
import { ethSendMethods } from './eth-send.ts'
import { ethSimulateMethods } from './eth-simulate.ts'
import { ethStateMethods } from './eth-state.ts'
import { ethSubscribeMethods } from './eth-subscribe.ts'
import { netMethods } from './net-methods.ts'
import type { EmbeddedRpcOptions, RpcParts } from './rpc-parts.ts'
import { txpoolMethods } from './txpool-methods.ts'

/** The public JSON-RPC of the embedded engine: what wallets, viem, cast and explorers call. */
export function embeddedRpcMethods(options: EmbeddedRpcOptions, parts: RpcParts): RpcMethods {
  return {
    ...ethChainMethods(parts),
    ...ethStateMethods(parts),
    ...ethCallMethods(parts),
    ...ethFeeMethods(parts),
    ...ethFilterMethods(parts),
    ...ethSendMethods(parts),
    ...ethSimulateMethods(parts),
    ...ethSubscribeMethods(parts),
    ...txpoolMethods(parts),
    ...debugMethods(parts),
    ...netMethods(parts, options.clientVersion),
    rpc_modules: () => ({ debug: '1.0', eth: '1.0', net: '1.0', rpc: '1.0', txpool: '1.0', web3: '1.0' }),
  }
}
