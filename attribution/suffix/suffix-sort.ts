import { SuffixError } from './suffix-error.ts'
import { loadSuffixKernels, memoryBytesMax, pageBytes } from './suffix-kernels.ts'

/** Stands behind every document. */
export const separator = 0xffff_ffff
/** Suffixes are compared by so many tokens. */
export const orderTokens = 64

/** Groups of up to so many suffixes are sorted with their keys beside them: 30 bytes each. */
const keyedMax = 2 ** 18
/** Of the counts of nested radix passes. */
const countsBytes = 17 * 8192

/**
 * The positions of `text` in suffix order, docs/ATTRIBUTION.md §2. `text` ends with a separator, its other entries are below
 * `vocab`. Linear time: suffixes are parted by their first token, then each group by the next few tokens as one number of 64 bits,
 * until nothing is alike, has ended or is 64 tokens deep. Positions of what is alike stay in order, as every pass is stable.
 * Besides text and result it takes 8 bytes a token, 4 more for the most frequent token's, and up to 8 MiB.
 * Throws {@link SuffixError} `size` for more than one memory of WebAssembly holds, 350 million tokens.
 */
export function sortSuffixes(text: Uint32Array, vocab: number): Uint32Array {
  const n = text.length
  const at = placesOf(n, vocab)
  const memory = new WebAssembly.Memory({ initial: pagesFor(at.scratch), maximum: memoryBytesMax / pageBytes })
  const kernels = loadSuffixKernels(memory)
  new Uint32Array(memory.buffer, at.tokens, n).set(text)
  const widest = kernels.countTokens(at.tokens, n, at.starts, vocab)
  const keyed = Math.min(widest, keyedMax)
  const spare = at.scratch + aligned(30 * keyed + 12 * (Math.ceil(n / Math.max(keyed, 1)) + 2) + countsBytes)
  const end = widest > keyed ? spare + 4 * widest : spare
  memory.grow(pagesFor(end) - memory.buffer.byteLength / pageBytes)
  kernels.sortSuffixes(at.tokens, n, vocab, at.order, at.starts, at.counts, keyed, at.scratch, spare)
  return new Uint32Array(memory.buffer, at.order, n).slice()
}

/** Addresses of the parts whose size the text's length and vocabulary give. */
function placesOf(n: number, vocab: number) {
  const tokens = 0
  const order = tokens + aligned(4 * n)
  const starts = order + aligned(4 * n)
  const counts = starts + aligned(4 * (vocab + 2))
  return { tokens, order, starts, counts, scratch: counts + aligned(4 * (vocab + 1)) }
}

function pagesFor(bytes: number): number {
  if (bytes > memoryBytesMax) {
    throw new SuffixError('size', `sorting takes ${bytes} bytes, ${memoryBytesMax} at most: build on disk, in shards`)
  }
  return Math.ceil(bytes / pageBytes)
}

const aligned = (bytes: number): number => 16 * Math.ceil(bytes / 16)
