import { concatBytes, FormatError, hexToBytes, uintBytes } from './bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts'

/**
 * Attribution suffix of a transaction's calldata (ERC-8021, schema 2):
 * `CBOR ‖ length u16 ‖ 0x02 ‖ marker`, read from the end.
 */
export type AttributionSuffix = {
  /** App code, key `a`. */
  readonly code?: string | undefined
  /** Service codes, key `s`. */
  readonly services?: readonly string[] | undefined
  /** The `ol` payload, key `m.ol`. */
  readonly ol?: Uint8Array | undefined
  /** Bytes of the whole suffix. */
  readonly length: number
}

/** Last 16 bytes of a suffix. */
export const suffixMarker = hexToBytes('0x80218021802180218021802180218021')
export const suffixSchema = 2
/** Bytes of CBOR that are read; the length field allows more, nothing useful needs it. */
export const suffixCborBytesMax = 4096
const tailBytes = suffixMarker.length + 1 + 2

/** True where calldata ends with the marker, whatever stands before it. */
export function hasSuffixMarker(data: Uint8Array): boolean {
  if (data.length < suffixMarker.length) return false
  const start = data.length - suffixMarker.length
  return suffixMarker.every((byte, i) => data[start + i] === byte)
}

/**
 * Reads the suffix of calldata. Undefined where there is none, or one of another schema; throws {@link FormatError}
 * for a malformed one of schema 2.
 */
export function decodeSuffix(data: Uint8Array): AttributionSuffix | undefined {
  if (!hasSuffixMarker(data)) return undefined
  const schemaAt = data.length - suffixMarker.length - 1
  if (data[schemaAt] !== suffixSchema) return undefined
  if (data.length < tailBytes) throw new FormatError('attribution suffix is cut short')
  const length = ((data[schemaAt - 2] ?? 0) << 8) | (data[schemaAt - 1] ?? 0)
  if (length > suffixCborBytesMax) throw new FormatError(`attribution suffix of ${length} bytes of CBOR`)
  const start = schemaAt - 2 - length
  if (start < 0) throw new FormatError('attribution suffix is longer than its calldata')
  const fields = decodeCbor(data.subarray(start, schemaAt - 2))
  if (!(fields instanceof Map)) throw new FormatError('attribution suffix is no CBOR map')
  const metadata = fields.get('m')
  return {
    code: optionalText(fields.get('a'), 'app code'),
    services: optionalTexts(fields.get('s')),
    ol: metadata instanceof Map ? optionalBytes(metadata.get('ol')) : undefined,
    length: data.length - start,
  }
}

/** The suffix's bytes, to be appended to calldata. */
export function encodeSuffix(suffix: Omit<AttributionSuffix, 'length'>): Uint8Array {
  const fields = new Map<string, CborValue>()
  if (suffix.code !== undefined) fields.set('a', suffix.code)
  if (suffix.services !== undefined) fields.set('s', suffix.services)
  if (suffix.ol !== undefined) fields.set('m', new Map([['ol', suffix.ol]]))
  const cbor = encodeCbor(fields)
  if (cbor.length > suffixCborBytesMax) throw new FormatError(`attribution suffix of ${cbor.length} bytes of CBOR`)
  return concatBytes(cbor, uintBytes(cbor.length, 2), Uint8Array.of(suffixSchema), suffixMarker)
}

function optionalText(value: CborValue | undefined, what: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new FormatError(`${what} of an attribution suffix is no text`)
}

function optionalTexts(value: CborValue | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw new FormatError('services of an attribution suffix are no list')
  return value.map((one) => {
    if (typeof one !== 'string') throw new FormatError('a service of an attribution suffix is no text')
    return one
  })
}

function optionalBytes(value: CborValue | undefined): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value
  throw new FormatError('the ol payload of an attribution suffix is no byte string')
}
