/**
 * Events of an answer, kept from the first to the last: whoever reads begins at the first, whenever it comes, and the answer goes on
 * when nobody reads.
 */
export class AnswerStream<Event> implements AsyncIterable<Event> {
  readonly #events: Event[] = []
  readonly #waiting = new Set<() => void>()
  #state: { readonly ended: false } | { readonly ended: true; readonly error: unknown } = { ended: false }

  push(event: Event): void {
    this.#events.push(event)
    this.#wake()
  }

  /** With an error, readers get it behind the last event. */
  end(error?: unknown): void {
    this.#state = { ended: true, error }
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (let next = 0; ; ) {
      const event = this.#events[next]
      if (event !== undefined) {
        next++
        yield event
      } else if (!this.#state.ended) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve))
      } else if (this.#state.error !== undefined) {
        throw this.#state.error
      } else return
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
