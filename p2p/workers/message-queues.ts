import { Gauge, type Registry } from 'prom-client'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import type { MessageKind, WorkerMessage } from './validation/message-kinds.ts'
import type { Accepted } from './validation/worker-validator.ts'

/** What the owner does with a message, `bytes` as it was signed; the next one of its kind waits until it is done. */
export type MessageHandlers = {
  readonly [K in MessageKind]?: (
    value: Extract<WorkerMessage, { kind: K }>['value'],
    from: string,
    bytes: Uint8Array,
  ) => Promise<void> | void
}

/**
 * What waits for the owner, and what goes where there is too much: the newest proof, since its worker announces it again;
 * the oldest verdict and job; of what an author says of itself only the latest counts.
 */
const policies: Readonly<
  Record<MessageKind, { readonly lengthMax: number; readonly drop: 'newest' | 'oldest'; readonly latest: boolean }>
> = {
  proof: { lengthMax: 4_096, drop: 'newest', latest: false },
  job: { lengthMax: 1_024, drop: 'oldest', latest: false },
  verdict: { lengthMax: 4_096, drop: 'oldest', latest: false },
  heartbeat: { lengthMax: 4_096, drop: 'newest', latest: true },
  capability: { lengthMax: 4_096, drop: 'newest', latest: true },
}
export const queueLengthMax = policies.proof.lengthMax

type Queue = { readonly waiting: Map<string, Accepted>; isRunning: boolean }

/** Accepted messages on their way to the owner: a bounded queue for each kind, one handler at a time. */
export class MessageQueues {
  readonly #handlers: MessageHandlers
  readonly #log: Log
  readonly #metrics: Registry
  readonly #queues = new Map<MessageKind, Queue>()
  #count = 0
  #stopped = false

  constructor(handlers: MessageHandlers, { log, metrics }: { readonly log: Log; readonly metrics: Registry }) {
    this.#handlers = handlers
    this.#log = log
    this.#metrics = metrics
    for (const kind of Object.keys(policies) as MessageKind[])
      this.#queues.set(kind, { waiting: new Map(), isRunning: false })
    const queues = this.#queues
    new Gauge({
      name: 'p2p_worker_messages_queued',
      help: 'Worker messages that wait for their handler',
      labelNames: ['kind'],
      registers: [metrics],
      collect() {
        for (const [kind, { waiting }] of queues) this.set({ kind }, waiting.size)
      },
    })
  }

  /** False where it is dropped. */
  push(accepted: Accepted): boolean {
    const { kind } = accepted.message
    const queue = this.#queues.get(kind)
    if (queue === undefined || this.#stopped || this.#handlers[kind] === undefined) return false
    const { lengthMax, drop, latest } = policies[kind]
    const key = latest ? accepted.author : String(this.#count++)
    if (queue.waiting.size >= lengthMax && !queue.waiting.has(key)) {
      dropped(this.#metrics).inc({ kind })
      if (drop === 'newest') return false
      const [oldest] = queue.waiting.keys()
      if (oldest !== undefined) queue.waiting.delete(oldest)
    }
    queue.waiting.set(key, accepted)
    if (!queue.isRunning) void this.#run(queue)
    return true
  }

  length(kind: MessageKind): number {
    return this.#queues.get(kind)?.waiting.size ?? 0
  }

  /** Nothing more is handed on. */
  stop(): void {
    this.#stopped = true
    for (const { waiting } of this.#queues.values()) waiting.clear()
  }

  async #run(queue: Queue): Promise<void> {
    queue.isRunning = true
    for (let next = first(queue); next !== undefined; next = first(queue)) {
      try {
        await this.#handle(next)
      } catch (error) {
        this.#log.error('a worker message could not be handled', { kind: next.message.kind, error })
      }
    }
    queue.isRunning = false
  }

  #handle({ message, from, bytes }: Accepted): Promise<void> | void {
    switch (message.kind) {
      case 'proof':
        return this.#handlers.proof?.(message.value, from, bytes)
      case 'job':
        return this.#handlers.job?.(message.value, from, bytes)
      case 'verdict':
        return this.#handlers.verdict?.(message.value, from, bytes)
      case 'heartbeat':
        return this.#handlers.heartbeat?.(message.value, from, bytes)
      case 'capability':
        return this.#handlers.capability?.(message.value, from, bytes)
    }
  }
}

function first({ waiting }: Queue): Accepted | undefined {
  const [entry] = waiting
  if (entry === undefined) return undefined
  waiting.delete(entry[0])
  return entry[1]
}

const dropped = (metrics: Registry) =>
  counter(metrics, 'p2p_worker_messages_dropped_total', 'Worker messages dropped from a full queue', ['kind'])
