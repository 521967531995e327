import { KernelMemory } from '../kernel-memory.ts'

/** Memory of floats: addresses are in bytes, lengths in elements. */
export class FloatMemory extends KernelMemory {
  takeFloats(count: number): number {
    return this.take(4 * count)
  }

  putFloats(values: Float32Array): number {
    const address = this.takeFloats(values.length)
    this.floats(address, values.length).set(values)
    return address
  }

  /** A view of the moment: taking space may replace the buffer under it. */
  floats(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length)
  }
}
