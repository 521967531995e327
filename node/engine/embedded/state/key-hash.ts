import { keccak256 } from '../../../../protocol/keccak.ts'

/** Hashed keys kept: 100,000 of them are about 20 MB, and a block touches a few thousand at most. */
const cachedKeysMax = 100_000

const cache = new Map<string, Uint8Array>()

/** keccak256 of an address or slot, remembered: the same few keys are asked for block after block. */
export function hashedKey(key: Uint8Array): Uint8Array {
  const name = byteKey(key)
  const known = cache.get(name)
  if (known !== undefined) return known
  const hash = keccak256(key)
  if (cache.size >= cachedKeysMax) cache.clear()
  cache.set(name, hash)
  return hash
}

/** Bytes as a map key: one character a byte, several times cheaper than hex. */
export function byteKey(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length)
}

/** The bytes of {@link byteKey}. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length)
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i)
  return bytes
}

// The native method works on any Uint8Array; `Buffer.from(bytes.buffer, ...)` first would cost more than the work itself.
const latin1Slice = (Buffer.prototype as unknown as { latin1Slice: (start: number, end: number) => string }).latin1Slice
