const secondsKept = 60

/** Output tokens of the last minute. */
export class TokenRate {
  readonly #counts = new Uint32Array(secondsKept)
  #second = 0

  count(tokens: number, nowMs: number): void {
    this.#moveTo(Math.floor(nowMs / 1_000))
    const at = this.#second % secondsKept
    this.#counts[at] = (this.#counts[at] ?? 0) + tokens
  }

  perMinute(nowMs: number): number {
    this.#moveTo(Math.floor(nowMs / 1_000))
    return this.#counts.reduce((sum, tokens) => sum + tokens, 0)
  }

  /** Seconds that went by had no tokens. */
  #moveTo(second: number): void {
    const gone = Math.min(second - this.#second, secondsKept)
    for (let i = 0; i < gone; i++) this.#counts[(second - i) % secondsKept] = 0
    this.#second = Math.max(second, this.#second)
  }
}
