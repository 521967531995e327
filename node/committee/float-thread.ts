import { Thread } from '../../common/thread.ts'
import type { FloatOutcome, FloatTask, FromFloats, ToFloats } from './float-jobs.ts'

type Asked = { readonly resolve: (outcome: FloatOutcome) => void; readonly reject: (error: unknown) => void }

/** Answers that wait for their turn; each holds its fingerprint. */
const waitingMax = 64

/** Checks answers of float engines on a thread of its own: blocks are imported while they are run again. */
export class FloatThread {
  readonly #thread: Thread<ToFloats, FromFloats>
  readonly #asked = new Map<number, Asked>()
  #count = 0

  /** `folders`: where models are. */
  constructor(folders: readonly string[]) {
    this.#thread = new Thread({
      file: new URL('./float-worker.mjs', import.meta.url),
      name: 'float checks',
      data: folders,
      onMessage: (message) => this.#take(message),
      onEnd: (error) => this.#fail(error),
    })
  }

  /** Throws Error with what the thread says, and where too many wait. */
  check(task: FloatTask): Promise<FloatOutcome> {
    if (this.#asked.size >= waitingMax) return Promise.reject(new Error(`${waitingMax} answers wait`))
    return new Promise((resolve, reject) => {
      const id = ++this.#count
      this.#asked.set(id, { resolve, reject })
      this.#thread.post({ id, task })
    })
  }

  close(): Promise<void> {
    return this.#thread.close()
  }

  #take(message: FromFloats): void {
    const asked = this.#asked.get(message.id)
    this.#asked.delete(message.id)
    if ('failed' in message) asked?.reject(new Error(message.failed))
    else asked?.resolve(message.done)
  }

  #fail(error: unknown): void {
    const waiting = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of waiting) reject(error)
  }
}
