import type { MarketFees } from '../../chain/tx/fee-market.ts'
import { floorGasPerByte, gasPerBlob, txGas } from '../../chain/tx/tx-gas.ts'

/** Where batches go on L1. */
export type DataAvailability = 'blobs' | 'calldata'

/**
 * The cheaper place for data, by the price of a byte. Calldata counts at EIP-7623's floor: batches are compressed, so
 * nearly all their bytes are non-zero, and their transactions do nothing else.
 */
export function cheaperDa(
  market: MarketFees,
  sizes: { readonly bytesPerBlob: number; readonly blobsPerTx: number; readonly bytesPerCalldataTx: number },
): DataAvailability {
  const gasPrice = market.baseFee + market.tip
  const calldataWei = (BigInt(sizes.bytesPerCalldataTx) * floorGasPerByte + txGas) * gasPrice
  const blobWei = gasPerBlob * BigInt(sizes.blobsPerTx) * market.blobBaseFee + txGas * gasPrice
  const blobBytes = BigInt(sizes.bytesPerBlob * sizes.blobsPerTx)
  // Compared as fractions: wei per byte is far below one.
  return blobWei * BigInt(sizes.bytesPerCalldataTx) <= calldataWei * blobBytes ? 'blobs' : 'calldata'
}
