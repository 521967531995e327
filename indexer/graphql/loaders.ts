import type { Value } from '../store/store.ts'

type Waiting = {
  readonly read: (keys: readonly Value[]) => ReadonlyMap<Value, unknown>
  readonly calls: {
    readonly key: Value
    readonly resolve: (found: never) => void
    readonly reject: (e: unknown) => void
  }[]
}

/**
 * Collects what the fields of one level ask for, so that a level costs one statement and not one a node. Nothing is
 * kept: a subscription uses one context for ever. A flush is a tick and no turn of the event loop, so no block is
 * written in the middle of a query: all its statements see one state.
 */
export class Loaders {
  readonly #waiting = new Map<string, Waiting>()

  /** What `read` finds for `key`. Calls of one `name` are read together: the name says all that `read` depends on. */
  load<Found>(
    name: string,
    key: Value,
    read: (keys: readonly Value[]) => ReadonlyMap<Value, Found>,
  ): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(name) ?? this.#start(name, read)
      waiting.calls.push({ key, resolve, reject })
    })
  }

  #start(name: string, read: Waiting['read']): Waiting {
    const waiting: Waiting = { read, calls: [] }
    this.#waiting.set(name, waiting)
    // Behind the promises that are settled already: their fields ask too before anything is read.
    void Promise.resolve().then(() => process.nextTick(() => this.#flush(name, waiting)))
    return waiting
  }

  #flush(name: string, { read, calls }: Waiting): void {
    this.#waiting.delete(name)
    try {
      const found = read([...new Set(calls.map((call) => call.key))])
      // One name has one `read`, so what it found has the type that the caller waits for.
      for (const { key, resolve } of calls) resolve(found.get(key) as never)
    } catch (error) {
      for (const { reject } of calls) reject(error)
    }
  }
}
