import type { Clock } from '../../common/clock.ts'
import type { RecordStore } from './record-store.ts'

/** Peers remembered; beyond it the one not heard of for longest is forgotten, those that never answered first. */
export const peersKnownMax = 1_000
/** An address not seen again for that long is not dialled any more; op-node's value. */
export const addressMsMax = 24 * 3_600_000
/** Wait after a dial that failed, doubling up to the second value. */
export const redialMs = { first: 10_000, max: 3_600_000 } as const

/** A peer heard of, connected or not. */
export type KnownPeer = {
  readonly peerId: string
  readonly multiaddr: string
  readonly enr?: string | undefined
  readonly chainId?: string | undefined
  /** We were connected once: a record alone may name any address. */
  readonly answered?: boolean | undefined
  readonly seenMs: number
}

type Attempts = { readonly failures: number; readonly nextMs: number }

/** Where peers are found again: what discovery and connections told, over restarts. */
export class PeerBook {
  readonly #parts: { readonly store: RecordStore; readonly clock: Clock }
  readonly #peers = new Map<string, KnownPeer>()
  readonly #attempts = new Map<string, Attempts>()

  private constructor(parts: { readonly store: RecordStore; readonly clock: Clock }) {
    this.#parts = parts
  }

  /** Reads the peers of earlier runs; those not heard of for a day are forgotten. */
  static async open(parts: { readonly store: RecordStore; readonly clock: Clock }): Promise<PeerBook> {
    const book = new PeerBook(parts)
    const oldest = parts.clock.nowMs() - addressMsMax
    for (const [key, value] of await parts.store.all()) {
      if (!key.startsWith('peer/')) continue
      if (isKnownPeer(value) && value.seenMs >= oldest) book.#peers.set(value.peerId, value)
      else parts.store.delete(key)
    }
    return book
  }

  /** A peer told of itself, or is connected. */
  seen(peer: Omit<KnownPeer, 'seenMs'>): void {
    const known: KnownPeer = { ...this.#peers.get(peer.peerId), ...peer, seenMs: this.#parts.clock.nowMs() }
    // A Map iterates in insertion order: the first is the one not heard of for longest.
    this.#peers.delete(peer.peerId)
    this.#peers.set(peer.peerId, known)
    this.#parts.store.put(`peer/${peer.peerId}`, known)
    if (this.#peers.size > peersKnownMax) this.#forgetOne()
  }

  forget(peerId: string): void {
    this.#peers.delete(peerId)
    this.#attempts.delete(peerId)
    this.#parts.store.delete(`peer/${peerId}`)
  }

  get(peerId: string): KnownPeer | undefined {
    return this.#peers.get(peerId)
  }

  all(): readonly KnownPeer[] {
    return [...this.#peers.values()]
  }

  /** Peers that may be dialled now: those that answered before come first, else in random order. */
  candidates(): readonly KnownPeer[] {
    const now = this.#parts.clock.nowMs()
    const isDue = ({ peerId, seenMs }: KnownPeer) =>
      now - seenMs < addressMsMax && (this.#attempts.get(peerId)?.nextMs ?? 0) <= now
    // At random, so that no node is everyone's first choice.
    const rank = (peer: KnownPeer) => Math.random() - (peer.answered === true ? 1 : 0)
    const ranked = this.all()
      .filter(isDue)
      .map((peer) => [rank(peer), peer] as const)
    return ranked.toSorted(([a], [b]) => a - b).map(([, peer]) => peer)
  }

  dialled(peerId: string, succeeded: boolean): void {
    if (succeeded || !this.#peers.has(peerId)) {
      this.#attempts.delete(peerId)
      return
    }
    const failures = (this.#attempts.get(peerId)?.failures ?? 0) + 1
    const waitMs = Math.min(redialMs.first * 2 ** (failures - 1), redialMs.max)
    this.#attempts.set(peerId, { failures, nextMs: this.#parts.clock.nowMs() + waitMs })
  }

  /** The first of the map is the one not heard of for longest. */
  #forgetOne(): void {
    const [oldest] = this.#peers.keys()
    const stranger = this.all().find((peer) => peer.answered !== true)?.peerId
    const peerId = stranger ?? oldest
    if (peerId !== undefined) this.forget(peerId)
  }
}

function isKnownPeer(value: unknown): value is KnownPeer {
  if (typeof value !== 'object' || value === null) return false
  const { peerId, multiaddr, seenMs } = value as Record<string, unknown>
  return typeof peerId === 'string' && typeof multiaddr === 'string' && typeof seenMs === 'number'
}
