/** Of ggml: the types that are written, and values of a block of Q8_0. */
export const ggmlTypes = { f32: 0, f16: 1, q8: 8 } as const
export const blockValues = 32
const alignment = 32

/** A tensor of a GGUF; `shape`: rows before columns. */
export type GgufTensor = {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: number
  readonly bytes: Uint8Array
}

/** A field's name and its value with its type. */
export type GgufField = readonly [name: string, value: Uint8Array]

/** Values of fields. */
export const ggufValue = {
  number: (value: number): Uint8Array => Buffer.concat([u32(4), u32(value)]),
  real: (value: number): Uint8Array => Buffer.concat([u32(6), f32(value)]),
  string: (value: string): Uint8Array => Buffer.concat([u32(8), text(value)]),
  strings: (values: readonly string[]): Uint8Array => list(8, values.map(text)),
  reals: (values: readonly number[]): Uint8Array => list(6, values.map(f32)),
  numbers: (values: readonly number[]): Uint8Array => list(5, values.map(u32)),
} as const

/** Version 3. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export function ggufFile(fields: readonly GgufField[], tensors: readonly GgufTensor[]): Uint8Array {
  let offset = 0
  const infos = tensors.map(({ name, shape, type, bytes }) => {
    const info = Buffer.concat([text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset)])
    offset += padded(bytes.length)
    return info
  })
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(fields.length),
    ...fields.map(([name, value]) => Buffer.concat([text(name), value])),
    ...infos,
  ])
  return Buffer.concat([pad(head), ...tensors.map(({ bytes }) => pad(bytes))])
}

function list(type: number, items: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([u32(9), u32(type), u64(items.length), ...items])
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function f32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function pad(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(padded(bytes.length) - bytes.length)])
}

function padded(length: number): number {
  return Math.ceil(length / alignment) * alignment
}
