import { loadSuffixKernels, pageBytes } from './suffix-kernels.ts'

/** Bytes of a SHA-256 digest. */
export const digestBytes = 32
/** Chunks, or nodes of one level, that are hashed at once. */
const batch = 64
/** Of a chunk: 32 entries of 12 bytes. */
const chunkBytesMax = 384

/** Addresses: 64 + 8 words, state and four padded messages, what is hashed, digests. */
const places = (() => {
  const [constants, scratch] = [0, 288]
  const input = scratch + 128 + 4 * 64 * Math.ceil((chunkBytesMax + 14) / 64)
  const output = input + batch * chunkBytesMax
  return { constants, scratch, input, output, end: output + batch * digestBytes }
})()

/** Leaf hashes of chunks of `chunkBytes` behind each other, a multiple of 4; only the last may be shorter. `first`: index of the first. */
export function leafHashes(first: number, chunks: Uint8Array, chunkBytes: number): Buffer {
  const count = Math.ceil(chunks.length / chunkBytes)
  const whole = Math.floor(chunks.length / chunkBytes)
  const leaves = Buffer.alloc(digestBytes * count)
  for (let i = 0; i < whole; i += batch) {
    const end = Math.min(whole, i + batch)
    hashLeaves(first + i, chunks.subarray(chunkBytes * i, chunkBytes * end), chunkBytes, leaves, i)
  }
  if (count > whole) {
    const rest = chunks.subarray(chunkBytes * whole)
    hashLeaves(first + whole, rest, rest.length, leaves, whole)
  }
  return leaves
}

function hashLeaves(index: number, chunks: Uint8Array, size: number, leaves: Buffer, at: number): void {
  const { kernels, bytes } = held()
  bytes.set(chunks, places.input)
  const count = chunks.length / size
  kernels.hashLeaves(places.input, count, size, index, places.constants, places.scratch, places.output)
  leaves.set(bytes.subarray(places.output, places.output + digestBytes * count), digestBytes * at)
}

/** The level over `level`; `absent` stands where the last pair lacks its right node. */
export function nodeHashes(level: Uint8Array, absent: Uint8Array): Buffer {
  const nodes = level.length / digestBytes
  const up = Buffer.alloc(digestBytes * Math.ceil(nodes / 2))
  const { kernels, bytes } = held()
  for (let i = 0; i < nodes; i += 2 * batch) {
    const end = Math.min(nodes, i + 2 * batch)
    bytes.set(level.subarray(digestBytes * i, digestBytes * end), places.input)
    if (end % 2 === 1) bytes.set(absent, places.input + digestBytes * (end - i))
    const pairs = Math.ceil((end - i) / 2)
    kernels.hashNodes(places.input, pairs, places.constants, places.scratch, places.output)
    up.set(bytes.subarray(places.output, places.output + digestBytes * pairs), (digestBytes * i) / 2)
  }
  return up
}

type Held = { readonly kernels: ReturnType<typeof loadSuffixKernels>; readonly bytes: Uint8Array }

function held(): Held {
  kept ??= hasher()
  return kept
}

let kept: Held | undefined

function hasher(): Held {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(places.end / pageBytes) })
  new Uint32Array(memory.buffer, places.constants).set([...roundConstants(), ...initialState()])
  return { kernels: loadSuffixKernels(memory), bytes: new Uint8Array(memory.buffer) }
}

/** FIPS 180-4 §4.2.2: the first 32 bits behind the point of the cube roots of the first 64 primes. */
function roundConstants(): number[] {
  return firstPrimes(64).map((prime) => Number(integerRoot(BigInt(prime) << 96n, 3n) & 0xffff_ffffn))
}

/** FIPS 180-4 §5.3.3: the same of the square roots of the first 8. */
function initialState(): number[] {
  return firstPrimes(8).map((prime) => Number(integerRoot(BigInt(prime) << 64n, 2n) & 0xffff_ffffn))
}

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return primes
}

/** The largest whole number whose power `degree` is not above `value`. */
function integerRoot(value: bigint, degree: bigint): bigint {
  let [lo, hi] = [0n, 1n << 64n]
  while (hi - lo > 1n) {
    const middle = (lo + hi) / 2n
    if (middle ** degree <= value) lo = middle
    else hi = middle
  }
  return lo
}
