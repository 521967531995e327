import { bytesToBigint, bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { AnswerFileError } from './answer-error.ts'

/** Reads a part of a file from its front; nothing may be left. Throws {@link AnswerFileError} `format`. */
export class FileReader {
  readonly #what: string
  readonly #bytes: Uint8Array
  #at = 0

  /** `what` names the part in errors. */
  constructor(what: string, bytes: Uint8Array) {
    this.#what = what
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw this.wrong('cut off')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uint(bytes: number): number {
    return Number(bytesToBigint(this.take(bytes)))
  }

  bigint(bytes: number): bigint {
    return bytesToBigint(this.take(bytes))
  }

  hex(bytes: number): Hex {
    return bytesToHex(this.take(bytes))
  }

  /** Bytes behind their length, which takes `width` bytes and is at most `max`. */
  counted(width: number, max: number): Uint8Array {
    const length = this.uint(width)
    if (length > max) throw this.wrong(`${length} bytes where at most ${max} may be`)
    return this.take(length)
  }

  /** As many items as a count of `width` bytes says, at most `max`. */
  list<T>(width: number, max: number, read: () => T): T[] {
    const count = this.uint(width)
    if (count > max) throw this.wrong(`${count} items where at most ${max} may be`)
    return Array.from({ length: count }, read)
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.wrong('bytes left over')
  }

  wrong(why: string): AnswerFileError {
    return new AnswerFileError('format', `${this.#what}: ${why}`)
  }
}
