import { encodeField, type StructFields } from './abi-struct.ts'
import { concatBytes, FormatError, type Hex } from './bytes.ts'
import { keccak256 } from './keccak.ts'

/** Struct types by name; a field's type may be another one of them, or an array of it (`Adapter[]`). Spec: EIP-712. */
export type StructTypes = Readonly<Record<string, StructFields>>

/** What keeps a signature from being valid elsewhere. */
export type Domain = {
  readonly name: string
  readonly version: string
  readonly chainId: bigint
  readonly verifyingContract: Hex
}

/** What is signed: `keccak(0x1901 ‖ domain separator ‖ struct hash)`. */
export function typedDigest(separator: Uint8Array, structHash: Uint8Array): Uint8Array {
  return keccak256(concatBytes(digestPrefix, separator, structHash))
}

export function domainSeparator({ name, version, chainId, verifyingContract }: Domain): Uint8Array {
  return keccak256(
    concatBytes(
      domainTypeHash,
      keccak256(ascii(name)),
      keccak256(ascii(version)),
      encodeField('chainId', 'uint256', chainId),
      encodeField('verifyingContract', 'address', verifyingContract),
    ),
  )
}

/** `hashStruct` of EIP-712. Throws {@link FormatError} for a value that its type does not hold. */
export function hashStruct(types: StructTypes, name: string, value: Readonly<Record<string, unknown>>): Uint8Array {
  const words = fieldsOf(types, name).map(([field, type]) => encodeTyped(types, field, type, value[field]))
  return keccak256(concatBytes(typeHash(types, name), ...words))
}

/** `encodeType` of EIP-712: the type, then those it refers to in alphabetical order. */
export function encodeType(types: StructTypes, name: string): string {
  const others = [...referred(types, name)].filter((other) => other !== name).sort()
  return [name, ...others]
    .map(
      (each) =>
        `${each}(${fieldsOf(types, each)
          .map(([field, type]) => `${type} ${field}`)
          .join(',')})`,
    )
    .join('')
}

const typeHashes = new WeakMap<StructTypes, Map<string, Uint8Array>>()

function typeHash(types: StructTypes, name: string): Uint8Array {
  const known = typeHashes.get(types) ?? new Map<string, Uint8Array>()
  const hash = known.get(name) ?? keccak256(ascii(encodeType(types, name)))
  typeHashes.set(types, known.set(name, hash))
  return hash
}

function encodeTyped(types: StructTypes, field: string, type: string, value: unknown): Uint8Array {
  const item = type.endsWith('[]') ? type.slice(0, -2) : undefined
  if (item !== undefined) {
    if (!Array.isArray(value)) throw new FormatError(`${field} must be ${type}`)
    return keccak256(concatBytes(...value.map((each: unknown) => encodeTyped(types, field, item, each))))
  }
  return types[type] === undefined ? encodeField(field, type, value) : hashStruct(types, type, asRecord(field, value))
}

function referred(types: StructTypes, name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found
  found.add(name)
  for (const [, type] of fieldsOf(types, name)) {
    const item = type.replace(/\[\]$/, '')
    if (types[item] !== undefined) referred(types, item, found)
  }
  return found
}

function fieldsOf(types: StructTypes, name: string): StructFields {
  const fields = types[name]
  if (fields === undefined) throw new FormatError(`no struct type ${name}`)
  return fields
}

function asRecord(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new FormatError(`${field} must be an object`)
  return value as Readonly<Record<string, unknown>>
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'ascii'))
}

const digestPrefix = Uint8Array.of(0x19, 0x01)
const domainTypeHash = keccak256(
  ascii('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
)
