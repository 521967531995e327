import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import type { ByteSource } from '../../inference/loaders/byte-source.ts'
import { LoadError } from '../../inference/loaders/load-error.ts'

/** A file that stays open until it is closed. */
export class FileSource implements ByteSource {
  readonly name: string
  readonly size: number
  readonly #descriptor: number

  /** Throws {@link UsageError} where there is no file to read. */
  constructor(path: string) {
    this.name = path
    try {
      this.#descriptor = openSync(path, 'r')
      const stats = fstatSync(this.#descriptor)
      if (!stats.isFile()) throw new Error('not a file')
      this.size = stats.size
    } catch (cause) {
      throw new UsageError(`${path} cannot be read`, { cause })
    }
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, Math.min(length - done, readBytesMax), offset + done)
      if (count === 0) throw new LoadError('file', `${this.name}: cut off at ${offset + done}`)
      done += count
    }
    return bytes
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** A read call takes less than 2 GiB. */
const readBytesMax = 2 ** 30
