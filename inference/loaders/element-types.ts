/** How numbers of a tensor are stored: blocks of equal size. The quantised ones are those of ggml. */
export type ElementType = {
  readonly name: string
  readonly blockElements: number
  readonly blockBytes: number
  /** Writes the elements of the block at byte `at` to `out` from `to` on, exact or rounded once to float32. */
  readonly decode: (view: DataView, at: number, out: Float32Array, to: number) => void
}

export const elementTypes = {
  F32: plain('F32', 4, (view, at) => view.getFloat32(at, true)),
  F16: plain('F16', 2, (view, at) => half(view, at)),
  BF16: plain('BF16', 2, (view, at) => brain(view.getUint16(at, true))),
  /** d; 32 nibbles, halves of the block beside each other: d·(q − 8). */
  Q4_0: block('Q4_0', 32, 18, (view, at, put) => {
    const d = half(view, at)
    for (let i = 0; i < 32; i++) put(i, d * (nibble(view, at + 2, i, 16) - 8))
  }),
  /** d, m: d·q + m. */
  Q4_1: block('Q4_1', 32, 20, (view, at, put) => {
    const [d, m] = [half(view, at), half(view, at + 2)]
    for (let i = 0; i < 32; i++) put(i, d * nibble(view, at + 4, i, 16) + m)
  }),
  /** d; the fifth bits of all; nibbles: d·(q − 16). */
  Q5_0: block('Q5_0', 32, 22, (view, at, put) => {
    const [d, high] = [half(view, at), view.getUint32(at + 2, true)]
    for (let i = 0; i < 32; i++) put(i, d * (nibble(view, at + 6, i, 16) + 16 * ((high >>> i) & 1) - 16))
  }),
  Q5_1: block('Q5_1', 32, 24, (view, at, put) => {
    const [d, m, high] = [half(view, at), half(view, at + 2), view.getUint32(at + 4, true)]
    for (let i = 0; i < 32; i++) put(i, d * (nibble(view, at + 8, i, 16) + 16 * ((high >>> i) & 1)) + m)
  }),
  /** d; 32 int8: d·q. */
  Q8_0: block('Q8_0', 32, 34, (view, at, put) => {
    const d = half(view, at)
    for (let i = 0; i < 32; i++) put(i, d * view.getInt8(at + 2 + i))
  }),
  /** d, dmin; eight scales and minima of 6 bits; nibbles, 32 and 32 beside each other: d·scale·q − dmin·min. */
  Q4_K: block('Q4_K', 256, 144, (view, at, put) => {
    for (let i = 0; i < 256; i++) {
      const { scale, min } = subBlock(view, at, i >> 5)
      put(i, scale * nibble(view, at + 16 + 32 * (i >> 6), i & 63, 32) - min)
    }
  }),
  /** As Q4_K, with fifth bits. */
  Q5_K: block('Q5_K', 256, 176, (view, at, put) => {
    for (let i = 0; i < 256; i++) {
      const { scale, min } = subBlock(view, at, i >> 5)
      const high = (view.getUint8(at + 16 + (i & 31)) >> (i >> 5)) & 1
      put(i, scale * (nibble(view, at + 48 + 32 * (i >> 6), i & 63, 32) + 16 * high) - min)
    }
  }),
  /** Low nibbles, high pairs of bits, sixteen int8 scales, d: d·scale·(q − 32). */
  Q6_K: block('Q6_K', 256, 210, (view, at, put) => {
    const d = half(view, at + 208)
    for (let i = 0; i < 256; i++) {
      const [part, row, column] = [i >> 7, (i >> 5) & 3, i & 31]
      const low = nibbleOf(view.getUint8(at + 64 * part + 32 * (row & 1) + column), row >> 1)
      const high = (view.getUint8(at + 128 + 32 * part + column) >> (2 * row)) & 3
      put(i, d * view.getInt8(at + 192 + (i >> 4)) * (low + 16 * high - 32))
    }
  }),
} as const satisfies Readonly<Record<string, ElementType>>

export type ElementTypeName = keyof typeof elementTypes

function plain(name: string, bytes: number, read: (view: DataView, at: number) => number): ElementType {
  const decode: ElementType['decode'] = (view, at, out, to) => {
    out[to] = read(view, at)
  }
  return { name, blockElements: 1, blockBytes: bytes, decode }
}

function block(
  name: string,
  blockElements: number,
  blockBytes: number,
  read: (view: DataView, at: number, put: (i: number, value: number) => void) => void,
): ElementType {
  const decode: ElementType['decode'] = (view, at, out, to) =>
    read(view, at, (i, value) => {
      out[to + i] = value
    })
  return { name, blockElements, blockBytes, decode }
}

/** Element i of 2·`pairs` that share bytes with the one `pairs` further on, which has the high nibble. */
function nibble(view: DataView, at: number, i: number, pairs: number): number {
  return i < pairs ? nibbleOf(view.getUint8(at + i), 0) : nibbleOf(view.getUint8(at + i - pairs), 1)
}

function nibbleOf(byte: number, high: number): number {
  return high === 0 ? byte & 15 : byte >> 4
}

function subBlock(view: DataView, at: number, j: number): { scale: number; min: number } {
  const byte = (i: number) => view.getUint8(at + 4 + i)
  const [scale, min] =
    j < 4
      ? [byte(j) & 63, byte(j + 4) & 63]
      : [(byte(j + 4) & 15) | ((byte(j - 4) >> 6) << 4), (byte(j + 4) >> 4) | ((byte(j) >> 6) << 4)]
  return { scale: half(view, at) * scale, min: half(view, at + 2) * min }
}

function half(view: DataView, at: number): number {
  return halves[view.getUint16(at, true)] as number
}

/** All binary16 numbers (IEEE 754). */
const halves = Float64Array.from({ length: 2 ** 16 }, (_, bits) => {
  const [sign, exponent, fraction] = [bits >> 15 === 0 ? 1 : -1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25)
})

const word = new DataView(new ArrayBuffer(4))

/** bfloat16: the upper half of a float32. */
function brain(bits: number): number {
  word.setUint32(0, bits * 65_536)
  return word.getFloat32(0)
}
