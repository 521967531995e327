import { Worker } from 'node:worker_threads'
import { endWorker } from '../../../common/end-worker.ts'
import { P2pError } from '../../p2p-error.ts'
import type { Inspection, InspectionRules, InspectionTask } from './inspect.ts'

/** Messages that wait for the thread; op-node's validation queue. */
export const queueMessagesMax = 256
/** Bytes that wait with them: six of the largest messages. */
export const queueBytesMax = 64 * 1024 * 1024
/** A message that takes longer is given up, and the thread with it. The largest block takes a third of a second. */
export const inspectionMsMax = 10_000

type Waiting = {
  readonly bytes: number
  /** Runs once the thread is ready: starting one takes a second, and many on a busy machine. */
  timer: NodeJS.Timeout | undefined
  readonly resolve: (inspection: Inspection) => void
  readonly reject: (error: P2pError) => void
}
type Thread = { readonly worker: Worker; readonly ready: Promise<void> }
type Answer =
  | { readonly ready: true }
  | { readonly key: number; readonly inspection: Inspection }
  | { readonly key: number; readonly error: string }

/** Inspects messages on a thread of its own, so that signatures, hashes and decompression never stop the event loop. */
export class Inspector {
  readonly #rules: InspectionRules
  readonly #waiting = new Map<number, Waiting>()
  #thread: Thread | undefined
  #nextKey = 0
  #bytes = 0

  constructor(rules: InspectionRules) {
    this.#rules = rules
  }

  get queued(): number {
    return this.#waiting.size
  }

  /** Resolves when the thread is ready to work. */
  async start(): Promise<void> {
    await this.#spawn().ready
  }

  /** Throws P2pError `busy` where the queue is full or the thread does not answer. */
  inspect(task: InspectionTask): Promise<Inspection> {
    const bytes = task.data.length
    if (this.#waiting.size >= queueMessagesMax || this.#bytes + bytes > queueBytesMax)
      return Promise.reject(new P2pError('busy', `${this.#waiting.size} gossip messages wait for validation`))
    // A message is a view into a larger frame: without a copy all of the frame would cross over, and be lost here.
    const data = new Uint8Array(task.data)
    const { worker, ready } = this.#thread ?? this.#spawn()
    const key = this.#nextKey++
    return new Promise((resolve, reject) => {
      this.#waiting.set(key, { bytes, timer: undefined, resolve, reject })
      this.#bytes += bytes
      worker.postMessage({ key, task: { ...task, data } }, [data.buffer])
      ready.then(
        () => this.#startTimer(key),
        () => {},
      )
    })
  }

  async stop(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    this.#failAll(new P2pError('stopped', 'the block network is shut down'))
    if (thread !== undefined) await endWorker(thread.worker, thread.ready)
  }

  #spawn(): Thread {
    const worker = new Worker(new URL('./inspect-worker.mjs', import.meta.url), { workerData: { rules: this.#rules } })
    const ready = new Promise<void>((resolve, reject) => {
      worker.once('message', () => resolve())
      worker.once('error', reject)
      worker.once('exit', () => reject(new P2pError('stopped', 'the validation thread ended')))
    })
    const thread = { worker, ready }
    worker.on('message', (answer: Answer) => this.#settle(answer))
    worker.on('error', (cause) => {
      if (this.#thread === thread) this.#thread = undefined
      this.#failAll(new P2pError('busy', 'the validation thread failed', { cause }))
    })
    this.#thread = thread
    return thread
  }

  #startTimer(key: number): void {
    const waiting = this.#waiting.get(key)
    if (waiting !== undefined) waiting.timer = setTimeout(() => this.#abandon(), inspectionMsMax)
  }

  /** The thread hangs: the next message starts another. */
  #abandon(): void {
    const thread = this.#thread
    this.#thread = undefined
    this.#failAll(new P2pError('busy', `validation took more than ${inspectionMsMax} ms`))
    void thread?.worker.terminate()
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
