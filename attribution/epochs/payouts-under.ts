import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import { DataError } from './data-error.ts'
import { decodeEpochFile } from './epoch-file.ts'
import { payoutTree } from './epoch-rows.ts'

/** Rows of an epoch file's payouts where they are those under `root`; undefined of any other bytes. */
export function payoutsUnder(root: Hex, file: Uint8Array): Uint8Array | undefined {
  try {
    const { payouts } = decodeEpochFile(file)
    return bytesToHex(payoutTree(payouts).root) === root ? payouts : undefined
  } catch (error) {
    if (error instanceof DataError || error instanceof FormatError) return undefined
    throw error
  }
}
