import { Worker } from 'node:worker_threads'
import { P2pError } from '../../p2p-error.ts'
import type { Inspection, InspectionRules, InspectionTask } from './inspect.ts'

/** Messages that wait for the thread; op-node's validation queue. */
export const queueMessagesMax = 256
/** Bytes that wait with them: six of the largest messages. */
export const queueBytesMax = 64 * 1024 * 1024
/** A message that takes longer is given up; op-node's validator timeout. The largest block takes a third of a second. */
export const inspectionMsMax = 3_000

type Waiting = {
  readonly bytes: number
  readonly timer: NodeJS.Timeout
  readonly resolve: (inspection: Inspection) => void
  readonly reject: (error: P2pError) => void
}
type Answer =
  | { readonly ready: true }
  | { readonly key: number; readonly inspection: Inspection }
  | { readonly key: number; readonly error: string }

/** Inspects messages on a thread of its own, so that signatures, hashes and decompression never stop the event loop. */
export class Inspector {
  readonly #rules: InspectionRules
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #nextKey = 0
  #bytes = 0

  constructor(rules: InspectionRules) {
    this.#rules = rules
  }

  get queued(): number {
    return this.#waiting.size
  }

  /** Resolves when the thread is ready to work. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = this.#spawn()
      worker.once('error', reject)
      worker.once('message', () => resolve())
    })
  }

  /** Throws P2pError `busy` where the queue is full or the thread does not answer. */
  inspect(task: InspectionTask): Promise<Inspection> {
    const bytes = task.data.length
    if (this.#waiting.size >= queueMessagesMax || this.#bytes + bytes > queueBytesMax)
      return Promise.reject(new P2pError('busy', `${this.#waiting.size} gossip messages wait for validation`))
    // A message is a view into a larger frame: without a copy all of the frame would cross over, and be lost here.
    const data = new Uint8Array(task.data)
    const worker = this.#worker ?? this.#spawn()
    const key = this.#nextKey++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#abandon(), inspectionMsMax)
      this.#waiting.set(key, { bytes, timer, resolve, reject })
      this.#bytes += bytes
      worker.postMessage({ key, task: { ...task, data } }, [data.buffer])
    })
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#failAll(new P2pError('stopped', 'the block network is shut down'))
    await worker?.terminate()
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('./inspect-worker.mjs', import.meta.url), { workerData: { rules: this.#rules } })
    worker.on('message', (answer: Answer) => this.#settle(answer))
    worker.on('error', (cause) => {
      if (this.#worker === worker) this.#worker = undefined
      this.#failAll(new P2pError('busy', 'the validation thread failed', { cause }))
    })
    this.#worker = worker
    return worker
  }

  /** The thread hangs: the next message starts another. */
  #abandon(): void {
    const worker = this.#worker
    this.#worker = undefined
    this.#failAll(new P2pError('busy', `validation took more than ${inspectionMsMax} ms`))
    void worker?.terminate()
  }

  #settle(answer: Answer): void {
    if (!('key' in answer)) return
    const waiting = this.#take(answer.key)
    if ('error' in answer) waiting?.reject(new P2pError('busy', `validation failed: ${answer.error}`))
    else waiting?.resolve(answer.inspection)
  }

  #take(key: number): Waiting | undefined {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return undefined
    clearTimeout(waiting.timer)
    this.#waiting.delete(key)
    this.#bytes -= waiting.bytes
    return waiting
  }

  #failAll(error: P2pError): void {
    for (const key of [...this.#waiting.keys()]) this.#take(key)?.reject(error)
  }
}
