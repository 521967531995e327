import { FormatError } from './bytes.ts'

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [name: string]: Json }

/** Nesting at most: deeper documents are nobody's description of data. */
const depthMax = 64

/**
 * The one text of a JSON value: no spaces, members in the order of their names' UTF-16 code units. Spec: RFC 8785. Throws
 * {@link FormatError} for what JSON cannot say: numbers that are not finite, halves of surrogate pairs.
 */
export function canonicalJson(value: Json): string {
  return textOf(value, 0)
}

/** {@link canonicalJson} in UTF-8. */
export function canonicalBytes(value: Json): Uint8Array {
  return new TextEncoder().encode(canonicalJson(value))
}

/** Reads canonical JSON; undefined for bytes that are not the one text of their value. */
export function parseCanonical(bytes: Uint8Array): Json | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value = JSON.parse(text) as Json
    return canonicalJson(value) === text ? value : undefined
  } catch {
    return undefined
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: Json, depth: number): string {
  if (depth > depthMax) throw new FormatError(`JSON nested deeper than ${depthMax}`)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number' && !Number.isFinite(value)) throw new FormatError(`no JSON number: ${value}`)
  // ECMAScript writes numbers as the RFC asks.
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((each: Json) => textOf(each, depth + 1)).join(',')}]`
  const members = Object.entries(value as JsonObject).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, each]) => `${quoted(name)}:${textOf(each, depth + 1)}`).join(',')}}`
}

function quoted(text: string): string {
  if (!isWellFormed(text)) throw new FormatError('half of a surrogate pair in a JSON text')
  return JSON.stringify(text)
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)
}
