import { UsageError } from '../../common/errors.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { FileSource } from './file-source.ts'

/** The whole file. Throws {@link UsageError} where it cannot be read. */
export function readModelBytes(path: string): Uint8Array {
  const file = new FileSource(path)
  try {
    return file.read(0, file.size)
  } finally {
    file.close()
  }
}

/** Throws {@link UsageError} where it cannot be read or is no model file. */
export function readModel(path: string): CanonicalModel {
  const bytes = readModelBytes(path)
  try {
    return decodeModel(bytes)
  } catch (cause) {
    throw new UsageError(`${path} is refused`, { cause })
  }
}
