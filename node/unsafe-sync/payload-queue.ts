import type { BlockId } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'

/** Bytes of unsafe payloads kept for their turn; op-node's limit. */
export const queueBytesMax = 500 * 1024 * 1024
/** What a payload costs beside its transactions: header fields and bookkeeping. */
const overheadBytes = 800
const overheadBytesPerTransaction = 24

type Entry = { readonly envelope: PayloadEnvelope; readonly bytes: number }

/**
 * Unsafe payloads that wait for their parent: a min-heap by block number. When full it gives up the lowest number,
 * which derivation will reach first. Spec: op-node's PayloadsQueue.
 */
export class PayloadQueue {
  readonly #bytesMax: number
  readonly #heap: Entry[] = []
  readonly #hashes = new Set<Hex>()
  #bytes = 0

  constructor(bytesMax = queueBytesMax) {
    this.#bytesMax = bytesMax
  }

  get length(): number {
    return this.#heap.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: it is there already, or larger than the queue. */
  push(envelope: PayloadEnvelope): boolean {
    const { blockHash, transactions } = envelope.executionPayload
    const bytes = transactions.reduce((sum, tx) => sum + tx.length + overheadBytesPerTransaction, overheadBytes)
    if (this.#hashes.has(blockHash) || bytes > this.#bytesMax) return false
    this.#hashes.add(blockHash)
    this.#bytes += bytes
    this.#heap.push({ envelope, bytes })
    this.#up(this.#heap.length - 1)
    while (this.#bytes > this.#bytesMax) this.pop()
    return true
  }

  peek(): PayloadEnvelope | undefined {
    return this.#heap[0]?.envelope
  }

  pop(): PayloadEnvelope | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#down(0)
    }
    this.#hashes.delete(first.envelope.executionPayload.blockHash)
    this.#bytes -= first.bytes
    return first.envelope
  }

  /**
   * The payload to apply on `unsafe` now; it stays until `pop`. Drops what can no longer be applied: at or below the
   * head, or its next height with another parent. Undefined: nothing fits yet.
   */
  next(unsafe: BlockId): PayloadEnvelope | undefined {
    for (let envelope = this.peek(); envelope !== undefined; envelope = this.peek()) {
      const { blockNumber, parentHash } = envelope.executionPayload
      if (blockNumber > unsafe.number + 1n) return undefined
      if (blockNumber === unsafe.number + 1n && parentHash === unsafe.hash) return envelope
      this.pop()
    }
    return undefined
  }

  #number(i: number): bigint {
    return (this.#heap[i] as Entry).envelope.executionPayload.blockNumber
  }

  #swap(i: number, j: number): void {
    const a = this.#heap[i] as Entry
    this.#heap[i] = this.#heap[j] as Entry
    this.#heap[j] = a
  }

  #up(start: number): void {
    for (let i = start; i > 0; ) {
      const parent = (i - 1) >> 1
      if (this.#number(parent) <= this.#number(i)) return
      this.#swap(i, parent)
      i = parent
    }
  }

  #down(start: number): void {
    for (let i = start; ; ) {
      const left = 2 * i + 1
      if (left >= this.#heap.length) return
      const right = left + 1
      const child = right < this.#heap.length && this.#number(right) < this.#number(left) ? right : left
      if (this.#number(i) <= this.#number(child)) return
      this.#swap(i, child)
      i = child
    }
  }
}
