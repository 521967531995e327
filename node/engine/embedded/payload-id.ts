import { createHash } from 'node:crypto'
import { bytesToHex, type Hex, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'
import type { PayloadAttributes } from '../../../protocol/engine-api.ts'
import { type ForkTimes, isActive } from '../../../protocol/hardforks.ts'
import { transactionHash } from '../../../protocol/transaction.ts'

/** The id of the payload that a forkchoice update begins, equal for equal requests. Source: op-geth `BuildPayloadArgs.Id`. */
export function payloadId(parentHash: Hex, attributes: PayloadAttributes, times: ForkTimes): Hex {
  const { timestamp, transactions, noTxPool } = attributes
  const hash = createHash('sha256')
  hash.update(hexToBytes(parentHash))
  hash.update(uintBytes(timestamp, 8))
  hash.update(hexToBytes(attributes.prevRandao))
  hash.update(hexToBytes(attributes.suggestedFeeRecipient))
  // RLP of the withdrawals, of which an L2 never has any.
  hash.update(Uint8Array.of(0xc0))
  if (attributes.parentBeaconBlockRoot !== undefined) hash.update(hexToBytes(attributes.parentBeaconBlockRoot))
  if (noTxPool || transactions.length > 0) {
    hash.update(Uint8Array.of(noTxPool ? 1 : 0))
    hash.update(uintBytes(transactions.length, 8))
    for (const raw of transactions) hash.update(transactionHash(raw))
  }
  hash.update(uintBytes(attributes.gasLimit, 8))
  if (attributes.eip1559Params !== undefined) hash.update(hexToBytes(attributes.eip1559Params))
  if (attributes.minBaseFee !== undefined) hash.update(uintBytes(attributes.minBaseFee, 8))
  const id = hash.digest().subarray(0, 8)
  id[0] = payloadVersion(times, timestamp)
  return bytesToHex(id)
}

/** Version of the forkchoiceUpdated method that such attributes belong to. */
export function payloadVersion(times: ForkTimes, timestamp: bigint): number {
  if (isActive(times, 'ecotone', timestamp)) return 3
  return isActive(times, 'canyon', timestamp) ? 2 : 1
}
