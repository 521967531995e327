/** Parsers of flag values. Each throws an Error that says what it wants; the caller names the flag. */
export const asText = (text: string): string => {
  if (text === '') throw new Error('must not be empty')
  return text
}

export const asSwitch = (text: string): boolean => {
  if (text === 'true' || text === '1') return true
  if (text === 'false' || text === '0') return false
  throw new Error('must be true or false')
}

export const asCount = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new Error('must be a whole number')
  return Number(text)
}

export const asPositive = (text: string): number => {
  const count = asCount(text)
  if (count === 0) throw new Error('must be at least 1')
  return count
}

export const asReal = (text: string): number => {
  if (!/^\d{1,5}(\.\d{1,9})?$/.test(text)) throw new Error('must be a number such as 0.7')
  return Number(text)
}

export const asPort = (text: string): number => {
  const port = asCount(text)
  if (port > 65_535) throw new Error('must be a port, 0 to 65535')
  return port
}

export const asBig = (text: string): bigint => {
  if (!/^\d{1,78}$/.test(text)) throw new Error('must be a whole number')
  return BigInt(text)
}

/** A number of seconds, or with a unit: 500ms, 12s, 5m, 1h. Milliseconds. */
export const asDurationMs = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text)
  if (match === null) throw new Error('must be a duration such as 500ms, 12s, 5m or 1h')
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  return Math.round(Number(match[1]) * (units[match[2] ?? 's'] ?? 1000))
}

export const asUrl = (text: string): string => {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new Error('must be a URL such as http://127.0.0.1:8545')
  }
  if (!['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol)) throw new Error('must be an http(s) or ws(s) URL')
  return text
}

export const asHttpUrl = (text: string): string => {
  if (!/^https?:/i.test(asUrl(text))) throw new Error('must be an http(s) URL')
  return text
}

export const asHttpUrls = (text: string): readonly string[] => text.split(',').map((part) => asHttpUrl(part.trim()))

export const asUrls = (text: string): readonly string[] => text.split(',').map((part) => asUrl(part.trim()))

export const asAddress = (text: string): `0x${string}` => {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) throw new Error('must be an address: 0x and 40 hex digits')
  return text.toLowerCase() as `0x${string}`
}

/** One of the given words. */
export const oneOf =
  <const Word extends string>(...words: readonly Word[]) =>
  (text: string): Word => {
    const word = words.find((candidate) => candidate === text)
    if (word === undefined) throw new Error(`must be one of ${words.join(', ')}`)
    return word
  }
