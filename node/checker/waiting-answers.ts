import type { ProofAnnounce } from '../../p2p/workers/wire/messages.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** Announcements that wait for their batch, or for their turn; the oldest goes first. */
export const waitingMax = 4_096

export type Waiting = { readonly announce: ProofAnnounce; pulls: number; nextMs: number }

/** Announced answers that were not judged yet, the last announcement of each. */
export class WaitingAnswers {
  readonly #byKey = new Map<string, Waiting>()
  /** When a worker's answer was last looked at, of those that have answers here. */
  readonly #lookedAtMs = new Map<Hex, number>()

  get size(): number {
    return this.#byKey.size
  }

  add(announce: ProofAnnounce): void {
    const key = keyOf(announce)
    const known = this.#byKey.get(key)
    this.#byKey.delete(key)
    this.#byKey.set(key, { announce, pulls: known?.pulls ?? 0, nextMs: known?.nextMs ?? 0 })
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size > waitingMax && oldest !== undefined) this.#byKey.delete(oldest)
  }

  get(answer: Pick<ProofAnnounce, 'worker' | 'requestId'>): ProofAnnounce | undefined {
    return this.#byKey.get(keyOf(answer))?.announce
  }

  remove(answer: Pick<ProofAnnounce, 'worker' | 'requestId'>): void {
    this.#byKey.delete(keyOf(answer))
  }

  /** One due answer of each worker that has some, who waited longest first: no worker's slowness takes another's turn. */
  turns(nowMs: number, isReady: (waiting: Waiting) => boolean): Waiting[] {
    const first = new Map<Hex, Waiting>()
    for (const waiting of this.#byKey.values()) {
      const { worker } = waiting.announce
      if (!first.has(worker) && waiting.nextMs <= nowMs && isReady(waiting)) first.set(worker, waiting)
    }
    const workers = new Set([...this.#byKey.values()].map(({ announce }) => announce.worker))
    for (const worker of this.#lookedAtMs.keys()) if (!workers.has(worker)) this.#lookedAtMs.delete(worker)
    const since = ({ announce }: Waiting) => this.#lookedAtMs.get(announce.worker) ?? 0
    return [...first.values()].sort((a, b) => since(a) - since(b))
  }

  /** A worker's turn begins. */
  begin({ announce }: Waiting, nowMs: number): void {
    this.#lookedAtMs.set(announce.worker, nowMs)
  }
}

export const keyOf = ({ worker, requestId }: Pick<ProofAnnounce, 'worker' | 'requestId'>): string =>
  `${worker}/${requestId}`
