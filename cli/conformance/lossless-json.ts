/**
 * JSON.parse, but whole numbers that a double cannot hold become bigints: vectors carry 64-bit and 256-bit integers as
 * plain JSON numbers.
 */
export function parseLosslessJson(text: string): unknown {
  // Only long digit runs can be unsafe, and few files have any outside of strings.
  let changed = false
  const marked = text.replace(tokens, (token) => {
    if (!isUnsafeInteger(token)) return token
    changed = true
    return `"\\u0000bigint:${token}"`
  })
  if (!changed) return JSON.parse(text)
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(marker) ? BigInt(value.slice(marker.length)) : value,
  )
}

/** Strings first, so that digits inside them stay as they are; then long numbers. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d{16,}(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** What `\u0000bigint:` in a JSON string parses to. */
const marker = '\u0000bigint:'

function isUnsafeInteger(token: string): boolean {
  return token[0] !== '"' && /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))
}
