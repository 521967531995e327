import { CallError } from '../errors.ts'

/** Lets so many tasks run at once and makes the others wait in line, up to a limit. */
export class Gate {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: { readonly runningMax: number; readonly waitingMax: number }) {
    this.#runningMax = limits.runningMax
    this.#waitingMax = limits.waitingMax
  }

  /** Throws {@link CallError} `busy` where the line is too long. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running++
    else await this.#wait()
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // A place that is handed on stays taken.
      if (next === undefined) this.#running--
      else next()
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new CallError('busy', `${this.#waitingMax} calls are waiting already, try again later`)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
