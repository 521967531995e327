import { InferenceError } from '../inference-error.ts'

/** The least magnitude that three bytes do not hold. */
export const int24Limit = 2 ** 23

/**
 * Writes integers little-endian, `width` bytes each, `stride` bytes apart. Returns false where one does not fit 3 bytes; other
 * widths are those of ops, whose values fit.
 */
export function writeElements(
  to: Uint8Array,
  offset: number,
  width: number,
  values: ArrayLike<number>,
  stride = width,
): boolean {
  if (stride === width && copyElements(to, offset, width, values)) return true
  switch (width) {
    case 1:
      for (let i = 0; i < values.length; i++) to[offset + i * stride] = values[i] as number
      return true
    case 3:
      return writeInt24(to, offset, values)
    case 8:
      writeInt64(to, offset, values, stride)
      return true
    default:
      writeSmall(to, offset, width, values, stride)
      return true
  }
}

/** Integer `index` of those at `offset`, as {@link writeElements} wrote it. */
export function readElement(bytes: Uint8Array, offset: number, width: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  switch (width) {
    case 1:
      return view.getInt8(offset)
    case 2:
      return view.getInt16(offset, true)
    case 3:
      return view.getUint16(offset, true) + view.getInt8(offset + 2) * 65_536
    case 4:
      return view.getInt32(offset, true)
    case 8:
      return view.getUint32(offset, true) + view.getInt32(offset + 4, true) * 2 ** 32
    default:
      throw new InferenceError('trace', `elements of ${width} bytes`)
  }
}

/** `count` accumulators of `width` bytes. */
export function readAccumulators(bytes: Uint8Array, offset: number, width: 3 | 4, count: number): Int32Array {
  const values = new Int32Array(count)
  if (width === 4) {
    new Uint8Array(values.buffer).set(bytes.subarray(offset, offset + 4 * count))
    return values
  }
  for (let i = 0, at = offset; i < count; i++, at += 3) {
    const [low, middle, high] = [bytes[at] as number, bytes[at + 1] as number, bytes[at + 2] as number]
    values[i] = (((high << 24) | (middle << 16) | (low << 8)) >> 8) as number
  }
  return values
}

/** Whole lists whose elements are as wide as those written. */
function copyElements(to: Uint8Array, offset: number, width: number, values: ArrayLike<number>): boolean {
  const isSame =
    (width === 4 && values instanceof Int32Array) ||
    (width === 2 && values instanceof Int16Array) ||
    (width === 1 && values instanceof Int8Array)
  if (isSame) to.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset)
  return isSame
}

function writeInt24(to: Uint8Array, offset: number, values: ArrayLike<number>): boolean {
  let outside = 0
  for (let i = 0, at = offset; i < values.length; i++, at += 3) {
    const value = values[i] as number
    outside |= (value + int24Limit) & 0xff00_0000
    to[at] = value
    to[at + 1] = value >> 8
    to[at + 2] = value >> 16
  }
  return outside === 0
}

function writeSmall(to: Uint8Array, offset: number, width: number, values: ArrayLike<number>, stride: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    for (let byte = 0; byte < width; byte++) to[offset + i * stride + byte] = value >> (8 * byte)
  }
}

/** Integers below 2^53 in magnitude. */
function writeInt64(to: Uint8Array, offset: number, values: ArrayLike<number>, stride: number): void {
  const view = new DataView(to.buffer, to.byteOffset, to.length)
  for (let i = 0, at = offset; i < values.length; i++, at += stride) {
    const value = values[i] as number
    view.setUint32(at, value % 2 ** 32, true)
    view.setInt32(at + 4, Math.floor(value / 2 ** 32), true)
  }
}
