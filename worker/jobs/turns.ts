export type TurnsOptions = {
  /** Jobs that run at once. */
  readonly runningMax: number
  /** Jobs that wait behind them. */
  readonly waitingMax: number
}

type Waiting = { readonly of: string; readonly begin: () => void }

/** A place among the jobs; `begun` resolves when it runs. */
export type Turn = { readonly begun: Promise<void>; readonly leave: () => void }

/**
 * So many jobs run at once, so many wait, and no payer waits behind all jobs of another: of those that wait, the oldest of the payer
 * with the fewest running comes next.
 */
export class Turns {
  readonly #options: TurnsOptions
  readonly #running = new Map<string, number>()
  readonly #waiting: Waiting[] = []
  #total = 0

  constructor(options: TurnsOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#total
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Undefined where everything is taken. */
  enter(of: string): Turn | undefined {
    const { runningMax, waitingMax } = this.#options
    if (this.#total < runningMax) {
      this.#begin(of)
      return { begun: Promise.resolve(), leave: this.#leaver(of) }
    }
    if (this.#waiting.length >= waitingMax) return undefined
    let begin: () => void = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const waiting = { of, begin }
    this.#waiting.push(waiting)
    return { begun, leave: this.#leaver(of, waiting) }
  }

  #begin(of: string): void {
    this.#total++
    this.#running.set(of, (this.#running.get(of) ?? 0) + 1)
  }

  /** Leaving twice is leaving once; who waits leaves the queue. */
  #leaver(of: string, waiting?: Waiting): () => void {
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const at = waiting === undefined ? -1 : this.#waiting.indexOf(waiting)
      if (at >= 0) {
        this.#waiting.splice(at, 1)
        return
      }
      this.#total--
      const left = (this.#running.get(of) ?? 1) - 1
      if (left === 0) this.#running.delete(of)
      else this.#running.set(of, left)
      this.#next()
    }
  }

  #next(): void {
    const counts = this.#waiting.map(({ of }) => this.#running.get(of) ?? 0)
    const at = counts.indexOf(Math.min(...counts))
    const [next] = this.#waiting.splice(at, at < 0 ? 0 : 1)
    if (next === undefined) return
    this.#begin(next.of)
    next.begin()
  }
}
