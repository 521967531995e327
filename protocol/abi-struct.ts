import { concatBytes, FormatError, fixedHex, hexToBytes, padLeft, uintBytes } from './bytes.ts'

/** Fields of a struct as Solidity declares them, in order. */
export type StructFields = readonly (readonly [name: string, type: string])[]

const wordBytes = 32
const uintPattern = /^uint(\d+)$/
const arrayPattern = /^(\w+)\[(\d+)\]$/

/**
 * `abi.encode` of a struct whose fields all have a fixed size: their words one behind the other. Integers are `bigint` or
 * `number`, `address` and `bytes32` hex, `T[n]` arrays. Throws {@link FormatError} for a value that its type does not hold.
 */
export function encodeStruct(fields: StructFields, value: Readonly<Record<string, unknown>>): Uint8Array {
  return concatBytes(...fields.map(([name, type]) => encodeField(name, type, value[name])))
}

/** `abi.encode` of one array of such structs. */
export function encodeStructs(fields: StructFields, values: readonly Readonly<Record<string, unknown>>[]): Uint8Array {
  const head = [uintBytes(wordBytes, wordBytes), uintBytes(values.length, wordBytes)]
  return concatBytes(...head, ...values.map((value) => encodeStruct(fields, value)))
}

/** The words of one field. */
export function encodeField(name: string, type: string, value: unknown): Uint8Array {
  const [, item, length] = arrayPattern.exec(type) ?? []
  if (item === undefined) return encodeWord(name, type, value)
  if (!Array.isArray(value) || value.length !== Number(length)) throw new FormatError(`${name} must be ${type}`)
  return concatBytes(...value.map((each: unknown) => encodeWord(name, item, each)))
}

function encodeWord(name: string, type: string, value: unknown): Uint8Array {
  if (type === 'bytes32') return hexToBytes(fixedHex(value, wordBytes, name))
  if (type === 'address') return padLeft(hexToBytes(fixedHex(value, 20, name)), wordBytes)
  if (type === 'bool' && typeof value === 'boolean') return uintBytes(value ? 1 : 0, wordBytes)
  const [, bits] = uintPattern.exec(type) ?? []
  if (bits === undefined || !isInteger(value)) throw new FormatError(`${name} must be ${type}, got ${String(value)}`)
  return padLeft(uintBytes(value, Number(bits) / 8), wordBytes)
}

function isInteger(value: unknown): value is bigint | number {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}
