import { LruCache } from '../../common/lru-cache.ts'

/** Signatures, tables and payees count from multiples of this on, Unix seconds. */
const daySeconds = 86_400n
/** Days that are kept: those of batches in their window. */
const daysMax = 4

/** When the day of a time began, Unix seconds. */
export function dayOf(time: bigint): bigint {
  return time - (time % daySeconds)
}

/** What stands on chain as a day begins, and does not change before the next. */
export class ByDay<T> {
  readonly #read: (day: bigint) => Promise<T>
  readonly #days = new LruCache<bigint, Promise<T>>(daysMax)

  constructor(read: (day: bigint) => Promise<T>) {
    this.#read = read
  }

  /** What counts at a time, Unix seconds. Throws what reading it throws. */
  at(time: bigint): Promise<T> {
    const day = dayOf(time)
    const known = this.#days.get(day)
    if (known !== undefined) return known
    const read = this.#read(day)
    read.catch(() => this.#days.delete(day))
    return this.#days.set(day, read)
  }

  /** Drops what is kept: a reorg may have changed it. */
  forget(): void {
    this.#days.clear()
  }
}
