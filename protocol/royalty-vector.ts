import { bytesToHex, concatBytes, FormatError, fixedHex, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { weightTotal } from './fee.ts'
import { keccak256 } from './keccak.ts'

export const royaltyRowsMax = 32
export const royaltyKinds = { model: 0, address: 1 } as const

/** Who is owed a part of a model's revenue. docs/MONEY.md §4. */
export type RoyaltyRow = {
  readonly kind: (typeof royaltyKinds)[keyof typeof royaltyKinds]
  /** 20 bytes: an address, or a model id, right-aligned. */
  readonly id: Hex
  /** Of 10,000. */
  readonly bps: number
}

const bpsTotal = 10_000
/** `kind u8 ‖ id 20 ‖ bps u16`. */
const rowBytes = 23
const vectorPrefix = 0x08

/** `keccak(0x08 ‖ n u8 ‖ rows)`. Throws {@link FormatError} where the rows are no royalty vector. */
export function royaltyHash(rows: readonly RoyaltyRow[]): Uint8Array {
  checkRows(rows)
  return keccak256(concatBytes(Uint8Array.of(vectorPrefix, rows.length), encodeRoyaltyRows(rows)))
}

/** Rows `kind u8 ‖ id 20 ‖ bps u16`, one behind the other. */
export function encodeRoyaltyRows(rows: readonly RoyaltyRow[]): Uint8Array {
  return concatBytes(...rows.flatMap(({ kind, id, bps }) => [Uint8Array.of(kind), hexToBytes(id), uintBytes(bps, 2)]))
}

/** Rows as {@link encodeRoyaltyRows} makes them. Throws {@link FormatError} for anything else. */
export function decodeRoyaltyRows(bytes: Uint8Array): RoyaltyRow[] {
  if (bytes.length % rowBytes !== 0) throw new FormatError(`a royalty vector of ${bytes.length} bytes`)
  return Array.from({ length: bytes.length / rowBytes }, (_, i) => {
    const [kind, ...row] = bytes.subarray(i * rowBytes, (i + 1) * rowBytes)
    if (kind !== royaltyKinds.model && kind !== royaltyKinds.address)
      throw new FormatError(`royalty rows of kind ${kind}`)
    const id = bytesToHex(Uint8Array.from(row.slice(0, 20)))
    return { kind, id, bps: (row[20] ?? 0) * 256 + (row[21] ?? 0) }
  })
}

/** Weight of a row's entry in the model's pool. */
export function royaltyWeight(row: RoyaltyRow): number {
  return (row.bps * weightTotal) / bpsTotal
}

/** A model's id as a row holds it. */
export function royaltyModelId(modelId: bigint): Hex {
  return `0x${modelId.toString(16).padStart(40, '0')}`
}

function checkRows(rows: readonly RoyaltyRow[]): void {
  if (rows.length === 0 || rows.length > royaltyRowsMax)
    throw new FormatError(`a royalty vector of ${rows.length} rows`)
  const keys = rows.map(({ kind, id }) => `${kind}${fixedHex(id, 20, 'id').slice(2)}`)
  for (const [i, { kind, id, bps }] of rows.entries()) {
    const known = kind === royaltyKinds.address || (kind === royaltyKinds.model && BigInt(id) < 1n << 64n)
    const ordered = i === 0 || (keys[i - 1] ?? '') < (keys[i] ?? '')
    const holds = Number.isInteger(bps) && bps > 0 && bps <= bpsTotal && BigInt(id) > 0n
    if (!known || !ordered || !holds) throw new FormatError(`row ${i} of a royalty vector: ${kind} ${id} ${bps}`)
  }
  const sum = rows.reduce((total, { bps }) => total + bps, 0)
  if (sum !== bpsTotal) throw new FormatError(`a royalty vector of ${sum} basis points`)
}
