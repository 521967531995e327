import { open } from 'node:fs/promises'
import { FormatError } from '../../protocol/bytes.ts'

/** A model file that need not fit memory. */
export type ModelSource = {
  /** The next `length` bytes; fewer only at the end. */
  read(length: number): Promise<Uint8Array>
}

export function bytesSource(bytes: Uint8Array): ModelSource {
  let offset = 0
  return {
    read: async (length) => {
      offset += length
      return bytes.slice(offset - length, offset)
    },
  }
}

/** Runs `use` on a file's bytes from its beginning. */
export async function withFileSource<T>(path: string, use: (source: ModelSource) => Promise<T>): Promise<T> {
  const file = await open(path, 'r')
  try {
    return await use({
      read: async (length) => {
        const bytes = new Uint8Array(length)
        const { bytesRead } = await file.read(bytes, 0, length)
        return bytes.subarray(0, bytesRead)
      },
    })
  } finally {
    await file.close()
  }
}

/** Exactly so many bytes. Throws {@link FormatError} where the file ends before. */
export async function readExactly(source: ModelSource, length: number): Promise<Uint8Array> {
  const bytes = await source.read(length)
  if (bytes.length !== length) throw new FormatError('model file: cut off')
  return bytes
}
