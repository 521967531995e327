import { bytesToHex, fixedHex, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { asArray, asObject } from '../../protocol/json-fields.ts'
import type { Report } from './vector.ts'

/** A vector or a part of it. */
export type Fields = Readonly<Record<string, unknown>>

/** True for a JSON object. */
export function isFields(json: unknown): json is Fields {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** True where `json` is an object with one of the keys. */
export function hasAny(json: unknown, ...keys: readonly string[]): json is Fields {
  return isFields(json) && keys.some((key) => json[key] !== undefined)
}

/** True where the first case of `json.cases` has one of the keys. */
export function casesHaveAny(json: unknown, ...keys: readonly string[]): json is Fields {
  return isFields(json) && Array.isArray(json['cases']) && json['cases'].some((one) => hasAny(one, ...keys))
}

/** A list of objects at `key`; empty where absent. */
export function list(json: unknown, key: string): readonly Fields[] {
  const value = asObject(json, 'vector')[key]
  return value === undefined || value === null ? [] : asArray(value, key).map((item) => asObject(item, key))
}

/** An object at `key`. */
export function child(json: unknown, key: string): Fields {
  return asObject(asObject(json, 'vector')[key], key)
}

/** An integer written as a JSON number, a decimal or a 0x string. */
export function integer(value: unknown, what = 'integer'): bigint {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
  if (isInteger || (typeof value === 'string' && /^(0x[0-9a-fA-F]+|-?\d+)$/.test(value))) return BigInt(value)
  throw new Error(`${what} is no integer: ${String(value)}`)
}

/** Bytes written as a 0x string. */
export function bytes(value: unknown, what = 'bytes'): Uint8Array {
  if (typeof value !== 'string') throw new Error(`${what} is no hex string: ${String(value)}`)
  return hexToBytes(value)
}

/** A string. */
export function text(value: unknown, what = 'text'): string {
  if (typeof value !== 'string') throw new Error(`${what} is no string: ${String(value)}`)
  return value
}

/** 32 bytes, whether written as a word or as a quantity. */
export function word(value: unknown, what = 'word'): Hex {
  return bytesToHex(uintBytes(integer(value, what), 32))
}

/** A hash in lower case. */
export function hash(value: unknown, what = 'hash'): Hex {
  return fixedHex(value, 32, what)
}

/** An address in lower case. */
export function address(value: unknown, what = 'address'): Hex {
  return fixedHex(value, 20, what)
}

/** True where a vector says that its input must be refused: by `error`, by `valid`, or by what it expects. */
export function isRefusal(json: unknown): json is Fields {
  if (!isFields(json)) return false
  const { expected } = json
  const names = (fields: Fields) => typeof fields['error'] === 'string' || fields['valid'] === false
  if (names(json) || (isFields(expected) && names(expected))) return true
  return expected === null || (typeof expected === 'string' && /^(error|invalid)/.test(expected))
}

/** Throws where a case has a field nobody compares: an unread expectation must not pass. */
export function requireKnown(fields: Fields, known: readonly string[]): void {
  const unknown = Object.keys(fields).filter((key) => !known.includes(key) && !remarks.has(key))
  if (unknown.length > 0) throw new Error(`fields this runner does not know: ${unknown.join(', ')}`)
}

/** Fails each section (list or object) of a file that its runner does not read. */
export function failUnknownSections(json: unknown, known: readonly string[], report: Report): void {
  for (const [key, value] of Object.entries(asObject(json, 'vector file'))) {
    const isRemark = remarks.has(key) || typeof value !== 'object' || value === null
    if (!isRemark && !known.includes(key)) report.fail(key, 'a section this runner does not know')
  }
}

/** Words for the reader. */
const remarks = new Set(['source', 'note', 'notes', 'name', 'why', 'asserted', 'comment', 'derived'])
