import { errorMessage } from './errors.ts'
import type { Log } from './log.ts'

/** What was opened and must be closed, last first. One that fails to close does not keep the others open. */
export class Closers {
  readonly #log: Log
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = []

  constructor(log: Log) {
    this.#log = log
  }

  add(name: string, close: () => unknown): void {
    this.#closers.push({ name, close })
  }

  async close(): Promise<void> {
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      try {
        await next.close()
      } catch (error) {
        this.#log.warn('could not be closed', { part: next.name, error: errorMessage(error) })
      }
    }
  }
}

/** What `open` opens part by part; where it throws, what was open by then is closed again, and the error goes on. */
export async function opened<T>(log: Log, open: (closers: Closers) => Promise<T>): Promise<T> {
  const closers = new Closers(log)
  try {
    return await open(closers)
  } catch (error) {
    await closers.close()
    throw error
  }
}
