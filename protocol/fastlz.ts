/**
 * Length of `data` compressed by FastLZ level 1, without compressing: what Fjord's data fee is measured by.
 * Spec: protocol/fjord/exec-engine.md, "Fees"; Solady's LibZip.flzCompress is the reference. Every transaction of every
 * block passes here, hence numbers and one shared table.
 */
export function fastLzLength(data: Uint8Array): number {
  const length = data.length
  table.fill(0)
  // The last 13 bytes never begin a match.
  const limit = length < 13 ? 0 : length - 13
  let compressed = 0
  let anchor = 0
  let position = 2
  while (position < limit) {
    let candidate = 0
    let distance = 0
    let sequence = 0
    do {
      sequence = read24(data, position)
      const slot = hash(sequence)
      candidate = table[slot] as number
      table[slot] = position
      distance = position - candidate
      if (position >= limit) break
      position++
    } while (distance > windowBytesMax || sequence !== read24(data, candidate))
    if (position >= limit) break
    position--
    if (position > anchor) compressed += literalsLength(position - anchor)
    const matched = matchLength(data, candidate + 3, position + 3, limit + 9)
    compressed += matchEncodingLength(matched)
    position += matched
    table[hash(read24(data, position))] = position
    position++
    table[hash(read24(data, position))] = position
    position++
    anchor = position
  }
  return compressed + literalsLength(length - anchor)
}

const windowBytesMax = 8191
const table = new Uint32Array(8192)

function read24(data: Uint8Array, at: number): number {
  return (data[at] as number) | ((data[at + 1] as number) << 8) | ((data[at + 2] as number) << 16)
}

function hash(sequence: number): number {
  return (Math.imul(2_654_435_769, sequence) >>> 19) & 0x1fff
}

/** Equal bytes from `first` and `second` on, before `end`; the first unequal byte counts too, as in the reference. */
function matchLength(data: Uint8Array, first: number, second: number, end: number): number {
  const room = end - second
  for (let i = 0; i < room; i++) if (data[first + i] !== data[second + i]) return i + 1
  return room
}

/** One control byte for each run of at most 32 literals. */
function literalsLength(count: number): number {
  const rest = count % 32
  return 33 * ((count - rest) / 32) + (rest === 0 ? 0 : rest + 1)
}

/** Two bytes for a match of up to 8, three for one of up to 264, more of those for a longer one. */
function matchEncodingLength(matched: number): number {
  const rest = (matched - 1) % 262
  return 3 * ((matched - 1 - rest) / 262) + (rest >= 6 ? 3 : 2)
}
