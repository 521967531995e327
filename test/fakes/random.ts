/** A seeded source of choices, for fuzzing at a rate that property libraries do not reach. Same seed, same choices. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 to below `end`. */
  int(end: number): number {
    return Math.floor(this.#next() * end)
  }

  /** An unsigned integer of up to `bits` bits, often at an end of the range. */
  big(bits: number): bigint {
    if (bits === 0) return 0n
    const max = (1n << BigInt(bits)) - 1n
    if (this.chance(0.1)) return this.pick([0n, 1n, max, max - 1n])
    let value = 0n
    for (let i = 0; i < bits; i += 32) value = (value << 32n) | BigInt(this.int(2 ** 32))
    return value & max
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(256))
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.int(choices.length)]
    if (choice === undefined) throw new Error('nothing to choose from')
    return choice
  }

  list<T>(length: number, make: (index: number) => T): T[] {
    return Array.from({ length }, (_, i) => make(i))
  }

  /** Mulberry32. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
