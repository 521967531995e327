import { classOf, other } from './unicode-classes.ts'

/** UTF-8 bytes as code points: where each begins, its value (−1 for a byte that is part of none) and its class. */
export type CodePoints = {
  readonly count: number
  /** Of `count + 1`; the last is the number of bytes. */
  readonly starts: Uint32Array
  readonly values: Int32Array
  readonly classes: Uint8Array
}

/** Any bytes: one that is part of no well-formed sequence (Unicode 16.0, table 3-7) stands for itself, of class other. */
export function codePointsOf(bytes: Uint8Array): CodePoints {
  const starts = new Uint32Array(bytes.length + 1)
  const values = new Int32Array(bytes.length)
  const classes = new Uint8Array(bytes.length)
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    const [value, length] = codePointAt(bytes, at)
    starts[count] = at
    values[count] = value
    classes[count] = value < 0 ? other : classOf(value)
    at += length
  }
  starts[count] = bytes.length
  return { count, starts, values, classes }
}

function codePointAt(bytes: Uint8Array, at: number): [value: number, length: number] {
  const first = bytes[at] ?? 0
  if (first < 0x80) return [first, 1]
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  let value = first & (0x7f >> length)
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0
    if ((byte & 0xc0) !== 0x80) return [-1, 1]
    value = value * 64 + (byte & 63)
  }
  const shortest = [0, 0, 0x80, 0x800, 0x10000][length] ?? 0
  const wellFormed = first >= 0xc0 && first < 0xf8 && value >= shortest && value < 0x110000 && !isSurrogate(value)
  return wellFormed ? [value, length] : [-1, 1]
}

function isSurrogate(value: number): boolean {
  return value >= 0xd800 && value < 0xe000
}
