import type { Address } from '@ethereumjs/util'
import { MemoryState } from '../../genesis/memory-state.ts'
import { bytesToHex } from '../../protocol/bytes.ts'

/** A {@link MemoryState} that remembers what was computed from its storage until a slot that was read for it is written. */
export class RememberingState extends MemoryState {
  readonly #results = new Map<string, unknown>()
  /** Keys of results by the slots that they stand on. */
  readonly #readers = new Map<string, Set<string>>()
  #reading: string | undefined
  /** Slots that each trial going on wrote, the innermost last. */
  readonly #trials: Set<string>[] = []

  /** `compute` may read storage and code alone, and write nothing. */
  async remembered<T>(key: string, compute: () => Promise<T>): Promise<T> {
    if (this.#results.has(key)) return this.#results.get(key) as T
    this.#reading = key
    try {
      const result = await compute()
      this.#results.set(key, result)
      return result
    } finally {
      this.#reading = undefined
    }
  }

  /** Runs `act` and undoes all that it did to the state. */
  async trial<T>(act: () => Promise<T>): Promise<T> {
    await this.checkpoint()
    this.#trials.push(new Set())
    try {
      return await act()
    } finally {
      await this.revert()
      for (const place of this.#trials.pop() ?? []) this.#forget(place)
    }
  }

  override getStorage(address: Address, slot: Uint8Array): Promise<Uint8Array> {
    if (this.#reading !== undefined) {
      const place = placeOf(address, slot)
      const readers = this.#readers.get(place)
      if (readers === undefined) this.#readers.set(place, new Set([this.#reading]))
      else readers.add(this.#reading)
    }
    return super.getStorage(address, slot)
  }

  /** A write that is undone later forgets too much and never too little. */
  override putStorage(address: Address, slot: Uint8Array, value: Uint8Array): Promise<void> {
    const place = placeOf(address, slot)
    this.#trials.at(-1)?.add(place)
    this.#forget(place)
    return super.putStorage(address, slot, value)
  }

  #forget(place: string): void {
    for (const key of this.#readers.get(place) ?? []) this.#results.delete(key)
    this.#readers.delete(place)
  }
}

function placeOf(address: Address, slot: Uint8Array): string {
  return `${bytesToHex(address.bytes)}${bytesToHex(slot)}`
}
