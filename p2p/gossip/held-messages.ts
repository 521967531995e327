import type { RPC } from '@chainsafe/libp2p-gossipsub/message'

/** Messages that go out at once when a peer has so many waiting; a receiver decodes no more of one RPC than its limit. */
const heldMax = 64

/** Messages that wait a moment for others to the same peer: one RPC costs little more than one message. */
export class HeldMessages {
  readonly #holdMs: number
  readonly #send: (peerId: string, messages: RPC.Message[]) => void
  readonly #waiting = new Map<string, RPC.Message[]>()
  #timer: NodeJS.Timeout | undefined

  constructor(holdMs: number, send: (peerId: string, messages: RPC.Message[]) => void) {
    this.#holdMs = holdMs
    this.#send = send
  }

  add(peerId: string, messages: readonly RPC.Message[]): void {
    const waiting = this.#waiting.get(peerId) ?? []
    this.#waiting.set(peerId, waiting)
    waiting.push(...messages)
    if (waiting.length >= heldMax) this.#flush(peerId, waiting)
    else this.#timer ??= setTimeout(() => this.#flushAll(), this.#holdMs)
  }

  /** What waits is lost. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
  }

  #flushAll(): void {
    this.#timer = undefined
    for (const [peerId, messages] of this.#waiting) this.#flush(peerId, messages)
  }

  #flush(peerId: string, messages: RPC.Message[]): void {
    this.#waiting.delete(peerId)
    for (let i = 0; i < messages.length; i += heldMax) this.#send(peerId, messages.slice(i, i + heldMax))
  }
}
