import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'
import { rowLeafBytes } from '../model-file.ts'
import {
  encodeSections,
  leafBytesMax,
  matrixSections,
  plainSection,
  type Section,
  SectionReader,
  sectionsRoot,
} from '../sections.ts'
import { type Adapter, type LowRank, rankMax, type Target, targetShape, targets } from './adapter.ts'

/** The model that an adapter is read for. */
export type Base = { readonly root: Hex; readonly config: ModelConfig }

const magic = 'OLADAPT1'
const formatVersion = 1
/** Version, rank and targets of 4 bytes, and a root. */
const configBytes = 44

/** docs/canonical-inference.md §9. */
export function encodeAdapter(adapter: Adapter): Uint8Array {
  return encodeSections(magic, adapterSections(adapter))
}

/** The adapter's name. */
export function adapterRoot(adapter: Adapter): Hex {
  return sectionsRoot(adapterSections(adapter))
}

/**
 * Reads an adapter file. Throws {@link InferenceError} `adapter` for one of another base model, and FormatError for anything
 * that {@link encodeAdapter} would not have written.
 */
export function decodeAdapter(bytes: Uint8Array, { root, config }: Base): Adapter {
  const reader = new SectionReader(bytes, magic, 'adapter')
  const head = decodeHead(reader.next(configBytes))
  if (head.base !== root) throw new InferenceError('adapter', `the adapter is for model ${head.base}, not ${root}`)
  const { rank } = head
  const layers = Array.from({ length: config.layers }, () => {
    const layer: { [Name in Target]?: LowRank } = {}
    for (const target of head.targets) {
      const [rows, columns] = targetShape(config, target)
      layer[target] = { down: reader.matrix(rank, columns), up: reader.matrix(rows, rank) }
    }
    return layer
  })
  reader.end()
  return { base: root, rank, layers }
}

/** All of an adapter, in the order of the file. */
export function adapterSections(adapter: Adapter): Section[] {
  return [
    plainSection('config', encodeHead(adapter)),
    ...adapter.layers.flatMap((layer, i) =>
      targets.flatMap((target) => {
        const pair = layer[target]
        if (pair === undefined) return []
        return [
          ...matrixSections(`${i}.${target}.down`, pair.down, rowLeafBytes(pair.down.columns)),
          ...matrixSections(`${i}.${target}.up`, pair.up, upLeafBytes(adapter.rank)),
        ]
      }),
    ),
  ]
}

/** Rows of `up` are short: a leaf holds as many whole ones as fit 1 KiB. */
export function upLeafBytes(rank: number): number {
  return rank * Math.floor(leafBytesMax / rank)
}

function encodeHead({ base, rank, layers }: Adapter): Uint8Array {
  const bits = targets.reduce((sum, target, i) => sum + (layers[0]?.[target] === undefined ? 0 : 2 ** i), 0)
  return concatBytes(...[formatVersion, rank, bits].map((value) => uintBytes(value, 4)), hexToBytes(base))
}

function decodeHead(bytes: Uint8Array): { base: Hex; rank: number; targets: readonly Target[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [version, rank, bits] = [view.getUint32(0), view.getUint32(4), view.getUint32(8)]
  if (version !== formatVersion) throw new FormatError(`adapter format ${version} is unknown`)
  if (rank < 8 || rank > rankMax || rank % 8 !== 0) throw new FormatError(`adapter file: rank ${rank}`)
  if (bits < 1 || bits >= 2 ** targets.length) throw new FormatError(`adapter file: targets ${bits}`)
  return { base: bytesToHex(bytes.subarray(12)), rank, targets: targets.filter((_, i) => (bits & (2 ** i)) !== 0) }
}
