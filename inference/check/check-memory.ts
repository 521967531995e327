import { FormatError } from '../../protocol/bytes.ts'

const pageBytes = 65_536
/** WebAssembly addresses 4 GiB. */
const pagesMax = 65_536
const alignment = 16

type Data = Uint8Array | Int8Array | Int16Array | Int32Array | Uint32Array

/**
 * The checking kernels' memory: space is taken and never given back. Views are of the moment: taking space may replace the
 * buffer under them.
 */
export class CheckMemory {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: pagesMax })
  /** Address 0 stays free, so that no space has it. */
  #end = alignment

  /** Address of `bytes` zero bytes. Throws {@link FormatError} where 4 GiB do not suffice. */
  take(bytes: number): number {
    const address = this.#end
    this.#end = Math.ceil((address + bytes) / alignment) * alignment
    const missing = Math.ceil(this.#end / pageBytes) - this.memory.buffer.byteLength / pageBytes
    if (missing > 0) {
      if (this.#end > pagesMax * pageBytes) throw new FormatError('more than 4 GiB of memory are needed')
      this.memory.grow(missing)
    }
    return address
  }

  /** Address of a copy. */
  put(data: Data): number {
    const address = this.take(data.byteLength)
    this.write(address, data)
    return address
  }

  write(address: number, data: Data): void {
    this.bytes(address, data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }

  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length)
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
}
