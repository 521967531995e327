import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { DataError } from './data-error.ts'

/** Bytes of a field: unsigned integers, and byte strings of a fixed length. */
const widths = { u8: 1, u16: 2, u32: 4, u64: 8, u128: 16, u256: 32, b20: 20, b32: 32, b64: 64 } as const
type Width = keyof typeof widths

/** Fields of a fixed-width row in order; integers are big-endian. */
export type RowLayout = readonly (readonly [name: string, width: Width])[]

/** What a row holds: up to u32 a number, above a bigint, bytes as hex, 64 bytes (signatures) as they are. */
type FieldValue<W extends Width> = W extends 'u8' | 'u16' | 'u32'
  ? number
  : W extends 'u64' | 'u128' | 'u256'
    ? bigint
    : W extends 'b64'
      ? Uint8Array
      : `0x${string}`
export type RowOf<L extends RowLayout> = { readonly [F in L[number] as F[0]]: FieldValue<F[1]> }

export function layoutBytes(layout: RowLayout): number {
  return layout.reduce((sum, [, width]) => sum + widths[width], 0)
}

/** Where a field begins in its row. */
export function offsetOf<L extends RowLayout>(layout: L, field: L[number][0]): number {
  return layoutBytes(
    layout.slice(
      0,
      layout.findIndex(([name]) => name === field),
    ),
  )
}

/** Throws {@link DataError} `value` for what does not fit its field. */
export function encodeRow<L extends RowLayout>(layout: L, row: RowOf<L>): Uint8Array {
  const values = row as Readonly<Record<string, number | bigint | `0x${string}` | Uint8Array>>
  return concatBytes(
    ...layout.map(([name, width]) => {
      const value = values[name]
      const bytes =
        typeof value === 'string'
          ? hexToBytes(value)
          : value instanceof Uint8Array
            ? value
            : integer(value, widths[width])
      if (bytes?.length !== widths[width]) throw new DataError('value', `${name} is no ${width}`)
      return bytes
    }),
  )
}

/** `bytes` must hold a whole row from `offset` on. */
export function decodeRow<L extends RowLayout>(layout: L, bytes: Uint8Array, offset: number): RowOf<L> {
  const row: Record<string, number | bigint | `0x${string}` | Uint8Array> = {}
  let at = offset
  for (const [name, width] of layout) {
    const field = bytes.subarray(at, at + widths[width])
    at += widths[width]
    row[name] = width === 'b64' ? field : width.startsWith('b') ? bytesToHex(field) : integerOf(field)
  }
  // Every field of the layout was set above, in the form that its width asks for.
  return row as RowOf<L>
}

function integer(value: number | bigint | undefined, width: number): Uint8Array | undefined {
  const fits = value !== undefined && value >= 0 && BigInt(value) < 1n << BigInt(8 * width)
  return fits ? uintBytes(value, width) : undefined
}

function integerOf(field: Uint8Array): number | bigint {
  const value = BigInt(bytesToHex(field))
  return field.length > 4 ? value : Number(value)
}
