import { setImmediate } from 'node:timers/promises'

/** Time a long job may have the thread in one piece: blocks are built on it too. */
const turnMs = 10

/** Lets other work have its turn between the pieces of a long job. */
export class Turns {
  #endsMs = performance.now() + turnMs

  /** Await it between two pieces. */
  async next(): Promise<void> {
    if (performance.now() < this.#endsMs) return
    await setImmediate()
    this.#endsMs = performance.now() + turnMs
  }
}
