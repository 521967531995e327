import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { FormatError, fixedHex, hexToBytes } from '../../protocol/bytes.ts'
import type { StructTypes } from '../../protocol/eip712.ts'

/** Longest file of a request, voucher or receipt: a million tokens as decimal numbers. */
const paperBytesMax = 16 * 1024 * 1024

type Json = Readonly<Record<string, unknown>>

/** Reads a file that another command wrote. Throws {@link UsageError} naming the file and the field. */
export function readPaper<T>(path: string, parse: (json: Json) => T): T {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length > paperBytesMax) throw new FormatError('too long')
    return parse(objectOf(JSON.parse(text), 'the file'))
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${errorMessage(cause)}`)
  }
}

/** A struct of EIP-712 out of JSON: integers up to 32 bits as numbers, above as decimal strings. Throws {@link FormatError}. */
export function readStruct<T>(types: StructTypes, name: string, json: unknown): T {
  const fields = types[name] ?? []
  const record = objectOf(json, name)
  const values = fields.map(([field, type]) => [field, readField(types, type, record[field], field)])
  // The fields of the struct's own type, each in the form that T's field has.
  return Object.fromEntries(values) as T
}

export function readSignature(value: unknown): Uint8Array {
  return hexToBytes(fixedHex(value, 64, 'signature'))
}

export function readTokens(value: unknown, what: string): Uint32Array {
  if (!Array.isArray(value)) throw new FormatError(`${what} must be a list of tokens`)
  return Uint32Array.from(value, (token: unknown) => Number(integer(token, 32, what)))
}

export function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError(`${what} must be an object`)
  }
  return value as Json
}

function readField(types: StructTypes, type: string, value: unknown, field: string): unknown {
  if (type.endsWith('[]')) {
    if (!Array.isArray(value)) throw new FormatError(`${field} must be a list`)
    return value.map((each: unknown) => readField(types, type.slice(0, -2), each, field))
  }
  if (types[type] !== undefined) return readStruct(types, type, value)
  if (type === 'bool') {
    if (typeof value !== 'boolean') throw new FormatError(`${field} must be true or false`)
    return value
  }
  if (type === 'address') return fixedHex(value, 20, field)
  if (type === 'bytes32') return fixedHex(value, 32, field)
  const bits = Number(type.slice('uint'.length))
  const whole = integer(value, bits, field)
  return bits > 32 ? whole : Number(whole)
}

export function integer(value: unknown, bits: number, field: string): bigint {
  const isWhole = (typeof value === 'number' && Number.isSafeInteger(value)) || /^\d{1,78}$/.test(String(value))
  if (!isWhole || typeof value === 'object') throw new FormatError(`${field} must be a whole number`)
  const whole = BigInt(value as string)
  if (whole < 0n || whole >= 1n << BigInt(bits)) throw new FormatError(`${field} must fit ${bits} bits`)
  return whole
}

/** Tokens given as `1,2,3` or as a file with a JSON list. */
export const asTokens = (text: string): Uint32Array => {
  const list = /^[\d,\s]*$/.test(text) ? text.split(/[\s,]+/).filter((each) => each !== '') : jsonList(text)
  return readTokens(list, 'tokens')
}

function jsonList(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Error(`${path} cannot be read as a JSON list of tokens`, { cause })
  }
}

export const tokensArg = (help: string) => ({
  help: `${help}: 1,2,3 or a file with a JSON list`,
  value: 'LIST|FILE',
  parse: asTokens,
})

/** A list of tokens as JSON has it. */
export const tokensJson = (tokens: Uint32Array): number[] => [...tokens]
