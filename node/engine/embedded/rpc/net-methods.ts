import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { bytesParam } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'

/** `net_*` and `web3_*`. The engine has no peers of its own: blocks come from the rollup node. */
export function netMethods({ chain }: Pick<RpcParts, 'chain'>, clientVersion: string): RpcMethods {
  return {
    net_version: () => chain.chainId.toString(),
    net_listening: () => false,
    net_peerCount: () => '0x0',
    web3_clientVersion: () => clientVersion,
    web3_sha3: ([data]) => keccakHex(bytesParam(data)),
  }
}
