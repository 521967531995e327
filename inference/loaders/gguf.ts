import type { ByteSource } from './byte-source.ts'
import { type ElementTypeName, elementTypes } from './element-types.ts'
import { Fields } from './fields.ts'
import { GgufCursor } from './gguf-cursor.ts'
import { LoadError } from './load-error.ts'
import { type Tensor, tensorBytes } from './tensor.ts'

export type Gguf = { readonly metadata: Fields; readonly tensors: ReadonlyMap<string, Tensor> }

/** Of the format: ggml/docs/gguf.md. */
const tensorTypes: Readonly<Record<number, ElementTypeName>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  30: 'BF16',
}
const magic = 0x46554747
const alignmentDefault = 32
const entriesMax = 2 ** 16
const dimensionsMax = 4

/**
 * Metadata and tensors of a GGUF of version 2 or 3. Throws {@link LoadError} for a damaged one, tensors that do not follow each
 * other as they must, bytes behind the last, and element types that are not supported.
 */
export function readGguf(source: ByteSource): Gguf {
  const cursor = new GgufCursor(source)
  if (cursor.u32() !== magic) throw new LoadError('file', `${source.name} is no GGUF file`)
  const version = cursor.u32()
  if (version === 0x03000000 || version === 0x02000000) {
    throw new LoadError('unsupported', `${source.name}: big-endian GGUF`)
  }
  if (version !== 2 && version !== 3) throw new LoadError('unsupported', `${source.name}: GGUF version ${version}`)
  const tensorCount = cursor.count('tensors', entriesMax)
  const metadata = readMetadata(cursor, cursor.count('metadata values', entriesMax))
  const fields = new Fields(source.name, metadata)
  const infos = Array.from({ length: tensorCount }, () => readInfo(cursor))
  return { metadata: fields, tensors: placeTensors(source, infos, cursor.at, alignmentOf(fields, source)) }
}

function readMetadata(cursor: GgufCursor, count: number): Map<string, unknown> {
  const metadata = new Map<string, unknown>()
  for (let i = 0; i < count; i++) {
    const key = cursor.text()
    if (metadata.has(key)) throw new LoadError('file', `${cursor.name}: ${key} is there twice`)
    metadata.set(key, cursor.value(cursor.u32()))
  }
  return metadata
}

/** Its offset is from the beginning of the data. */
type Info = Omit<Tensor, 'source'>

function readInfo(cursor: GgufCursor): Info {
  const name = cursor.text()
  const dimensions = cursor.u32()
  if (dimensions < 1 || dimensions > dimensionsMax) {
    throw new LoadError('file', `${cursor.name}: ${name} has ${dimensions} dimensions`)
  }
  // The file has columns first.
  const shape = Array.from({ length: dimensions }, () => cursor.u64()).reverse()
  const typeId = cursor.u32()
  const type = tensorTypes[typeId]
  if (type === undefined) {
    const supported = Object.values(tensorTypes).join(', ')
    throw new LoadError('unsupported', `${cursor.name}: ${name} is of ggml type ${typeId}; ${supported} are supported`)
  }
  return { name, type: elementTypes[type], shape, offset: cursor.u64() }
}

/** As ggml demands: each tensor at the next multiple of the alignment behind the one before. */
function placeTensors(
  source: ByteSource,
  infos: readonly Info[],
  headerEnd: number,
  alignment: number,
): Map<string, Tensor> {
  const align = (at: number) => Math.ceil(at / alignment) * alignment
  const start = align(headerEnd)
  const tensors = new Map<string, Tensor>()
  let end = start
  for (const info of infos) {
    const offset = start + info.offset
    if (tensors.has(info.name)) throw new LoadError('file', `${source.name}: ${info.name} is there twice`)
    if (offset !== align(end)) {
      throw new LoadError('file', `${source.name}: ${info.name} is at ${offset}, must be at ${align(end)}`)
    }
    end = offset + tensorBytes({ ...info, source })
    if (end > source.size) {
      throw new LoadError('file', `${source.name}: cut off at ${source.size}, ${info.name} ends at ${end}`)
    }
    tensors.set(info.name, { ...info, source, offset })
  }
  if (source.size > align(end))
    throw new LoadError('file', `${source.name}: ${source.size - end} bytes behind the tensors`)
  return tensors
}

function alignmentOf(metadata: Fields, source: ByteSource): number {
  const alignment = metadata.count('general.alignment', alignmentDefault)
  if (alignment < 8 || alignment > 2 ** 20 || (alignment & (alignment - 1)) !== 0) {
    throw new LoadError('file', `${source.name}: alignment ${alignment}`)
  }
  return alignment
}
