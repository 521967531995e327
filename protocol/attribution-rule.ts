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

/** A Datanet version that a model was trained on; its weight in basis points. */
export type TrainedOn = { readonly datanet: bigint; readonly version: number; readonly weightBps: number }

/** Datanets that a model names at most. */
export const trainedOnMax = 8

/** Hash of the Datanets that a model was trained on, strictly ascending; the zero word of none. Throws {@link FormatError}. */
export function trainedOnHash(datanets: readonly TrainedOn[]): Hex {
  if (datanets.length > trainedOnMax) throw new FormatError(`${datanets.length} Datanets, more than ${trainedOnMax}`)
  let before = 0n
  const refs = datanets.map(({ datanet, version, weightBps }) => {
    if (datanet <= before) throw new FormatError(`Datanet ${datanet} does not stand behind ${before}`)
    if (weightBps === 0) throw new FormatError(`Datanet ${datanet} has no weight`)
    before = datanet
    return concatBytes(uintBytes(datanet, 8), uintBytes(version, 4), uintBytes(weightBps, 2))
  })
  if (refs.length === 0) return zeroHash
  return bytesToHex(keccak256(concatBytes(trainedOnPrefix, uintBytes(refs.length, 1), ...refs)))
}

const setPrefix = Uint8Array.of(0x0b)
const trainedOnPrefix = Uint8Array.of(0x10)
