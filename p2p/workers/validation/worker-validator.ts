import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../../common/clock.ts'
import { LruCache } from '../../../common/lru-cache.ts'
import { counter } from '../../../common/metrics.ts'
import { equalBytes, type Hex } from '../../../protocol/bytes.ts'
import { type RateLimit, TokenBucket } from '../../token-bucket.ts'
import type { JobsView, RegistryView } from '../registry-view.ts'
import { networkSeparator, wireVersion } from '../wire/signed-message.ts'
import type { TopicName } from '../wire/topics.ts'
import type { Deed } from '../worker-deeds.ts'
import { type KindRules, kindByLength, readMessage, type WorkerMessage } from './message-kinds.ts'
import { ReplayWindow } from './replay-window.ts'

/** Clocks of honest nodes differ by less. */
export const skewSeconds = 5
/** Authors and kinds whose nonces and rates are kept: those unused for longest go first. */
const authorsMax = 16_384
/** Messages kept by nonce, to tell a repeated one from a second one: some MB. */
const messagesMax = 16_384
/** Of requests that our head does not know yet. */
export const parkedMax = 1_024

/** Two messages that an author signed under one nonce. */
export type Evidence = {
  readonly kind: WorkerMessage['kind']
  readonly author: Hex
  readonly first: Uint8Array
  readonly second: Uint8Array
}

/** A message whose author is proven. */
export type Accepted = {
  readonly message: WorkerMessage
  readonly author: Hex
  readonly bytes: Uint8Array
  readonly from: string
}

export type Judgement = 'accept' | 'ignore' | 'reject'

export type ValidatorOptions = {
  readonly chainId: bigint
  /** Messages whose signature is looked at, of all peers together. */
  readonly globalRate: RateLimit
}

export type ValidatorParts = {
  readonly clock: Clock
  readonly metrics: Registry
  readonly registry: RegistryView
  readonly jobs: JobsView
  readonly count: (peerId: string, deed: Deed) => void
  readonly onAccepted: (accepted: Accepted) => void
  readonly onEvidence: (evidence: Evidence) => void
}

type Author = { readonly window: ReplayWindow; readonly bucket: TokenBucket }

/** Decides what becomes of a message, cheapest question first. docs/WORKER-NETWORK.md §5. */
export class WorkerValidator {
  readonly #separator: Uint8Array
  readonly #options: ValidatorOptions
  readonly #parts: ValidatorParts
  readonly #global: TokenBucket
  readonly #authors = new LruCache<string, Author>(authorsMax)
  readonly #messages = new LruCache<string, Uint8Array>(messagesMax)
  readonly #parked = new Map<string, { readonly topic: TopicName; readonly bytes: Uint8Array; readonly from: string }>()
  readonly #results: Counter<'topic' | 'result' | 'reason'>

