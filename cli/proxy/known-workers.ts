import type { Capability, Heartbeat } from '../../p2p/workers/wire/messages.ts'
import { modelsOf } from '../../p2p/workers/wire/messages.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { WorkerHistory } from './payer-book.ts'

/** A worker that said what it offers. */
export type KnownWorker = {
  readonly worker: Hex
  readonly capability: Capability
  readonly running: number
}

/** Of who said nothing for so long nothing is expected. */
const silentMs = 12 * 60_000

/** Workers by what they said of themselves; the network has checked who says it. */
export class KnownWorkers {
  readonly #workers = new Map<Hex, { capability: Capability; running: number; atMs: number }>()

  offers(capability: Capability, nowMs: number): void {
    for (const [worker, { atMs }] of this.#workers) if (nowMs - atMs >= silentMs) this.#workers.delete(worker)
    const running = this.#workers.get(capability.worker)?.running ?? 0
    this.#workers.set(capability.worker, { capability, running, atMs: nowMs })
  }

  beats({ worker, running, queued }: Heartbeat, nowMs: number): void {
    const known = this.#workers.get(worker)
    if (known !== undefined) this.#workers.set(worker, { ...known, running: running + queued, atMs: nowMs })
  }

  /** Who serves a model version in a class, best first: the fewest wrong answers, then failures, then requests under way. */
  serving(
    { modelVersion, proofClass }: { readonly modelVersion: Hex; readonly proofClass: number },
    history: (worker: Hex) => WorkerHistory,
    nowMs: number,
  ): KnownWorker[] {
    const fitting = [...this.#workers].filter(
      ([, { capability, atMs }]) =>
        nowMs - atMs < silentMs &&
        ((capability.classes >> proofClass) & 1) === 1 &&
        modelsOf(capability).includes(modelVersion),
    )
    const known = fitting.map(([worker, { capability, running }]) => ({ worker, capability, running }))
    const rank = ({ worker, running }: KnownWorker) => {
      const { failed, wrong } = history(worker)
      return [wrong, failed, running]
    }
    return known.sort((a, b) => compare(rank(a), rank(b)))
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k])
  return i < 0 ? 0 : (a[i] ?? 0) - (b[i] ?? 0)
}
