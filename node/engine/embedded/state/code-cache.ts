/** Bytes of code kept in memory, over all states: several hundred contracts of the greatest size. */
const cachedBytesMax = 16 * 1024 * 1024

const cache = new Map<string, Uint8Array>()
let cachedBytes = 0

/**
 * Code by its hash. The same array every time, which is what lets the interpreter remember the jump destinations it
 * found in it.
 */
export function cachedCode(hash: string, read: () => Uint8Array | undefined): Uint8Array | undefined {
  const known = cache.get(hash)
  if (known !== undefined) return known
  const code = read()
  if (code === undefined) return undefined
  if (cachedBytes + code.length > cachedBytesMax) {
    cache.clear()
    cachedBytes = 0
  }
  cachedBytes += code.length
  cache.set(hash, code)
  return code
}
