import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes } from '../../../protocol/bytes.ts'

/** Types of a field, by Solidity's names; SSZ has the same values, integers little-endian. */
export type FieldType = 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'uint128' | 'uint256' | 'address' | `bytes${number}`
export type Fields = readonly (readonly [name: string, type: FieldType])[]

type ValueOf<T extends FieldType> = T extends 'uint8' | 'uint16' | 'uint32'
  ? number
  : T extends 'uint64' | 'uint128' | 'uint256'
    ? bigint
    : Hex
/** The object that a list of fields describes. */
export type ObjectOf<F extends Fields> = { readonly [K in F[number] as K[0]]: ValueOf<K[1]> }

type Placed = { readonly name: string; readonly type: FieldType; readonly offset: number; readonly bytes: number }

/**
 * An SSZ container of fields with a fixed size: they stand one behind the other, so that one object has one encoding and a
 * field is read without decoding the others. Spec: consensus-specs, ssz/simple-serialize.md.
 */
export class Container<F extends Fields> {
  readonly fields: F
  readonly byteLength: number
  readonly #placed: readonly Placed[]

  constructor(fields: F) {
    this.fields = fields
    let offset = 0
    this.#placed = fields.map(([name, type]) => {
      const bytes = fieldBytes(type)
      offset += bytes
      return { name, type, offset: offset - bytes, bytes }
    })
    this.byteLength = offset
  }

  /** Throws {@link FormatError} for a value that its type does not hold. */
  encode(value: ObjectOf<F>): Uint8Array {
    const bytes = new Uint8Array(this.byteLength)
    for (const field of this.#placed) write(bytes, field, Reflect.get(value, field.name))
    return bytes
  }

  /** Throws {@link FormatError} for another length. */
  decode(bytes: Uint8Array): ObjectOf<F> {
    if (bytes.length !== this.byteLength) throw new FormatError(`${bytes.length} bytes, not ${this.byteLength}`)
    return Object.fromEntries(this.#placed.map((field) => [field.name, read(bytes, field)])) as ObjectOf<F>
  }

  /** One field of an encoding whose length is right. */
  get<K extends keyof ObjectOf<F> & string>(bytes: Uint8Array, name: K): ObjectOf<F>[K] {
    return read(bytes, this.#place(name)) as ObjectOf<F>[K]
  }

  /** Writes the fields as words of the ABI, from `offset` of `words` on: what EIP-712 hashes. */
  writeWords(bytes: Uint8Array, words: Uint8Array, offset: number): void {
    let at = offset
    for (const { type, offset: from, bytes: length } of this.#placed) {
      if (type.startsWith('uint')) {
        for (let i = 0; i < length; i++) words[at + 31 - i] = bytes[from + i] ?? 0
      } else words.set(bytes.subarray(from, from + length), type === 'address' ? at + 12 : at)
      at += 32
    }
  }

  #place(name: string): Placed {
    const found = this.#placed.find((field) => field.name === name)
    if (found === undefined) throw new Error(`no field ${name}`)
    return found
  }
}

function fieldBytes(type: FieldType): number {
  if (type === 'address') return 20
  return type.startsWith('uint') ? Number(type.slice(4)) / 8 : Number(type.slice(5))
}

function read(bytes: Uint8Array, { type, offset, bytes: length }: Placed): number | bigint | Hex {
  if (!type.startsWith('uint')) return bytesToHex(bytes.subarray(offset, offset + length))
  if (length <= 4) {
    let value = 0
    for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0)
    return value
  }
  let value = 0n
  for (let i = length - 8; i >= 0; i -= 8) value = (value << 64n) | viewOf(bytes).getBigUint64(offset + i, true)
  return value
}

function write(bytes: Uint8Array, { name, type, offset, bytes: length }: Placed, value: unknown): void {
  if (!type.startsWith('uint')) {
    const content = typeof value === 'string' ? hexToBytes(value) : undefined
    if (content?.length !== length) throw new FormatError(`${name} must be ${length} bytes in hex`)
    bytes.set(content, offset)
    return
  }
  const isInteger = length <= 4 ? Number.isSafeInteger(value) : typeof value === 'bigint'
  let rest = isInteger ? BigInt(value as number | bigint) : -1n
  if (rest < 0n || rest >> BigInt(8 * length) !== 0n) throw new FormatError(`${name} must be ${type}`)
  for (let i = 0; i < length; i++) {
    bytes[offset + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** A list of fixed rows one behind the other. Throws {@link FormatError} where a part is left over. */
export function decodeRows<F extends Fields>(container: Container<F>, bytes: Uint8Array): ObjectOf<F>[] {
  if (bytes.length % container.byteLength !== 0) throw new FormatError(`${bytes.length} bytes are no whole rows`)
  const rows: ObjectOf<F>[] = []
  for (let at = 0; at < bytes.length; at += container.byteLength)
    rows.push(container.decode(bytes.subarray(at, at + container.byteLength)))
  return rows
}

export function encodeRows<F extends Fields>(container: Container<F>, rows: readonly ObjectOf<F>[]): Uint8Array {
  return concatBytes(...rows.map((row) => container.encode(row)))
}
