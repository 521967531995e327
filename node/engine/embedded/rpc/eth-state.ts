import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, type Hex, quantity, zeroHash } from '../../../../protocol/bytes.ts'
import type { AccountState } from '../chain-view.ts'
import { blockParam, requireState } from './block-param.ts'
import { proofSlotsMax } from './limits.ts'
import { addressParam, listParam, slotParam } from './params.ts'
import type { RpcParts } from './rpc-parts.ts'

/** `eth_*` methods that read accounts and storage. */
export function ethStateMethods({ chain, pool }: Pick<RpcParts, 'chain' | 'pool'>): RpcMethods {
  const stateAt = (block: unknown) => requireState(chain, blockParam(block)).state
  return {
    eth_getBalance: ([address, block]) => quantity(stateAt(block).account(addressParam(address))?.balance ?? 0n),
    eth_getCode: ([address, block]) => bytesToHex(stateAt(block).code(addressParam(address))),
    eth_getStorageAt: ([address, slot, block]) =>
      bytesToHex(stateAt(block).storage(addressParam(address), slotParam(slot))),
    eth_getTransactionCount: ([address, block]) => {
      const sender = addressParam(address)
      const pooled = block === 'pending' ? pool.nextNonce(sender) : undefined
      return quantity(pooled ?? stateAt(block).account(sender)?.nonce ?? 0n)
    },
    eth_getAccount: ([address, block]) => {
      const account = stateAt(block).account(addressParam(address))
      if (account === undefined) return null
      return {
        nonce: quantity(account.nonce),
        balance: quantity(account.balance),
        storageRoot: bytesToHex(account.storageRoot),
        codeHash: bytesToHex(account.codeHash),
      }
    },
    eth_getProof: ([address, slots, block]) => {
      const account = addressParam(address)
      const keys = listParam(slots, 'storage keys', proofSlotsMax).map((slot) => ({ slot, bytes: slotParam(slot) }))
      const proof = stateAt(block).proof(
        account,
        keys.map(({ bytes }) => bytes),
      )
      return {
        address: bytesToHex(account),
        ...accountJson(proof.account),
        accountProof: proof.accountProof.map(bytesToHex),
        storageProof: proof.storageProof.map(({ value, proof: nodes }, index) => ({
          key: shownKey(keys[index]?.slot),
          value: quantity(value),
          proof: nodes.map(bytesToHex),
        })),
      }
    },
  }
}

/** An absent account has zero hashes, where an empty one has those of nothing; as in op-geth. */
function accountJson(account: AccountState | undefined): Record<string, Hex> {
  return {
    balance: quantity(account?.balance ?? 0n),
    nonce: quantity(account?.nonce ?? 0n),
    codeHash: account === undefined ? zeroHash : bytesToHex(account.codeHash),
    storageHash: account === undefined ? zeroHash : bytesToHex(account.storageRoot),
  }
}

/** geth repeats a full-length key as it came and shows any other as a quantity. */
function shownKey(slot: unknown): string {
  const text = String(slot)
  return text.length === 66 ? text.toLowerCase() : quantity(BigInt(text))
}
