import { AskedThread } from '../../common/asked-thread.ts'
import type { FloatOutcome, FloatPlaces, FloatTask, ToFloats } from './float-jobs.ts'

/** Answers that wait for their turn; each holds its fingerprint. */
const waitingMax = 64

/** Checks answers of float engines on a thread of its own: blocks are imported while they are run again. */
export class FloatThread {
  readonly #thread: AskedThread<ToFloats, FloatOutcome>

  constructor(places: FloatPlaces) {
    const file = new URL('./float-worker.mjs', import.meta.url)
    this.#thread = new AskedThread({ file, name: 'float checks', data: places, waitingMax })
  }

  /** Throws Error with what the thread says, and where too many wait. */
  check(task: FloatTask): Promise<FloatOutcome> {
    return this.#thread.ask((id) => ({ id, task }))
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
