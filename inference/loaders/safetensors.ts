import type { ByteSource } from './byte-source.ts'
import { elementTypes } from './element-types.ts'
import { Fields } from './fields.ts'
import { LoadError } from './load-error.ts'
import { type Tensor, tensorBytes } from './tensor.ts'

/** Of the format: https://github.com/huggingface/safetensors, "Format". */
const headerBytesMax = 100_000_000

/**
 * Tensors of a safetensors file by name. Throws {@link LoadError} for a header that is damaged and for tensors that overlap, leave
 * room between them, end elsewhere than the file does, or are of a type other than F32, F16 and BF16.
 */
export function readSafetensors(source: ByteSource): Map<string, Tensor> {
  const { name: file, size } = source
  if (size < 8) throw new LoadError('file', `${file}: ${size} bytes are no safetensors file`)
  const head = source.read(0, 8)
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true))
  if (length > headerBytesMax || 8 + length > size) throw new LoadError('file', `${file}: header of ${length} bytes`)
  const header = Fields.ofJson(`${file}: header`, new TextDecoder().decode(source.read(8, length)))
  const tensors = header.names
    .filter((name) => name !== '__metadata__')
    .map((name) => readEntry(source, 8 + length, name, header.object(name)))
    .sort((a, b) => a.offset - b.offset || tensorBytes(a) - tensorBytes(b))
  let end = 8 + length
  for (const tensor of tensors) {
    if (tensor.offset !== end) {
      throw new LoadError('file', `${file}: ${tensor.name} begins at ${tensor.offset}, the one before ends at ${end}`)
    }
    end += tensorBytes(tensor)
  }
  if (end !== size) throw new LoadError('file', `${file}: ${size} bytes, its tensors end at ${end}`)
  return new Map(tensors.map((tensor) => [tensor.name, tensor]))
}

/**
 * Tensors of a model in several files, by its index. `open` gives the file of a name. Throws {@link LoadError} for tensors that
 * are not in the file that the index says, or not in the index.
 */
export function readShards(index: Fields, open: (file: string) => ByteSource): Map<string, Tensor> {
  const map = index.object('weight_map')
  const tensors = new Map<string, Tensor>()
  for (const file of new Set(map.names.map((name) => map.text(name)))) {
    for (const [name, tensor] of readSafetensors(open(file))) {
      if (map.get(name) !== file) throw new LoadError('file', `${file}: ${name} is not there by the index`)
      tensors.set(name, tensor)
    }
  }
  const missing = map.names.find((name) => !tensors.has(name))
  if (missing !== undefined) throw new LoadError('file', `${map.text(missing)}: ${missing} of the index is missing`)
  return tensors
}

function readEntry(source: ByteSource, start: number, name: string, entry: Fields): Tensor {
  const dtype = entry.text('dtype')
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
    throw new LoadError('unsupported', `${source.name}: ${name} is of type ${dtype}; F32, F16 and BF16 are supported`)
  }
  const [begin, end] = [entry.list('data_offsets')[0], entry.list('data_offsets')[1]]
  const shape = entry.list('shape').map(Number)
  const tensor: Tensor = { name, type: elementTypes[dtype], shape, source, offset: start + Number(begin) }
  const bytes = tensorBytes(tensor)
  if (!Number.isSafeInteger(begin) || Number(end) - Number(begin) !== bytes) {
    throw new LoadError('file', `${source.name}: ${name} of ${bytes} bytes is said to be at ${begin} to ${end}`)
  }
  return tensor
}
