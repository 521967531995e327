import { FormatError } from '../../protocol/bytes.ts'
import { type Merge, Tokenizer } from './tokenizer.ts'

const headBytes = 12
const formatVersion = 1
const specialsMax = 256
const tokensMax = 2 ** 18

/** Section `tokenizer` of a model file: version 1, specials, number of merges, then left and right of each; u32 big-endian. */
export function encodeTokenizer({ specials, merges }: Tokenizer): Uint8Array {
  const view = new DataView(new ArrayBuffer(headBytes + 8 * merges.length))
  for (const [i, value] of [formatVersion, specials, merges.length, ...merges.flat()].entries())
    view.setUint32(4 * i, value)
  return new Uint8Array(view.buffer)
}

/** Throws {@link FormatError} for what {@link encodeTokenizer} would not have written. */
export function decodeTokenizer(bytes: Uint8Array): Tokenizer {
  if (bytes.length < headBytes) throw new FormatError('tokenizer: cut off')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [version, specials, count] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)]
  if (version !== formatVersion) throw new FormatError(`tokenizer format ${version} is unknown`)
  if (specials > specialsMax || specials + 256 + count > tokensMax) throw new FormatError('tokenizer: too many tokens')
  if (bytes.length !== headBytes + 8 * count)
    throw new FormatError(`tokenizer: ${bytes.length} bytes for ${count} merges`)
  const merges = Array.from(
    { length: count },
    (_, i): Merge => [view.getUint32(headBytes + 8 * i), view.getUint32(headBytes + 8 * i + 4)],
  )
  return new Tokenizer(specials, merges)
}
