import type { TransferListItem } from 'node:worker_threads'
import { Thread, type ThreadOptions } from './thread.ts'
import type { FailedJob } from './thread-job.ts'

/** What the thread posts of a task. `id`: the task's. */
export type Reply<Done> = { readonly id: number } & ({ readonly done: Done } | { readonly failed: FailedJob })

type Asked<Done> = { readonly resolve: (done: Done) => void; readonly reject: (error: unknown) => void }

export type AskedThreadOptions<Other> = Pick<ThreadOptions<unknown>, 'file' | 'name' | 'data'> & {
  /** Tasks that may wait at once; any number where absent. */
  readonly waitingMax?: number
  readonly errorOf?: (failed: FailedJob) => Error
  /** What the thread posts beside replies. */
  readonly onOther?: (message: Other) => void
}

/** A {@link Thread} that is given tasks and replies to each, in whatever order. One that died takes its tasks along. */
export class AskedThread<To, Done, Other = never> {
  readonly #thread: Thread<To, Reply<Done> | Other>
  readonly #options: AskedThreadOptions<Other>
  readonly #asked = new Map<number, Asked<Done>>()
  #last = 0

  constructor(options: AskedThreadOptions<Other>) {
    const { file, name, data } = options
    this.#options = options
    this.#thread = new Thread({
      file,
      name,
      data,
      onMessage: (message) => this.#take(message),
      onEnd: (error) => this.#fail(error),
    })
  }

  /** Resolves to the reply to the task that `make` gives its id. Throws Error with what the thread says, and where too many wait. */
  ask(make: (id: number) => To, transfer: readonly TransferListItem[] = []): Promise<Done> {
    const { name, waitingMax } = this.#options
    if (waitingMax !== undefined && this.#asked.size >= waitingMax) {
      return Promise.reject(new Error(`${waitingMax} tasks wait for the thread for ${name}: try again later`))
    }
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#thread.post(make(id), transfer)
    })
  }

  /** What nothing replies to; a thread that does not run needs not hear it. */
  tell(message: To): void {
    if (this.#thread.isRunning) this.#thread.post(message)
  }

  /** Ends the thread; tasks that wait fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  #take(message: Reply<Done> | Other): void {
    if (!isReply<Done>(message)) {
      this.#options.onOther?.(message as Other)
      return
    }
    const asked = this.#asked.get(message.id)
    this.#asked.delete(message.id)
    if ('failed' in message) asked?.reject(this.#options.errorOf?.(message.failed) ?? new Error(message.failed.message))
    else asked?.resolve(message.done)
  }

  #fail(error: unknown): void {
    const waiting = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of waiting) reject(error)
  }
}

function isReply<Done>(message: unknown): message is Reply<Done> {
  return typeof message === 'object' && message !== null && ('done' in message || 'failed' in message)
}
