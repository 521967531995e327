import { type TransferListItem, Worker } from 'node:worker_threads'
import { endWorker } from './end-worker.ts'

/** A worker file's first message. */
export const loadedMessage = 'loaded'

export type ThreadOptions<From> = {
  /** The worker file; posts {@link loadedMessage} when its modules are loaded. */
  readonly file: URL
  /** What it is for, in errors. */
  readonly name: string
  /** Copied to the thread. */
  readonly data?: unknown
  readonly onMessage: (message: From) => void
  /** It died or was closed: whatever it was asked is lost, and it says nothing more. */
  readonly onEnd: (error: unknown) => void
}

/** A thread that starts with the first message posted to it, and with the next one where it died. */
export class Thread<To, From> {
  readonly #options: ThreadOptions<From>
  #worker: { readonly thread: Worker; readonly loaded: Promise<void> } | undefined

  constructor(options: ThreadOptions<From>) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  post(message: To, transfer: readonly TransferListItem[] = []): void {
    this.#worker ??= this.#start()
    this.#worker.thread.postMessage(message, transfer)
  }

  /** Ends it; a message after that starts another. */
  async close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    this.#end(worker.thread, new Error(`the thread for ${this.#options.name} was closed`))
    await endWorker(worker.thread, worker.loaded)
  }

  #start(): { readonly thread: Worker; readonly loaded: Promise<void> } {
    const { file, name, data, onMessage } = this.#options
    const thread = new Worker(file, { workerData: data })
    const loaded = new Promise<void>((resolve) => {
      thread.on('error', () => resolve())
      thread.on('exit', () => resolve())
      thread.on('message', (message: From | typeof loadedMessage) => {
        if (message === loadedMessage) resolve()
        else if (thread === this.#worker?.thread) onMessage(message as From)
      })
    })
    thread.on('error', (error) => this.#end(thread, error))
    thread.on('exit', () => this.#end(thread, new Error(`the thread for ${name} ended`)))
    return { thread, loaded }
  }

  #end(thread: Worker, error: unknown): void {
    if (thread !== this.#worker?.thread) return
    this.#worker = undefined
    this.#options.onEnd(error)
  }
}
