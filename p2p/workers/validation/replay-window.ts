/** Nonces below the highest that may still come: gossip brings messages out of order. */
const windowBits = 64n
const windowMask = (1n << windowBits) - 1n

/** Which nonces of an author came: the highest, and a bit for each of the 64 up to it. Spec: RFC 4303, §3.4.3. */
export class ReplayWindow {
  #highest = -1n
  #seen = 0n

  /** Whether a nonce is new, was there, or is too old to tell. Changes nothing. */
  look(nonce: bigint): 'new' | 'seen' | 'old' {
    if (nonce > this.#highest) return 'new'
    const behind = this.#highest - nonce
    if (behind >= windowBits) return 'old'
    return ((this.#seen >> behind) & 1n) === 0n ? 'new' : 'seen'
  }

  /** Only for a nonce whose author is proven: else anyone could move the window on. */
  note(nonce: bigint): void {
    if (nonce > this.#highest) {
      const step = nonce - this.#highest
      this.#seen = step >= windowBits ? 1n : ((this.#seen << step) | 1n) & windowMask
      this.#highest = nonce
    } else if (this.look(nonce) === 'new') this.#seen |= 1n << (this.#highest - nonce)
  }
}
