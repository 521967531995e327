/** Rate limit: `burst` tokens at first, `perSecond` more up to that. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #atMs: number

  constructor(limit: RateLimit, nowMs: number) {
    this.#perSecond = limit.perSecond
    this.#burst = limit.burst
    this.#tokens = limit.burst
    this.#atMs = nowMs
  }

  /** False, and nothing taken, where fewer than `count` tokens are left. */
  take(count: number, nowMs: number): boolean {
    this.#refill(nowMs)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Whether {@link take} would take. */
  has(count: number, nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= count
  }

  /** Takes `count` tokens on credit and says how many milliseconds to wait for them. */
  reserve(count: number, nowMs: number): number {
    this.#refill(nowMs)
    this.#tokens -= count
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1_000
  }

  /** Gives back what was reserved and is not waited for. */
  release(count: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + count)
  }

  #refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs / 1_000) * this.#perSecond)
    this.#atMs = nowMs
  }
}

export type RateLimit = { readonly perSecond: number; readonly burst: number }
