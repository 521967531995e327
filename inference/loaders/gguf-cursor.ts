import type { ByteSource } from './byte-source.ts'
import { LoadError } from './load-error.ts'

/** Chat templates are the longest texts of metadata. */
const textBytesMax = 2 ** 20
/** Vocabularies and merges are the longest lists. */
const listMax = 2 ** 21
const depthMax = 2
const bufferBytes = 2 ** 20

/** Reads the header of a GGUF from its beginning on, little-endian, through a buffer. Errors say where. */
export class GgufCursor {
  readonly name: string
  readonly #source: ByteSource
  #buffer: DataView = new DataView(new ArrayBuffer(0))
  #bufferStart = 0
  #at = 0

  constructor(source: ByteSource) {
    this.name = source.name
    this.#source = source
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at
  }

  u32(): number {
    return this.#take(4, (view, at) => view.getUint32(at, true))
  }

  u64(): number {
    return this.#take(8, (view, at) => Number(view.getBigUint64(at, true)))
  }

  count(what: string, max: number): number {
    const count = this.u64()
    if (count > max) throw new LoadError('file', `${this.name}: ${count} ${what} at ${this.#at - 8}`)
    return count
  }

  text(): string {
    const length = this.count('bytes of text', textBytesMax)
    return this.#take(length, (view, at) => Buffer.from(view.buffer, view.byteOffset + at, length).toString('utf8'))
  }

  /** A metadata value of one of the format's types: a number, a boolean, a text or a list of such. */
  value(type: number, depth = 0): unknown {
    const read = scalars[type]
    if (read !== undefined) return this.#take(read[0], read[1])
    if (type === 8) return this.text()
    if (type !== 9 || depth === depthMax) {
      throw new LoadError('file', `${this.name}: value of type ${type} at ${this.#at - 4}`)
    }
    const elementType = this.u32()
    const count = this.count('list elements', listMax)
    const list: unknown[] = []
    for (let i = 0; i < count; i++) list.push(this.value(elementType, depth + 1))
    return list
  }

  #take<T>(length: number, read: (view: DataView, at: number) => T): T {
    const start = this.#at - this.#bufferStart
    if (start + length > this.#buffer.byteLength) {
      if (this.#at + length > this.#source.size) {
        throw new LoadError('file', `${this.name}: cut off at ${this.#source.size}, in its header`)
      }
      const size = Math.min(Math.max(length, bufferBytes), this.#source.size - this.#at)
      const bytes = this.#source.read(this.#at, size)
      this.#buffer = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#bufferStart = this.#at
    }
    const value = read(this.#buffer, this.#at - this.#bufferStart)
    this.#at += length
    return value
  }
}

/** Types 8 and 9 are texts and lists. */
const scalars: Readonly<Record<number, readonly [bytes: number, read: (view: DataView, at: number) => unknown]>> = {
  0: [1, (view, at) => view.getUint8(at)],
  1: [1, (view, at) => view.getInt8(at)],
  2: [2, (view, at) => view.getUint16(at, true)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [4, (view, at) => view.getUint32(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getFloat32(at, true)],
  7: [1, (view, at) => view.getUint8(at) !== 0],
  10: [8, (view, at) => Number(view.getBigUint64(at, true))],
  11: [8, (view, at) => Number(view.getBigInt64(at, true))],
  12: [8, (view, at) => view.getFloat64(at, true)],
}
