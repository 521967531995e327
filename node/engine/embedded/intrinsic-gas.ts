import { type ForkTimes, isActive } from '../../../protocol/hardforks.ts'
import type { AccessListEntry, Authorization } from '../../../protocol/transaction.ts'

/** What of a message costs gas before its first opcode. */
export type IntrinsicMessage = {
  readonly to?: Uint8Array | undefined
  readonly data: Uint8Array
  readonly accessList?: readonly AccessListEntry[] | undefined
  readonly authorizationList?: readonly Authorization[] | undefined
}

/** Bytes of creation code a transaction may carry from Canyon (EIP-3860). */
export const initCodeBytesMax = 49_152

/** Gas a transaction pays before it executes. Sources: EIP-2, 2028, 2930, 3860 (Canyon), 7702 (Isthmus). */
export function intrinsicGas(message: IntrinsicMessage, times: ForkTimes, timestamp: bigint): bigint {
  const { zeros, nonZeros } = countBytes(message.data)
  let gas = 21_000n + 4n * zeros + 16n * nonZeros
  if (message.to === undefined) {
    gas += 32_000n
    if (isActive(times, 'canyon', timestamp)) gas += 2n * BigInt(Math.ceil(message.data.length / 32))
  }
  for (const entry of message.accessList ?? []) gas += 2_400n + 1_900n * BigInt(entry.storageKeys.length)
  return gas + 25_000n * BigInt(message.authorizationList?.length ?? 0)
}

/** The least gas a transaction pays for its calldata; 0 before Isthmus. Source: EIP-7623. */
export function floorDataGas(data: Uint8Array, times: ForkTimes, timestamp: bigint): bigint {
  if (!isActive(times, 'isthmus', timestamp)) return 0n
  const { zeros, nonZeros } = countBytes(data)
  return 21_000n + 10n * (zeros + 4n * nonZeros)
}

function countBytes(data: Uint8Array): { zeros: bigint; nonZeros: bigint } {
  let zeros = 0
  for (let i = 0; i < data.length; i++) if (data[i] === 0) zeros++
  return { zeros: BigInt(zeros), nonZeros: BigInt(data.length - zeros) }
}