  constructor(options: ValidatorOptions, parts: ValidatorParts) {
    this.#options = options
    this.#parts = parts
    this.#separator = networkSeparator(options.chainId)
    this.#global = new TokenBucket(options.globalRate, parts.clock.nowMs())
    this.#results = counter(parts.metrics, 'p2p_worker_messages_total', 'Worker messages by what became of them', [
      'topic',
      'result',
      'reason',
    ])
  }

  /** What gossip does with a message. Never throws. */
  judge(from: string, topic: TopicName, bytes: Uint8Array): Judgement {
    return this.outcome(from, topic, bytes).result
  }

  /** The same with the reason, for direct streams. Never throws. */
  outcome(from: string, topic: TopicName, bytes: Uint8Array): Outcome {
    return this.#told(from, topic, this.#judge(from, topic, bytes, false))
  }

  /** Judges again what waited for its request; after each new head. */
  retryParked(): void {
    const parked = [...this.#parked]
    this.#parked.clear()
    for (const [, { from, topic, bytes }] of parked) this.#told(from, topic, this.#judge(from, topic, bytes, true))
  }

  get parked(): number {
    return this.#parked.size
  }

  #told(from: string, topic: TopicName, outcome: Outcome): Outcome {
    const { result, reason, deed } = outcome
    this.#results.inc({ topic, result, reason })
    if (deed !== undefined) this.#parts.count(from, deed)
    return outcome
  }

  /** `isParked`: it waited here, so its signature was looked at and its author's rate used. */
  #judge(from: string, topic: TopicName, bytes: Uint8Array, isParked: boolean): Outcome {
    const rules = kindByLength.get(`${topic}/${bytes.length}`)
    if (rules === undefined) return outcomes.length
    const { message, fault } = readMessage(rules.kind, bytes)
    const { version, chainId, nonce, expiry } = message.value
    if (version !== wireVersion || chainId !== this.#options.chainId) return outcomes.chain
    if (fault !== undefined) return outcomes.values
    const nowMs = this.#parts.clock.nowMs()
    const leftSeconds = Number(expiry) - nowMs / 1_000
    if (leftSeconds < -skewSeconds) return outcomes.expired
    if (leftSeconds < 0) return outcomes.justExpired
    if (leftSeconds > rules.horizonSeconds + skewSeconds) return outcomes.tooFar
    const name = rules.message.author(bytes)
    const standing = this.#standing(name, rules)
    if (standing !== 'admitted') return standing === 'unknown' ? outcomes.unknownAuthor : outcomes.inactive
    const author = this.#author(`${rules.kind}/${name}`, rules, nowMs)
    const key = `${rules.kind}/${name}/${nonce}`
    const seen = author.window.look(nonce)
    if (seen === 'old') return outcomes.replayed
    const first = seen === 'seen' ? this.#messages.get(key) : undefined
    if (seen === 'seen' && (first === undefined || equalBytes(first, bytes))) return outcomes.duplicate
    if (!isParked && !author.bucket.has(1, nowMs)) return outcomes.authorRate
    if (!isParked && !this.#global.take(1, nowMs)) return outcomes.busy
    const job = this.#jobOf(message)
    if (job === 'closed') return outcomes.closed
    if (!isParked && !rules.message.isSigned(bytes, this.#separator)) return outcomes.forged
    // Only now: who forges an author's messages uses up neither what the author may send nor the places of what waits.
    if (!isParked) author.bucket.take(1, nowMs)
    if (job === 'unknown') return this.#park(key, { from, topic, bytes })
    if (first !== undefined) {
      this.#parts.onEvidence({ kind: rules.kind, author: name, first, second: new Uint8Array(bytes) })
      return outcomes.equivocation
    }
    author.window.note(nonce)
    const kept = new Uint8Array(bytes)
    this.#messages.set(key, kept)
    this.#parts.onAccepted({ message, author: name, bytes: kept, from })
    return outcomes.accept
  }

  #standing(author: Hex, rules: KindRules): 'admitted' | 'unknown' | 'inactive' {
    const { registry } = this.#parts
    if (rules.author !== 'worker' && registry.isChecker(author)) return 'admitted'
    if (rules.author === 'checker') return 'unknown'
    const worker = registry.worker(author)
    if (worker === undefined) return 'unknown'
    return worker.isActive ? 'admitted' : 'inactive'
  }

  #author(key: string, rules: KindRules, nowMs: number): Author {
    const known = this.#authors.get(key)
    if (known !== undefined) return known
    return this.#authors.set(key, { window: new ReplayWindow(), bucket: new TokenBucket(rules.rate, nowMs) })
  }

  /** Only of a request opened on chain can we know whether it is; a voucher's is between payer and worker. */
  #jobOf(message: WorkerMessage): 'open' | 'closed' | 'unknown' {
    const isOnChain = message.kind === 'job' || (message.kind === 'proof' && message.value.origin === 1)
    return isOnChain ? this.#parts.jobs.state(message.value.requestId) : 'open'
  }

  #park(
    key: string,
    message: { readonly from: string; readonly topic: TopicName; readonly bytes: Uint8Array },
  ): Outcome {
    if (this.#parked.size >= parkedMax && !this.#parked.has(key)) return outcomes.parkFull
    this.#parked.set(key, { ...message, bytes: new Uint8Array(message.bytes) })
    return outcomes.parked
  }
}

export type Outcome = { readonly result: Judgement; readonly reason: string; readonly deed?: Deed }

const outcomes = {
  accept: { result: 'accept', reason: '' },
  length: { result: 'reject', reason: 'length', deed: 'malformed' },
  chain: { result: 'reject', reason: 'chain', deed: 'malformed' },
  values: { result: 'reject', reason: 'values', deed: 'malformed' },
  expired: { result: 'reject', reason: 'expired', deed: 'untimely' },
  justExpired: { result: 'ignore', reason: 'just-expired' },
  tooFar: { result: 'reject', reason: 'too-far', deed: 'untimely' },
  unknownAuthor: { result: 'ignore', reason: 'unknown-author', deed: 'unknownAuthor' },
  inactive: { result: 'ignore', reason: 'inactive-author' },
  replayed: { result: 'ignore', reason: 'replayed' },
  duplicate: { result: 'ignore', reason: 'duplicate' },
  authorRate: { result: 'ignore', reason: 'author-rate' },
  busy: { result: 'ignore', reason: 'busy' },
  closed: { result: 'ignore', reason: 'closed' },
  parked: { result: 'ignore', reason: 'parked' },
  parkFull: { result: 'ignore', reason: 'park-full' },
  forged: { result: 'reject', reason: 'forged', deed: 'malformed' },
  equivocation: { result: 'reject', reason: 'equivocation', deed: 'untimely' },
} as const satisfies Record<string, Outcome>
