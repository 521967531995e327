import { bytesToHex, concatBytes, equalBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { merkleRootOf } from '../../protocol/content-hash.ts'
import { GradientError } from './gradient-error.ts'
import { folds } from './projection.ts'
import { type Sketches, sketchedMax } from './sketches.ts'

/** What sketches are of. */
export type SketchSubject = {
  /** Roots of the base model, of the adapter and of the examples. */
  readonly base: Hex
  readonly adapter: Hex
  readonly data: Hex
  readonly seed: number
  readonly fold: number
}

export type SketchFile = SketchSubject & Sketches

const magic = new TextEncoder().encode('OLSKETC1')
/** Magic, three roots, five counts and the step. */
const fixedBytes = 8 + 96 + 20 + 8
/** Blocks of an adapter: 256 layers of 7 targets with 2 matrices. */
const blocksMax = 3584
const sizeMax = 2 ** 24

/** The head, then an example after the other. docs/GRADIENTS.md §7. */
export function encodeSketches(file: SketchFile): Uint8Array {
  return concatBytes(...sketchLeaves(file))
}

/** What a training commits to: the tree over the head and the examples. */
export function sketchRoot(file: SketchFile): Hex {
  return bytesToHex(merkleRootOf(sketchLeaves(file)))
}

/** Throws {@link GradientError} `file` for anything that {@link encodeSketches} would not have written. */
export function decodeSketches(bytes: Uint8Array): SketchFile {
  if (bytes.length < fixedBytes || !equalBytes(bytes.subarray(0, 8), magic)) {
    throw new GradientError('file', 'not a file of sketches')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const root = (i: number) => bytesToHex(bytes.subarray(8 + 32 * i, 40 + 32 * i))
  const [seed, fold, count, size, blocks] = [0, 1, 2, 3, 4].map((i) => view.getUint32(104 + 4 * i)) as Counts
  if (!folds.some((known) => known === fold)) throw new GradientError('file', `sketches of fold ${fold}`)
  if (count < 1 || count > sketchedMax) throw new GradientError('file', `sketches of ${count} examples`)
  if (size < 8 || size > sizeMax || size % 8 !== 0 || blocks < 1 || blocks > blocksMax) {
    throw new GradientError('file', `sketches of ${size} numbers and ${blocks} blocks`)
  }
  const step = view.getFloat64(124)
  const isPowerOfTwo = (view.getBigUint64(124) & 0xf_ffff_ffff_ffffn) === 0n
  if (!(step > 0 && step < Number.POSITIVE_INFINITY && isPowerOfTwo))
    throw new GradientError('file', `a step of ${step}`)
  const rowBytes = 8 + 4 * size
  const rows = fixedBytes + 4 * blocks
  if (bytes.length !== rows + count * rowBytes) throw new GradientError('file', `sketches of ${bytes.length} bytes`)
  const scales = Float32Array.from({ length: blocks }, (_, b) => view.getFloat32(fixedBytes + 4 * b))
  if (scales.some((scale) => !(scale >= 0 && scale < Number.POSITIVE_INFINITY))) {
    throw new GradientError('file', 'a scale that is none')
  }
  const contributions = Array.from({ length: count }, (_, k) => view.getBigUint64(rows + k * rowBytes))
  const vectors = (at: number) => {
    const out = new Int16Array(count * size)
    for (let k = 0; k < count; k++) {
      const from = rows + k * rowBytes + at
      new Uint8Array(out.buffer, 2 * k * size, 2 * size).set(bytes.subarray(from, from + 2 * size))
    }
    if (out.includes(-32_768)) throw new GradientError('file', 'a number of a sketch is -32768')
    return out
  }
  const roots = { base: root(0), adapter: root(1), data: root(2) }
  const parts = { gradients: vectors(8), influences: vectors(8 + 2 * size) }
  return { ...roots, seed, fold, size, scales, step, contributions, ...parts }
}

type Counts = [seed: number, fold: number, count: number, size: number, blocks: number]

function sketchLeaves(file: SketchFile): Uint8Array[] {
  const { seed, fold, size, scales, contributions } = file
  const reals = new DataView(new ArrayBuffer(8 + 4 * scales.length))
  reals.setFloat64(0, file.step)
  for (const [b, scale] of scales.entries()) reals.setFloat32(8 + 4 * b, scale)
  const head = concatBytes(
    magic,
    ...[file.base, file.adapter, file.data].map(hexToBytes),
    ...[seed, fold, contributions.length, size, scales.length].map((value) => uintBytes(value, 4)),
    new Uint8Array(reals.buffer),
  )
  const vector = (list: Int16Array, k: number) => new Uint8Array(list.buffer, list.byteOffset + 2 * k * size, 2 * size)
  const rows = contributions.map((contribution, k) =>
    concatBytes(uintBytes(contribution, 8), vector(file.gradients, k), vector(file.influences, k)),
  )
  return [head, ...rows]
}
