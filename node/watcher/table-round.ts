import type { Page } from './community-book.ts'

/** Goes round a table, so many of its rows at a time: what comes first keeps nothing behind it from its turn. */
export class TableRound<T> {
  readonly #read: (after: number, limit: number) => Page<T>
  #after = 0

  constructor(read: (after: number, limit: number) => Page<T>) {
    this.#read = read
  }

  /** What is next. `stays`: what was found keeps the turn, and comes again. */
  async turn(limit: number, take: (found: readonly T[]) => Promise<'on' | 'stays'>): Promise<void> {
    const { found, next } = this.#read(this.#after, limit)
    if ((await take(found)) === 'on') this.#after = next
  }

  /** Begins anew. */
  reset(): void {
    this.#after = 0
  }
}
