import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { MessageAuthor } from './message-author.ts'
import { type ProofAnnounce, proofAnnounce } from './wire/messages.ts'
import type { WorkerNetwork } from './worker-network.ts'

/** What a worker says of a proof. */
export type OpenProof = Omit<ProofAnnounce, 'version' | 'chainId' | 'worker' | 'nonce' | 'expiry'>

/** Time to the second announcement, doubling up to the second value; a fifth of it at random. */
export const againMs = { first: 5_000, max: 40_000 } as const
/** An announcement lives as long as two rounds, so that a list of open ones always has it. */
const expirySeconds = 100
/** Proofs announced at a time; the oldest goes first. */
export const announcedMax = 1_024
const lookMs = 500

type Announced = {
  readonly proof: OpenProof
  readonly untilMs: number
  waitMs: number
  nextMs: number
  /** Checkers that took it, and until when others asked to be left alone. */
  readonly taken: Set<string>
  readonly busyUntilMs: Map<string, number>
}

type Parts = {
  readonly network: Pick<WorkerNetwork, 'publish' | 'submit' | 'peers'>
  readonly author: MessageAuthor
  readonly clock: Clock
  readonly log: Log
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * Announces proofs until a checker's verdict is heard or the time is over: by gossip, each time under a new nonce, and to each
 * checker that is connected by a submission, until it took it. Gossip marks a message as seen before it is judged, so what a
 * full queue dropped comes back only like this.
 */
export class Announcer {
  readonly #parts: Parts
  readonly #open = new Map<Hex, Announced>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Begins with the next look. */
  announce(proof: OpenProof, untilMs: number): void {
    const nowMs = this.#parts.clock.nowMs()
    const entry = {
      proof,
      untilMs,
      waitMs: againMs.first,
      nextMs: nowMs,
      taken: new Set<string>(),
      busyUntilMs: new Map(),
    }
    this.#open.delete(proof.requestId)
    this.#open.set(proof.requestId, entry)
    const oldest = this.#open.keys().next()
    if (this.#open.size > announcedMax && oldest.done !== true) this.#open.delete(oldest.value)
  }

  /** A verdict was heard. */
  done(requestId: Hex): void {
    this.#open.delete(requestId)
  }

  get size(): number {
    return this.#open.size
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal)
      await this.#parts.clock.sleep(lookMs, signal)
    }
  }

  /** Announces what is due; what tests call instead of `run`. */
  async look(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs()
    for (const [requestId, entry] of this.#open) {
      if (entry.untilMs <= nowMs) this.#open.delete(requestId)
      else if (entry.nextMs <= nowMs) await this.#say(entry, nowMs, signal)
    }
  }

  async #say(entry: Announced, nowMs: number, signal: AbortSignal): Promise<void> {
    const { network, author, log, random } = this.#parts
    entry.nextMs = nowMs + entry.waitMs * (0.9 + 0.2 * random())
    entry.waitMs = Math.min(2 * entry.waitMs, againMs.max)
    const bytes = author.message(proofAnnounce, { ...entry.proof, worker: author.address }, expirySeconds)
    try {
      await network.publish('proofs', bytes)
    } catch (error) {
      log.debug('announcement not published', { request: entry.proof.requestId, error: errorMessage(error) })
    }
    const checkers = network.peers().filter(({ role }) => role === 'checker')
    const here = new Set(checkers.map(({ peerId }) => peerId))
    for (const known of [entry.taken, entry.busyUntilMs]) {
      for (const peerId of known.keys()) if (!here.has(peerId)) known.delete(peerId)
    }
    const due = checkers.filter(
      ({ peerId }) => !entry.taken.has(peerId) && (entry.busyUntilMs.get(peerId) ?? 0) <= nowMs,
    )
    await Promise.all(due.map(({ peerId }) => this.#submit(entry, peerId, bytes, signal)))
  }

  async #submit(entry: Announced, peerId: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const { network, clock, log } = this.#parts
    try {
      const answer = await network.submit(peerId, bytes, signal)
      if (answer.kind === 'accepted') entry.taken.add(peerId)
      else if (answer.kind === 'busy') {
        entry.busyUntilMs.set(peerId, clock.nowMs() + answer.retryAfterMs)
        entry.nextMs = Math.min(entry.nextMs, clock.nowMs() + Math.max(lookMs, answer.retryAfterMs))
      } else log.debug('submission rejected', { request: entry.proof.requestId, peer: peerId, code: answer.code })
    } catch (error) {
      if (!signal.aborted) log.debug('submission failed', { peer: peerId, error: errorMessage(error) })
    }
  }
}
