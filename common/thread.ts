import { type TransferListItem, Worker } from 'node:worker_threads'

export type ThreadOptions<From> = {
  /** The worker file. */
  readonly file: URL
  /** What it is for, in errors. */
  readonly name: string
  /** Copied to the thread. */
  readonly data?: unknown
  readonly onMessage: (message: From) => void
  /** It died or was closed: whatever it was asked is lost. */
  readonly onEnd: (error: unknown) => void
}

/** A thread that starts with the first message posted to it, and with the next one where it died. */
export class Thread<To, From> {
  readonly #options: ThreadOptions<From>
  #worker: Worker | undefined

  constructor(options: ThreadOptions<From>) {
    this.#options = options
  }

  get isRunning(): boolean {
    return this.#worker !== undefined
  }

  post(message: To, transfer: readonly TransferListItem[] = []): void {
    this.#worker ??= this.#start()
    this.#worker.postMessage(message, transfer)
  }

  /** Ends it; a message after that starts another. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#end(worker, new Error(`the thread for ${this.#options.name} was closed`))
    await worker?.terminate()
  }

  #start(): Worker {
    const { file, name, data, onMessage } = this.#options
    const worker = new Worker(file, { workerData: data })
    worker.on('error', (error) => this.#end(worker, error))
    worker.on('exit', () => this.#end(worker, new Error(`the thread for ${name} ended`)))
    worker.on('message', onMessage)
    return worker
  }

  #end(worker: Worker | undefined, error: unknown): void {
    if (worker === undefined || worker !== this.#worker) return
    this.#worker = undefined
    this.#options.onEnd(error)
  }
}
