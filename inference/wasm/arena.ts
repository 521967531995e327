import { InferenceError } from '../inference-error.ts'
import { aligned, KernelMemory } from '../kernel-memory.ts'

/** A memory shared by threads. What is taken stays; what is allocated may be given back. */
export class Arena extends KernelMemory {
  /** Spaces given back, by address; neighbours are joined. */
  #free: Space[] = []
  #allocated = 0
  readonly #allocatedMax: number

  /** At most so many bytes are allocated at a time. */
  constructor(allocatedBytesMax: number) {
    super({ shared: true })
    this.#allocatedMax = allocatedBytesMax
  }

  /** Bytes that are allocated now. */
  get allocated(): number {
    return this.#allocated
  }

  /** Address of `bytes` bytes that hold anything. Throws {@link InferenceError} `memory` beyond the bound. */
  allocate(bytes: number): number {
    const size = aligned(bytes)
    if (this.#allocated + size > this.#allocatedMax) {
      throw new InferenceError('memory', `${this.#allocated + size} bytes of sessions exceed ${this.#allocatedMax}`)
    }
    const address = this.#reuse(size) ?? this.extend(size)
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
