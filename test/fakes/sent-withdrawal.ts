import { encodeAbiParameters } from 'viem'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** A message from the L2 to the L1. Spec: protocol/withdrawals.md. */
export type Withdrawal = {
  readonly nonce: bigint
  readonly sender: Hex
  readonly target: Hex
  readonly value: bigint
  readonly gasLimit: bigint
  readonly data: Hex
}

/** The hash that the L2ToL1MessagePasser records. */
export function withdrawalHash({ nonce, sender, target, value, gasLimit, data }: Withdrawal): Uint8Array {
  const types = ['uint256', 'address', 'address', 'uint256', 'uint256', 'bytes'].map((type) => ({ type }))
  return keccak256(hexToBytes(encodeAbiParameters(types, [nonce, sender, target, value, gasLimit, data])))
}

/** Storage key of `sentMessages[hash]`: the mapping is at slot 0. Hash it once more for its path in the trie. */
export function sentMessageKey(hash: Uint8Array): Uint8Array {
  return keccak256(Buffer.concat([hash, new Uint8Array(32)]))
}
