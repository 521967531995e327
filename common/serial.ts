/** Runs actions one after another in the order of the calls. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#last.then(action)
    // The caller owns the failure; the queue only needs to know that the turn is over.
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when everything queued so far is over. */
  async settled(): Promise<void> {
    await this.#last
  }
}
