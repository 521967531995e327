import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import { type L1BlockRef, sameBlock } from '../../protocol/block-ref.ts'
import type { L1Label } from './l1-source.ts'

/** `safe` and `finalized` move once an epoch; asking at every eighth poll is friendly to rate limits. */
export const pollsPerLabel = 8
/** Blocks remembered to tell a reorg from a gap; deeper reorgs are reported without their ancestor. */
export const blocksRemembered = 128
/** A poll that fails is repeated at the latest after this many milliseconds. */
export const pollBackoffMsMax = 30_000

export type L1HeadEvent =
  | { readonly kind: 'extended'; readonly head: L1BlockRef }
  /** `ancestor`: the newest block known to be on both chains; absent where it lies too deep to know. */
  | { readonly kind: 'reorg'; readonly head: L1BlockRef; readonly ancestor: L1BlockRef | undefined }
  | { readonly kind: 'safe' | 'finalized'; readonly head: L1BlockRef }

export type HeadSource = {
  readonly blockRefByLabel: (label: L1Label) => Promise<L1BlockRef | undefined>
  readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined>
}

type L1HeadsParts = {
  readonly l1: HeadSource
  /** Calls back when L1 tells of a new head; the labels are read at once then. Returns how to stop that. */
  readonly onNewHead?: (tell: () => void) => () => void
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/**
 * Follows the L1 labels and says when the head moved, and whether it grew or was replaced. It looks when L1 tells of a new
 * head, and at an interval all the same: a subscription may fall silent unnoticed.
 */
export class L1Heads {
  latest: L1BlockRef | undefined
  safe: L1BlockRef | undefined
  finalized: L1BlockRef | undefined
  readonly #options: { readonly pollIntervalMs: number }
  readonly #parts: L1HeadsParts
  readonly #listeners = new Set<(event: L1HeadEvent) => void>()
  /** Canonical blocks as last seen, oldest first. */
  #recent: L1BlockRef[] = []
  #polls = 0
  #stopped = new AbortController()
  /** Ends the wait between two polls. */
  #nap = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: { readonly pollIntervalMs: number }, parts: L1HeadsParts) {
    this.#options = options
    this.#parts = parts
  }

  /** Calls `listener` at every change; returns how to stop that. */
  on(listener: (event: L1HeadEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads all labels once, then goes on polling. Rejects where L1 cannot be reached at all. */
  async start(): Promise<void> {
    this.#stopped = new AbortController()
    await this.poll()
    this.#running = this.#loop(this.#stopped.signal)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#nap.abort()
    await this.#running
  }

  /** One look at L1. */
  async poll(): Promise<void> {
    const head = await this.#parts.l1.blockRefByLabel('latest')
    if (head !== undefined && (this.latest === undefined || !sameBlock(head, this.latest))) await this.#advance(head)
    if (this.#polls++ % pollsPerLabel !== 0) return
    await this.#pollLabel('safe')
    await this.#pollLabel('finalized')
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#parts.onNewHead?.(() => this.#nap.abort())
    let waitMs = this.#options.pollIntervalMs
    while (true) {
      await this.#parts.clock.sleep(waitMs, this.#nap.signal)
      if (signal.aborted) return unsubscribe?.()
      // A head told of from here on ends the next wait: this poll may have asked too early.
      this.#nap = new AbortController()
      try {
        await this.poll()
        waitMs = this.#options.pollIntervalMs
      } catch (error) {
        waitMs = Math.min(waitMs * 2, Math.max(pollBackoffMsMax, this.#options.pollIntervalMs))
        this.#parts.log.warn('l1 heads not read', { retryMs: waitMs, error: errorMessage(error) })
      }
    }
  }

  async #pollLabel(label: 'safe' | 'finalized'): Promise<void> {
    const head = await this.#parts.l1.blockRefByLabel(label)
    const known = this[label]
    if (head === undefined || (known !== undefined && sameBlock(head, known))) return
    this[label] = head
    heads(this.#parts.registry).set({ label }, Number(head.number))
    this.#emit({ kind: label, head })
  }

  async #advance(head: L1BlockRef): Promise<void> {
    const last = this.#recent.at(-1)
    const grows =
      last === undefined ||
      head.parentHash === last.hash ||
      (head.number > last.number && (await this.#isCanonical(last)))
    const ancestor = grows ? last : await this.#ancestor(head)
    const kept = ancestor === undefined ? [] : this.#recent.filter((ref) => ref.number <= ancestor.number)
    this.#recent = [...kept, head].slice(-blocksRemembered)
    this.latest = head
    heads(this.#parts.registry).set({ label: 'latest' }, Number(head.number))
    if (grows) return this.#emit({ kind: 'extended', head })
    reorgs(this.#parts.registry).inc()
    this.#parts.log.info('l1 reorg', { head: head.number, hash: head.hash, ancestor: ancestor?.number })
    this.#emit({ kind: 'reorg', head, ancestor })
  }

  /** The newest remembered block that is canonical still and lies below the new head. */
  async #ancestor(head: L1BlockRef): Promise<L1BlockRef | undefined> {
    for (const ref of this.#recent.toReversed()) {
      if (ref.hash === head.parentHash) return ref
      if (ref.number < head.number && (await this.#isCanonical(ref))) return ref
    }
    return undefined
  }

  async #isCanonical(ref: L1BlockRef): Promise<boolean> {
    return (await this.#parts.l1.blockRefByNumber(ref.number))?.hash === ref.hash
  }

  #emit(event: L1HeadEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

const heads = (registry: Registry) => gauge(registry, 'l1_head_number', 'height of the L1 labels', ['label'])
const reorgs = (registry: Registry) => counter(registry, 'l1_reorgs_total', 'times the L1 head was replaced')
