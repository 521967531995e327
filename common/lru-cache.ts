/** A map that holds at most `entriesMax` entries and drops the one unused for longest. */
export class LruCache<K, V> {
  readonly #entriesMax: number
  readonly #entries = new Map<K, V>()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    // A Map iterates in insertion order: inserting again makes this entry the newest.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Returns `value`. */
  set(key: K, value: V): V {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#entriesMax) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) this.#entries.delete(oldest.value)
    }
    return value
  }

  delete(key: K): void {
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  get size(): number {
    return this.#entries.size
  }
}
