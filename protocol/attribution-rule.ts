import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes, zeroHash } from './bytes.ts'
import { keccak256 } from './keccak.ts'

/** The rule of attribution in force at genesis: the hash of its parameters. Spec: docs/ATTRIBUTION.md. */
export const algoHashV1: Hex = '0xb039548e6f9a6cf8faf7872068c3eb8d9e459fa9d2722835ce699d0d7fef2627'

/** The next rule, which governance may put in force: spans with near-duplicates, gradients, retrieval. docs/ATTRIBUTION.md §7. */
export const algoHashV2: Hex = '0x90f0d75676d94d5540f78328be0eb23f42d73200151bbbe4a013e4ab6e063a4f'

/** Indexes that a model version pins at most. */
export const indexesMax = 8

/** Hash of the indexes that a model version pins, their ids strictly ascending; the zero word of none. */
export function indexSetHash(ids: readonly Hex[]): Hex {
  if (ids.length > indexesMax) throw new FormatError(`${ids.length} indexes, more than ${indexesMax}`)
  let before: Hex = zeroHash
  for (const id of ids) {
    if (id <= before) throw new FormatError(`index ${id} is zero or does not stand behind ${before}`)
    before = id
  }
  if (ids.length === 0) return zeroHash
  return bytesToHex(keccak256(concatBytes(setPrefix, uintBytes(ids.length, 1), ...ids.map(hexToBytes))))
}

const setPrefix = Uint8Array.of(0x0b)
