import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import {
  bytesToBigint,
  emptyBytes,
  FormatError,
  fixedHex,
  type Hex,
  hexToBytes,
  padLeft,
  parseQuantity,
  uintBytes,
} from '../../../../protocol/bytes.ts'
import type { AccessListEntry, Authorization } from '../../../../protocol/transaction.ts'

/** Largest value of a 64-bit unsigned integer. */
const uint64Max = 2n ** 64n - 1n

/** An address parameter, 20 bytes. */
export function addressParam(value: unknown, what = 'address'): Uint8Array {
  return hexToBytes(fixedHex(value, 20, what))
}

/** A hash parameter in lower case. */
export function hashParam(value: unknown, what = 'hash'): Hex {
  return fixedHex(value, 32, what)
}

/** A byte-string parameter. */
export function bytesParam(value: unknown, what = 'data'): Uint8Array {
  if (typeof value !== 'string') throw new FormatError(`${what} must be a 0x hex string`)
  return hexToBytes(value)
}

/** A quantity of at most 64 bits. */
export function uint64Param(value: unknown, what: string): bigint {
  const parsed = parseQuantity(value, what)
  if (parsed > uint64Max) throw new FormatError(`${what} exceeds 64 bits`)
  return parsed
}

/** A storage slot as clients write it: 1 to 64 hex digits, padded or not. */
export function slotParam(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) {
    throw new FormatError('a storage slot is 0x and 1 to 64 hex digits')
  }
  return uintBytes(BigInt(value), 32)
}

/** A 32-byte word, shorter input padded on the left. */
export function wordParam(value: unknown, what: string): Uint8Array {
  const bytes = bytesParam(value, what)
  if (bytes.length > 32) throw new FormatError(`${what} exceeds 32 bytes`)
  return padLeft(bytes, 32)
}

/** The object at an edge of JSON; `undefined` and `null` are told apart from objects by the caller. */
export function objectParam(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormatError(`${what} must be an object`)
  return value as Record<string, unknown>
}

export function listParam(value: unknown, what: string, lengthMax: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${what} must be an array`)
  if (value.length > lengthMax) {
    throw new RpcError(rpcCodes.invalidParams, `${what} may have ${lengthMax} entries, has ${value.length}`)
  }
  return value
}

export function booleanParam(value: unknown, what: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new FormatError(`${what} must be a boolean`)
  return value
}

/** Applies `parse` unless the value is absent or null. */
export function optional<T>(value: unknown, parse: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : parse(value)
}

/** Entries an access list of a call may have. */
const accessListMax = 10_000

export function accessListParam(value: unknown): AccessListEntry[] {
  return listParam(value, 'accessList', accessListMax).map((item) => {
    const entry = objectParam(item, 'access list entry')
    const keys = optional(entry['storageKeys'], (list) => listParam(list, 'storageKeys', accessListMax)) ?? []
    return {
      address: addressParam(entry['address']),
      storageKeys: keys.map((key) => hexToBytes(fixedHex(key, 32, 'storage key'))),
    }
  })
}

export function authorizationListParam(value: unknown): Authorization[] {
  return listParam(value, 'authorizationList', accessListMax).map((item) => {
    const entry = objectParam(item, 'authorization')
    return {
      chainId: parseQuantity(entry['chainId'], 'authorization chainId'),
      address: addressParam(entry['address']),
      nonce: uint64Param(entry['nonce'], 'authorization nonce'),
      yParity: parseQuantity(entry['yParity'] ?? entry['v'], 'authorization yParity'),
      r: bytesToBigint(wordOfQuantity(entry['r'], 'authorization r')),
      s: bytesToBigint(wordOfQuantity(entry['s'], 'authorization s')),
    }
  })
}

function wordOfQuantity(value: unknown, what: string): Uint8Array {
  const parsed = parseQuantity(value, what)
  return parsed === 0n ? emptyBytes : uintBytes(parsed, 32)
}
