import type { Clock } from '../../../common/clock.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { ProofAnnounce } from '../wire/messages.ts'

/** Announcements kept for who comes late; the oldest goes first. */
export const openProofsMax = 4_096

type Open = { readonly bytes: Uint8Array; readonly atSeconds: number; readonly expirySeconds: number }

/** Announcements in force, the newest of each worker and request: what a checker that comes late asks for. */
export class OpenProofs {
  readonly #clock: Clock
  readonly #open = new Map<string, Open>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add({ worker, requestId, expiry }: ProofAnnounce, bytes: Uint8Array): void {
    const key = `${worker}/${requestId}`
    this.#open.delete(key)
    this.#open.set(key, { bytes, atSeconds: this.#nowSeconds(), expirySeconds: Number(expiry) })
    const oldest = this.#open.keys().next()
    if (this.#open.size > openProofsMax && oldest.done !== true) this.#open.delete(oldest.value)
  }

  /** The proof is checked, or the request settled. */
  close(worker: Hex, requestId: Hex): void {
    this.#open.delete(`${worker}/${requestId}`)
  }

  /** Those that came at `sinceSeconds` or later and have not expired, oldest first. */
  since(sinceSeconds: number): readonly Uint8Array[] {
    const now = this.#nowSeconds()
    for (const [key, { expirySeconds }] of this.#open) if (expirySeconds < now) this.#open.delete(key)
    return [...this.#open.values()].filter(({ atSeconds }) => atSeconds >= sinceSeconds).map(({ bytes }) => bytes)
  }

  get size(): number {
    return this.#open.size
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.nowMs() / 1_000)
  }
}
