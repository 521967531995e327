import { FormatError } from '../../../protocol/bytes.ts'

/** Reads bytes from front to end. All throw {@link FormatError} where there are fewer than asked for. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(count: number): Uint8Array {
    const end = this.#at + count
    if (end > this.#bytes.length) throw new FormatError(`${this.#bytes.length} bytes where ${end} belong`)
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at)
  }

  /** Throws where something is left. */
  end(): void {
    if (this.#at < this.#bytes.length) throw new FormatError(`${this.#bytes.length - this.#at} bytes too many`)
  }
}
