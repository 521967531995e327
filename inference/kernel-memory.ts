import { FormatError } from '../protocol/bytes.ts'

const pageBytes = 65_536
/** WebAssembly addresses 4 GiB. */
const pagesMax = 65_536
const alignment = 16

type Data = Uint8Array | Int8Array | Int16Array | Int32Array | Uint32Array

/** A WebAssembly memory of kernels; what is taken stays. Views are of the moment: taking space may replace the buffer under them. */
export class KernelMemory {
  readonly memory: WebAssembly.Memory
  /** Address 0 stays free, so that no space has it. */
  #end = alignment
  #all = new Uint8Array(0)

  constructor({ shared }: { readonly shared: boolean } = { shared: false }) {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: pagesMax, shared })
  }

  /** Address of `bytes` zero bytes. Throws {@link FormatError} where 4 GiB do not suffice. */
  take(bytes: number): number {
    const address = this.extend(bytes)
    if (address === undefined) throw new FormatError('more than 4 GiB of memory are needed')
    return address
  }

  /** Address of a copy. */
  put(data: Data): number {
    const address = this.take(data.byteLength)
    this.write(address, data)
    return address
  }

  write(address: number, data: Data): void {
    if (this.#all.buffer !== this.memory.buffer) this.#all = new Uint8Array(this.memory.buffer)
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.#all.set(bytes, address)
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

  /** Undefined where 4 GiB do not suffice. */
  protected extend(bytes: number): number | undefined {
    const address = this.#end
    const end = address + aligned(bytes)
    if (end > pagesMax * pageBytes) return undefined
    const missing = Math.ceil(end / pageBytes) - this.memory.buffer.byteLength / pageBytes
    if (missing > 0) this.memory.grow(missing)
    this.#end = end
    return address
  }
}

/** Space is taken in multiples of 16 bytes. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment
}
