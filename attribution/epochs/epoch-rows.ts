import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { Credit, Payout } from '../../protocol/payout-epoch.ts'
import { type Padding, RowTree } from './row-tree.ts'

/**
 * Credits and payouts as flat rows: what stands behind the index in a leaf's preimage, MONEY §4.
 * Credit: `payee 20 ‖ receipt u32 ‖ entry u32 ‖ amount u128`. Payout: `payee 20 ‖ cumulative u128`.
 */
export const payeeBytes = 20
export const amountBytes = 16
export const creditBytes = 44
export const payoutBytes = 36
/** A row of the trees over them: a hash and one sum. */
export const leafRowBytes = 48

const creditPrefix = 0x05
const payoutPrefix = 0x06

export function creditAt(rows: Uint8Array, i: number): Credit {
  const start = i * creditBytes
  const view = viewOf(rows)
  return {
    payee: payeeAt(rows, start),
    receipt: view.getUint32(start + 20),
    entry: view.getUint32(start + 24),
    amount: u128At(view, start + 28),
  }
}

export function payoutAt(rows: Uint8Array, i: number): Payout {
  const start = i * payoutBytes
  return { payee: payeeAt(rows, start), cumulative: u128At(viewOf(rows), start + payeeBytes) }
}

function payeeAt(rows: Uint8Array, start: number): Hex {
  return bytesToHex(rows.subarray(start, start + payeeBytes))
}

export function creditTree(rows: Uint8Array, padding?: Padding): RowTree {
  return RowTree.of(leafRows(rows, creditBytes, creditPrefix), leafRowBytes, padding)
}

export function payoutTree(rows: Uint8Array, padding?: Padding): RowTree {
  return RowTree.of(leafRows(rows, payoutBytes, payoutPrefix), leafRowBytes, padding)
}

/** Tree rows `keccak(prefix ‖ index u32 ‖ row) ‖ amount`; the amount is a row's last 16 bytes. */
function leafRows(rows: Uint8Array, rowBytes: number, prefix: number): Uint8Array {
  const count = rows.length / rowBytes
  const leaves = new Uint8Array(count * leafRowBytes)
  const preimage = new Uint8Array(1 + 4 + rowBytes)
  const view = viewOf(preimage)
  preimage[0] = prefix
  for (let i = 0; i < count; i++) {
    const row = rows.subarray(i * rowBytes, (i + 1) * rowBytes)
    view.setUint32(1, i)
    preimage.set(row, 5)
    leaves.set(keccak256(preimage), i * leafRowBytes)
    leaves.set(row.subarray(rowBytes - amountBytes), (i + 1) * leafRowBytes - amountBytes)
  }
  return leaves
}

/** -1, 0 or 1, as the bytes of two keys compare. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function u128At(view: DataView, offset: number): bigint {
  const high = view.getBigUint64(offset)
  const low = view.getBigUint64(offset + 8)
  return high === 0n ? low : (high << 64n) | low
}

/** `value` must fit u128. */
export function setU128(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, value >> 64n)
  view.setBigUint64(offset + 8, value & 0xffff_ffff_ffff_ffffn)
}
