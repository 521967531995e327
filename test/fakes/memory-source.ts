import type { ByteSource } from '../../inference/loaders/byte-source.ts'

/** A file in memory. */
export function memorySource(bytes: Uint8Array, name = 'file'): ByteSource {
  return {
    name,
    size: bytes.length,
    read: (offset, length) => {
      if (offset + length > bytes.length) throw new Error(`read to ${offset + length} of ${bytes.length}`)
      return bytes.slice(offset, offset + length)
    },
  }
}
