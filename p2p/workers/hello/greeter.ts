import type { Clock } from '../../../common/clock.ts'
import { errorMessage } from '../../../common/errors.ts'
import type { Log } from '../../../common/log.ts'
import type { HelloStatus } from './hello-wire.ts'

/** A hello that one side did not like is said again: the registry of one of us may be behind. */
const againMs = 5_000
/** Before a binding expires or a role is taken back unheard. */
const renewMs = 5 * 60_000

type Parts = {
  readonly clock: Clock
  readonly log: Log
  /** Peers that we dialled. */
  readonly dialled: () => readonly string[]
  readonly greet: (peerId: string) => Promise<{ readonly theirs: HelloStatus; readonly ours: HelloStatus }>
}

/** Says hello to each peer that we dialled, and again from time to time. */
export class Greeter {
  readonly #parts: Parts
  readonly #nextMs = new Map<string, number>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Greets who is due; each second, and when a peer connects. */
  async tick(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs()
    const dialled = new Set(this.#parts.dialled())
    for (const peerId of this.#nextMs.keys()) if (!dialled.has(peerId)) this.#nextMs.delete(peerId)
    const due = [...dialled].filter((peerId) => (this.#nextMs.get(peerId) ?? 0) <= nowMs)
    for (const peerId of due) this.#nextMs.set(peerId, nowMs + againMs)
    await Promise.all(due.map((peerId) => this.#greet(peerId)))
  }

  async #greet(peerId: string): Promise<void> {
    const { greet, clock, log } = this.#parts
    try {
      const { theirs, ours } = await greet(peerId)
      if (theirs === 'welcome' && ours === 'welcome') this.#nextMs.set(peerId, clock.nowMs() + renewMs)
      else log.debug('hello', { peer: peerId, theirs, ours })
    } catch (error) {
      log.debug('hello failed', { peer: peerId, error: errorMessage(error) })
    }
  }
}
