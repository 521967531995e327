import { FormatError } from './bytes.ts'

/** Bytes of a blob: 4096 field elements of 32 bytes. */
export const blobBytes = 131_072
const fieldElements = 4096
const rounds = 1024
/** Bytes of data a blob carries: four bytes of header in 1024 rounds of 127. */
export const blobDataBytesMax = (4 * 31 + 3) * rounds - 4
const encodingVersion = 0

/** Data of a blob. Spec: protocol/derivation.md, "Blob Encoding". Throws {@link FormatError} where it is not so encoded. */
export function decodeBlob(blob: Uint8Array): Uint8Array {
  if (blob.length !== blobBytes) throw new FormatError(`blob of ${blob.length} bytes`)
  if (blob[1] !== encodingVersion) throw new FormatError(`blob encoding version ${blob[1]}`)
  const length = ((blob[2] ?? 0) << 16) | ((blob[3] ?? 0) << 8) | (blob[4] ?? 0)
  if (length > blobDataBytesMax) throw new FormatError(`blob data length ${length} exceeds ${blobDataBytesMax}`)
  // All rounds are decoded into one buffer, header included: what lies behind the data must be zero.
  const usedRounds = Math.ceil((length + 4) / 127)
  const out = new Uint8Array(usedRounds * 127)
  for (let round = 0; round < usedRounds; round++) decodeRound(blob, round, out)
  for (let i = length + 4; i < out.length; i++)
    if (out[i] !== 0) throw new FormatError('blob has bytes behind its data')
  for (let i = usedRounds * 128; i < blobBytes; i++) {
    if (blob[i] !== 0) throw new FormatError('blob has bytes in unused field elements')
  }
  return out.subarray(4, 4 + length)
}

/** The blob that carries `data`. Throws {@link FormatError} past {@link blobDataBytesMax}. */
export function encodeBlob(data: Uint8Array): Uint8Array {
  if (data.length > blobDataBytesMax) throw new FormatError(`${data.length} bytes exceed a blob's ${blobDataBytesMax}`)
  const input = new Uint8Array(Math.ceil((data.length + 4) / 127) * 127)
  input[0] = encodingVersion
  input[1] = (data.length >> 16) & 0xff
  input[2] = (data.length >> 8) & 0xff
  input[3] = data.length & 0xff
  input.set(data, 4)
  const blob = new Uint8Array(blobBytes)
  for (let round = 0; round * 127 < input.length; round++) encodeRound(input, round, blob)
  return blob
}

/** Four field elements: 31 bytes, x, 31 bytes, y, 31 bytes, z, 31 bytes; x, y, z hold the high six bits of each. */
function decodeRound(blob: Uint8Array, round: number, out: Uint8Array): void {
  const from = round * 128
  const to = round * 127
  const high = [0, 1, 2, 3].map((i) => blob[from + 32 * i] ?? 0)
  const [a = 0, b = 0, c = 0, d = 0] = high
  if ((a | b | c | d) & 0b1100_0000) throw new FormatError('field element above 254 bits')
  for (let i = 0; i < 4; i++) out.set(blob.subarray(from + 32 * i + 1, from + 32 * i + 32), to + 32 * i)
  out[to + 31] = (a & 0x3f) | ((b & 0x30) << 2)
  out[to + 63] = (b & 0x0f) | ((d & 0x0f) << 4)
  out[to + 95] = (c & 0x3f) | ((d & 0x30) << 2)
}

function encodeRound(input: Uint8Array, round: number, blob: Uint8Array): void {
  const from = round * 127
  const to = round * 128
  const [x = 0, y = 0, z = 0] = [31, 63, 95].map((at) => input[from + at])
  for (let i = 0; i < 4; i++) blob.set(input.subarray(from + 32 * i, from + 32 * i + 31), to + 32 * i + 1)
  blob[to] = x & 0x3f
  blob[to + 32] = ((x >> 2) & 0x30) | (y & 0x0f)
  blob[to + 64] = z & 0x3f
  blob[to + 96] = ((z >> 2) & 0x30) | ((y >> 4) & 0x0f)
}

/** Field elements of a blob that must stay below the modulus: the top two bits are zero. */
export const blobFieldElements = fieldElements
