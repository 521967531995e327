import type { SyncEvent } from '../sync/sync.ts'
import { queryError } from './query-error.ts'

/** Events queued for a subscriber that does not read; past it the subscriber is cut. */
export const queuedEventsMax = 1000
/** Subscribers at once. */
export const subscribersMax = 1000

/** Hands the changes of the index to subscribers. */
export class IndexEvents {
  readonly #subscribers = new Set<Subscriber<unknown>>()

  /** Subscribers now. */
  get size(): number {
    return this.#subscribers.size
  }

  publish(event: SyncEvent): void {
    for (const subscriber of this.#subscribers) subscriber.push(event)
  }

  /**
   * What `toItems` makes of each event, made when it is read. Ends when the consumer returns or the index stops; fails
   * with LIMIT_EXCEEDED where the consumer falls behind. Throws LIMIT_EXCEEDED past {@link subscribersMax}.
   */
  subscribe<Item>(toItems: (event: SyncEvent) => readonly Item[]): AsyncIterableIterator<Item> {
    if (this.#subscribers.size >= subscribersMax)
      throw queryError('LIMIT_EXCEEDED', `${subscribersMax} subscriptions are open; try again later`)
    const subscriber: Subscriber<Item> = new Subscriber(toItems, () => this.#subscribers.delete(subscriber))
    this.#subscribers.add(subscriber)
    return subscriber
  }

  /** Ends every subscription. */
  stop(): void {
    for (const subscriber of this.#subscribers) void subscriber.return()
  }
}

/** By hand and no generator: one that waits for an event cannot be ended before the event comes. */
class Subscriber<Item> implements AsyncIterableIterator<Item> {
  readonly #toItems: (event: SyncEvent) => readonly Item[]
  readonly #onEnd: () => void
  readonly #events: SyncEvent[] = []
  #items: Item[] = []
  #state: 'open' | 'behind' | 'ended' = 'open'
  #wake: () => void = () => {}

  constructor(toItems: (event: SyncEvent) => readonly Item[], onEnd: () => void) {
    this.#toItems = toItems
    this.#onEnd = onEnd
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  push(event: SyncEvent): void {
    if (this.#events.length < queuedEventsMax) this.#events.push(event)
    else this.#end('behind')
    this.#wake()
  }

  async next(): Promise<IteratorResult<Item>> {
    for (;;) {
      if (this.#state === 'behind') {
        this.#state = 'ended'
        throw queryError('LIMIT_EXCEEDED', `${queuedEventsMax} events were not read in time; subscribe again`)
      }
      if (this.#state === 'ended') return { done: true, value: undefined }
      const item = this.#items.shift()
      if (item !== undefined) return { done: false, value: item }
      const event = this.#events.shift()
      if (event !== undefined) this.#items = [...this.#toItems(event)]
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  return(): Promise<IteratorResult<Item>> {
    if (this.#state === 'open') this.#end('ended')
    this.#wake()
    return Promise.resolve({ done: true, value: undefined })
  }

  #end(state: 'behind' | 'ended'): void {
    this.#state = state
    this.#events.length = 0
    this.#items = []
    this.#onEnd()
  }
}
