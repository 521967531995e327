import { concatBytes, emptyBytes, FormatError, hexToBytes, uintBytes } from '../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../../../protocol/rlp.ts'
import { recoverAddress } from '../../../../protocol/secp256k1.ts'
import type { Authorization } from '../../../../protocol/transaction.ts'
import type { BlockEnv } from './block-env.ts'

/** What code of an account that delegates begins with. Source: EIP-7702. */
const delegationPrefix = hexToBytes('0xef0100')

/** Given back for each authorization of an account that exists already: PER_EMPTY_ACCOUNT_COST - PER_AUTH_BASE_COST. */
const existingAccountRefund = 25_000n - 12_500n

const nonceMax = 2n ** 64n - 1n

/**
 * Applies an authorization list; a tuple that is not valid is passed over. Returns the authorities, which are warm in
 * what follows, and the refund. Source: EIP-7702, "Behavior".
 */
export function applyAuthorizations(
  env: BlockEnv,
  list: readonly Authorization[],
): { authorities: Uint8Array[]; refund: bigint } {
  const authorities: Uint8Array[] = []
  let refund = 0n
  for (const authorization of list) {
    if (authorization.chainId !== 0n && authorization.chainId !== env.chainId) continue
    if (authorization.nonce >= nonceMax) continue
    const authority = recover(authorization)
    if (authority === undefined) continue
    authorities.push(authority)
    const code = env.state.code(authority)
    if (code.length > 0 && delegateOf(code) === undefined) continue
    const account = env.state.account(authority)
    if ((account?.nonce ?? 0n) !== authorization.nonce) continue
    if (account !== undefined) refund += existingAccountRefund
    env.state.setCode(authority, delegation(authorization.address))
    env.state.updateAccount(authority, { nonce: authorization.nonce + 1n })
  }
  return { authorities, refund }
}

/** The address an account's code delegates to. */
export function delegateOf(code: Uint8Array): Uint8Array | undefined {
  if (code.length !== 23) return undefined
  return delegationPrefix.every((byte, i) => code[i] === byte) ? code.subarray(3) : undefined
}

/** Delegating to the zero address clears the code. */
function delegation(address: Uint8Array): Uint8Array {
  return address.every((byte) => byte === 0) ? emptyBytes : concatBytes(delegationPrefix, address)
}

function recover(authorization: Authorization): Uint8Array | undefined {
  const { chainId, address, nonce, yParity, r, s } = authorization
  if (yParity > 1n) return undefined
  const fields = rlpEncode([rlpUint(chainId), address, rlpUint(nonce)])
  const digest = keccak256(concatBytes(Uint8Array.of(5), fields))
  try {
    return recoverAddress(digest, concatBytes(uintBytes(r, 32), uintBytes(s, 32)), Number(yParity))
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
