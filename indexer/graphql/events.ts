import type { SyncEvent } from '../sync/sync.ts'

/** Events queued for a subscriber that does not read; past it the subscriber is cut. */
export const queuedEventsMax = 1000
/** Subscribers at once. */
export const subscribersMax = 1000

type Subscriber = { readonly queue: SyncEvent[]; wake: () => void; isCut: boolean }

/** Hands the changes of the index to subscribers. */
export class IndexEvents {
  readonly #subscribers = new Set<Subscriber>()

  publish(event: SyncEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.queue.length >= queuedEventsMax) subscriber.isCut = true
      else subscriber.queue.push(event)
      subscriber.wake()
    }
  }

  /** Ends when the consumer returns, falls behind, or the index stops. Throws RangeError past {@link subscribersMax}. */
  async *subscribe(): AsyncGenerator<SyncEvent> {
    if (this.#subscribers.size >= subscribersMax) throw new RangeError('too many subscribers')
    const subscriber: Subscriber = { queue: [], wake: () => {}, isCut: false }
    this.#subscribers.add(subscriber)
    try {
      for (;;) {
        const event = subscriber.queue.shift()
        if (event !== undefined) yield event
        else if (subscriber.isCut) return
        else
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
          })
      }
    } finally {
      this.#subscribers.delete(subscriber)
    }
  }

  /** Ends every subscription. */
  stop(): void {
    for (const subscriber of this.#subscribers) {
      subscriber.isCut = true
      subscriber.wake()
    }
  }
}
