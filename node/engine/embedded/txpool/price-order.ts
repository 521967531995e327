import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import type { SignedTx } from '../../../../protocol/transaction.ts'
import type { PooledTransaction } from '../chain-view.ts'
import { effectiveTip } from './validate.ts'

type Ordered = { readonly tx: SignedTx; readonly sequence: number }
type Candidate<T> = { readonly tip: bigint; readonly entry: T; readonly list: readonly T[]; readonly index: number }

/**
 * Executable transactions, best effective tip first, those of one sender by nonce: a heap over the senders' next ones.
 * `lists` are ascending in nonce; what cannot pay the base fee ends its sender's turn.
 */
export class PriceOrder<T extends PooledTransaction & Ordered> implements Iterable<T> {
  readonly #heap: Candidate<T>[] = []
  readonly #skipped = new Set<Hex>()
  readonly #baseFee: bigint

  constructor(lists: Iterable<readonly T[]>, baseFee: bigint) {
    this.#baseFee = baseFee
    for (const list of lists) this.#enter(list, 0)
  }

  /** Yields no more of that sender. */
  skipSender(sender: Uint8Array): void {
    this.#skipped.add(bytesToHex(sender))
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let best = this.#pop(); best !== undefined; best = this.#pop()) {
      if (this.#isSkipped(best.entry)) continue
      yield best.entry
      if (!this.#isSkipped(best.entry)) this.#enter(best.list, best.index + 1)
    }
  }

  #isSkipped({ sender }: T): boolean {
    return this.#skipped.size > 0 && this.#skipped.has(bytesToHex(sender))
  }

  #enter(list: readonly T[], index: number): void {
    const entry = list[index]
    if (entry === undefined) return
    const tip = effectiveTip(entry.tx, this.#baseFee)
    if (tip >= 0n) this.#push({ tip, entry, list, index })
  }

  #push(candidate: Candidate<T>): void {
    const heap = this.#heap
    let at = heap.push(candidate) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#swapIfBetter(at, parent)) break
      at = parent
    }
  }

  #pop(): Candidate<T> | undefined {
    const heap = this.#heap
    const best = heap[0]
    const last = heap.pop()
    if (best === undefined || last === undefined || heap.length === 0) return best
    heap[0] = last
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      if (left >= heap.length) break
      const right = left + 1
      const child = right < heap.length && isBetter(heap[right], heap[left]) ? right : left
      if (!this.#swapIfBetter(child, at)) break
      at = child
    }
    return best
  }

  #swapIfBetter(child: number, parent: number): boolean {
    const [a, b] = [this.#heap[child], this.#heap[parent]]
    if (a === undefined || b === undefined || !isBetter(a, b)) return false
    this.#heap[child] = b
    this.#heap[parent] = a
    return true
  }
}

function isBetter(a: Candidate<Ordered> | undefined, b: Candidate<Ordered> | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.tip === b.tip ? a.entry.sequence < b.entry.sequence : a.tip > b.tip
}
