import { bytesToBigint, concatBytes, type Hex, hexToBytes, padLeft, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'

/** Where contracts keep what an answer file proves: the first slots of their variables, by the compiler's layout. */
const base = {
  /** InferenceMarket. */
  batchHash: 9n,
  states: 12n,
  voidBits: 15n,
  /** ModelRegistry. */
  models: 2n,
  modelVersions: 4n,
  /** DatanetRegistry. */
  datanetVersions: 20n,
  /** L2OutputOracle. */
  outputs: 0n,
  /** AttributionLedger. */
  terms: 1n,
  /** IndexRegistry. */
  indexes: 3n,
  lapses: 4n,
  /** SignatureRegistry. */
  shown: 0n,
  /** SketchRegistry. */
  tables: 3n,
} as const

/** Hash, state and void bits of a batch and the receipt's place in it. */
export function marketSlots(batchId: bigint, index: number): Uint8Array[] {
  const bits = mapped(uintBytes(index >> 8, 32), wordOf(mapped(uintBytes(batchId, 32), base.voidBits)))
  return [mapped(uintBytes(batchId, 32), base.batchHash), mapped(uintBytes(batchId, 32), base.states), bits]
}

/** The royalty hash of a model, and a version's weightsManifest, configHash, trainingRoot, indexSetHash. */
export function modelSlots(modelId: bigint, modelVersion: Hex): Uint8Array[] {
  const version = wordOf(mapped(hexToBytes(modelVersion), base.modelVersions))
  const royaltyHash = wordOf(mapped(uintBytes(modelId, 32), base.models)) + 2n
  return [royaltyHash, version, version + 1n, version + 2n, version + 3n].map(slotAt)
}

/** The itemsRoot of a Datanet version. */
export function itemsSlot(datanet: bigint, version: number): Uint8Array {
  return mapped(uintBytes(version, 32), wordOf(mapped(uintBytes(datanet, 32), base.datanetVersions)))
}

/** The root of an output, and the word with its time and L2 block. */
export function outputSlots(outputIndex: bigint): Uint8Array[] {
  const first = wordOf(keccak256(slotAt(base.outputs))) + 2n * outputIndex
  return [slotAt(first), slotAt(first + 1n)]
}

/** When a rule of attribution is in force: `until u64 ‖ from u64` in its lowest bytes. */
export function termSlot(algoHash: Hex): Uint8Array {
  return mapped(hexToBytes(algoHash), base.terms)
}

/** The word of an index whose lowest 8 bytes are when it is dead from, and bytes 25 to 28 from there how often it came back. */
export function deadFromSlot(indexId: Hex): Uint8Array {
  return slotAt(wordOf(mapped(hexToBytes(indexId), base.indexes)) + 1n)
}

/** When an index was dead and came back, `number` from 0 on: `until u64 ‖ from u64` in the lowest bytes. */
export function lapseSlot(indexId: Hex, number: number): Uint8Array {
  return mapped(uintBytes(number, 32), wordOf(mapped(hexToBytes(indexId), base.lapses)))
}

/** The hash of a contribution's signature, and the word whose lowest 8 bytes are when it was shown. */
export function signatureSlots(contribId: bigint): { readonly hash: Uint8Array; readonly at: Uint8Array } {
  const first = wordOf(mapped(uintBytes(contribId, 32), base.shown))
  return { hash: slotAt(first), at: slotAt(first + 1n) }
}

/**
 * A table of influences: its root; `rows u16 ‖ size u32` in the lowest bytes; `from u64 ‖ owner 20`; the word whose lowest 8 bytes are
 * until when it is in force.
 */
export function tableSlots(modelVersion: Hex, adapterRoot: Hex) {
  const key = keccak256(concatBytes(hexToBytes(modelVersion), hexToBytes(adapterRoot)))
  const first = wordOf(mapped(key, base.tables))
  return { root: slotAt(first), counts: slotAt(first + 1n), from: slotAt(first + 2n), until: slotAt(first + 3n) }
}

function mapped(key: Uint8Array, slot: bigint): Uint8Array {
  return keccak256(concatBytes(padLeft(key, 32), slotAt(slot)))
}

function wordOf(bytes: Uint8Array): bigint {
  return bytesToBigint(bytes)
}

/** Slots count modulo 2^256. */
function slotAt(slot: bigint): Uint8Array {
  return uintBytes(BigInt.asUintN(256, slot), 32)
}
