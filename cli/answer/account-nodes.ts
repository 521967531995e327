import type { AccountNodes } from '../../attribution/answer-file/answer-file.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { ChainAccess } from '../money/action.ts'

/** `eth_getProof` as a file holds it. Throws what the RPC throws. */
export async function accountNodes(
  rpc: Pick<ChainAccess, 'request'>,
  address: Hex,
  slots: readonly Uint8Array[],
  block: string,
): Promise<AccountNodes> {
  const proof = (await rpc.request('eth_getProof', [address, slots.map(bytesToHex), block])) as {
    readonly accountProof: readonly Hex[]
    readonly storageProof: readonly { readonly proof: readonly Hex[] }[]
  }
  return {
    account: proof.accountProof.map(hexToBytes),
    slots: proof.storageProof.map(({ proof: nodes }) => nodes.map(hexToBytes)),
  }
}
