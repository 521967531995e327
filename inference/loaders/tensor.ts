import type { ByteSource } from './byte-source.ts'
import type { ElementType } from './element-types.ts'
import { LoadError } from './load-error.ts'

/** A tensor in a file: what it is and where its bytes are. */
export type Tensor = {
  readonly name: string
  readonly type: ElementType
  /** Rows first. */
  readonly shape: readonly number[]
  readonly source: ByteSource
  readonly offset: number
}

/** Read at a time; a few thousand blocks of any type. */
const chunkBytesMax = 2 ** 22

/** Throws {@link LoadError} for a row that is not whole blocks and for more elements than memory addresses. */
export function tensorBytes({ name, type, shape, source }: Omit<Tensor, 'offset'>): number {
  const elements = shape.reduce((product, size) => product * size, 1)
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 1) || elements > 2 ** 31) {
    throw new LoadError('file', `${source.name}: ${name}: shape ${shape.join(' × ')}`)
  }
  if ((shape.at(-1) ?? 1) % type.blockElements !== 0) {
    throw new LoadError('file', `${source.name}: ${name}: rows of ${shape.at(-1)} are no whole blocks of ${type.name}`)
  }
  return (elements / type.blockElements) * type.blockBytes
}

/** All elements, in order. Throws {@link LoadError} for one that is infinite or no number. */
export function readTensor(tensor: Tensor): Float32Array {
  const { type, source, offset } = tensor
  const blocks = tensorBytes(tensor) / type.blockBytes
  const out = new Float32Array(blocks * type.blockElements)
  const chunkBlocks = Math.floor(chunkBytesMax / type.blockBytes)
  for (let first = 0; first < blocks; first += chunkBlocks) {
    const count = Math.min(chunkBlocks, blocks - first)
    const bytes = source.read(offset + first * type.blockBytes, count * type.blockBytes)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let i = 0; i < count; i++) type.decode(view, i * type.blockBytes, out, (first + i) * type.blockElements)
  }
  for (let i = 0; i < out.length; i++) {
    const value = out[i] as number
    if (value - value !== 0) throw new LoadError('weight', `${source.name}: ${tensor.name}: element ${i} is ${value}`)
  }
  return out
}
