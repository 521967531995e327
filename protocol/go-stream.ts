import { FormatError } from './bytes.ts'
import { rlpHeaderAt } from './rlp.ts'

/** Output that Go's inflater keeps until it gives it away: its window. */
const windowBytes = 32_768
/** Buffer of the reader between Go's inflater and its RLP stream. */
const bufferBytes = 4096

/**
 * Whether op-node loses the last of the RLP strings in `plain`, which is all that a zlib stream gave before a fault. Its
 * inflater gives the fault together with the last bytes; where these go past the buffer, straight into the string, the
 * string is discarded with them although it is complete. Source: Go's `flate`, `bufio` and go-ethereum's `rlp.Stream`.
 */
export function losesLastString(plain: Uint8Array): boolean {
  const end = plain.length
  // A full window was given away before the fault was met.
  if (end % windowBytes === 0) return false
  let taken = 0
  let buffered = 0
  const take = (most: number) => {
    const given = Math.min(most, windowBytes - (taken % windowBytes), end - taken)
    taken += given
    return given
  }
  const skip = (length: number): boolean => {
    for (let rest = length; rest > 0 && (buffered > 0 || taken < end); ) {
      if (buffered === 0 && rest >= bufferBytes) {
        rest -= take(rest)
        if (rest === 0 && taken === end) return true
        continue
      }
      if (buffered === 0) buffered = take(bufferBytes)
      const used = Math.min(rest, buffered)
      rest -= used
      buffered -= used
    }
    return false
  }
  for (let offset = 0; offset < end; ) {
    const string = headerAt(plain, offset)
    if (string === undefined) return false
    skip(string.start - offset)
    if (skip(string.end - string.start)) return true
    offset = string.end
  }
  return false
}

function headerAt(plain: Uint8Array, offset: number): { start: number; end: number } | undefined {
  try {
    const header = rlpHeaderAt(plain, offset)
    return header.isList || header.end > plain.length ? undefined : header
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}
