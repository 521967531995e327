import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { DataError } from './data-error.ts'
import { creditBytes, payoutBytes, viewOf } from './epoch-rows.ts'

/**
 * The data of an epoch, MONEY §8, stored under its content hash: the leaves of both trees and what they follow from. The
 * decoder checks shape only; a wrong order or sum is for `checkEpoch` to name.
 */
export type EpochFile = {
  readonly epoch: bigint
  /** Payout root that the cumulatives continue; zero before the first epoch. */
  readonly parentRoot: Hex
  readonly firstBatch: bigint
  readonly lastBatch: bigint
  /** Rows of {@link creditBytes}. */
  readonly credits: Uint8Array
  /** Rows of {@link payoutBytes}. */
  readonly payouts: Uint8Array
}

/** ASCII `OLEPOCH`, then the version. */
const magic = Uint8Array.of(0x4f, 0x4c, 0x45, 0x50, 0x4f, 0x43, 0x48, 0x01)
const headBytes = 72

export function encodeEpochFile(file: EpochFile): Uint8Array {
  const head = new Uint8Array(headBytes)
  const view = viewOf(head)
  head.set(magic)
  view.setBigUint64(8, file.epoch)
  head.set(hexToBytes(file.parentRoot), 16)
  view.setBigUint64(48, file.firstBatch)
  view.setBigUint64(56, file.lastBatch)
  view.setUint32(64, file.credits.length / creditBytes)
  view.setUint32(68, file.payouts.length / payoutBytes)
  return concatBytes(head, file.credits, file.payouts)
}

/** Views into `bytes`. Throws {@link DataError} for anything but one whole file. */
export function decodeEpochFile(bytes: Uint8Array): EpochFile {
  if (bytes.length < headBytes) throw new DataError('length', `an epoch file of ${bytes.length} bytes`)
  if (!magic.every((byte, i) => bytes[i] === byte)) throw new DataError('kind', 'not an epoch file of version 1')
  const view = viewOf(bytes)
  const [credits, payouts] = [view.getUint32(64), view.getUint32(68)]
  if (credits === 0 || payouts === 0) throw new DataError('value', `${credits} credits and ${payouts} payouts`)
  const payoutsAt = headBytes + credits * creditBytes
  const end = payoutsAt + payouts * payoutBytes
  if (bytes.length !== end) throw new DataError('length', `${bytes.length} bytes where ${end} were announced`)
  return {
    epoch: view.getBigUint64(8),
    parentRoot: bytesToHex(bytes.subarray(16, 48)),
    firstBatch: view.getBigUint64(48),
    lastBatch: view.getBigUint64(56),
    credits: bytes.subarray(headBytes, payoutsAt),
    payouts: bytes.subarray(payoutsAt),
  }
}
