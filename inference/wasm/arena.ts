import { FormatError } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'

const pageBytes = 65_536
/** WebAssembly addresses 4 GiB. */
const pagesMax = 65_536
const alignment = 16

type Data = Uint8Array | Int8Array | Int16Array | Int32Array | Uint32Array

/**
 * A WebAssembly memory, shared by threads. What is taken stays; what is allocated may be given back. Views are made anew, since
 * the memory grows.
 */
export class Arena {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: pagesMax, shared: true })
  /** Address 0 stays free, so that no space has it. */
  #end = alignment
  /** Spaces given back, by address; neighbours are joined. */
  #free: Space[] = []
  #allocated = 0
  readonly #allocatedMax: number

  /** At most so many bytes are allocated at a time. */
  constructor(allocatedBytesMax: number) {
    this.#allocatedMax = allocatedBytesMax
  }

  /** Bytes that are allocated now. */
  get allocated(): number {
    return this.#allocated
  }

  /** Address of `bytes` zero bytes. Throws {@link FormatError} where 4 GiB do not suffice. */
  take(bytes: number): number {
    const address = this.#extend(bytes)
    if (address === undefined) throw new FormatError('the model exceeds 4 GiB')
    return address
  }

  /** Address of `bytes` bytes that hold anything. Throws {@link InferenceError} `memory` beyond the bound. */
  allocate(bytes: number): number {
    const size = aligned(bytes)
    if (this.#allocated + size > this.#allocatedMax) {
      throw new InferenceError('memory', `${this.#allocated + size} bytes of sessions exceed ${this.#allocatedMax}`)
    }
    const address = this.#reuse(size) ?? this.#extend(size)
    if (address === undefined) throw new InferenceError('memory', 'model and sessions exceed 4 GiB')
    this.#allocated += size
    return address
  }

  /** Gives back what {@link allocate} gave. */
  release(address: number, bytes: number): void {
    const size = aligned(bytes)
    this.#allocated -= size
    const at = this.#free.findIndex((space) => space.address > address)
    const place = at === -1 ? this.#free.length : at
    this.#free.splice(place, 0, { address, bytes: size })
    this.#join(place)
    this.#join(place - 1)
  }

  /** Address of a copy that stays. */
  put(data: Data): number {
    const address = this.take(data.byteLength)
    this.write(address, data)
    return address
  }

  write(address: number, data: Data): void {
    new Uint8Array(this.memory.buffer, address).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length)
  }

  int8(address: number, length: number): Int8Array {
    return new Int8Array(this.memory.buffer, address, length)
  }

  int16(address: number, length: number): Int16Array {
    return new Int16Array(this.memory.buffer, address, length)
  }

  int32(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length)
  }

  uint32(address: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, address, length)
  }

  int64(address: number, length: number): BigInt64Array {
    return new BigInt64Array(this.memory.buffer, address, length)
  }

  #extend(bytes: number): number | undefined {
    const address = this.#end
    const end = address + aligned(bytes)
    if (end > pagesMax * pageBytes) return undefined
    const missing = Math.ceil(end / pageBytes) - this.memory.buffer.byteLength / pageBytes
    if (missing > 0) this.memory.grow(missing)
    this.#end = end
    return address
  }

  /** From the first free space that has room. */
  #reuse(size: number): number | undefined {
    const space = this.#free.find((one) => one.bytes >= size)
    if (space === undefined) return undefined
    const { address } = space
    space.address += size
    space.bytes -= size
    if (space.bytes === 0) this.#free.splice(this.#free.indexOf(space), 1)
    return address
  }

  /** Joins the free space at a place of the list with the next, where they touch. */
  #join(place: number): void {
    const [first, second] = [this.#free[place], this.#free[place + 1]]
    if (first === undefined || second === undefined || first.address + first.bytes !== second.address) return
    first.bytes += second.bytes
    this.#free.splice(place + 1, 1)
  }
}

type Space = { address: number; bytes: number }

function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}
