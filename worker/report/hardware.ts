import { runInThread } from '../../common/thread-job.ts'
import { type HardwareChallenge, scoreOf } from '../../p2p/workers/challenge/hardware-challenge.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'

/** Multiply-adds a second, and the seed of the matrices that they were measured on. */
export type HardwareScore = { readonly challengeScore: bigint; readonly challengeSeed: Hex }

type Product = { readonly result: Int32Array; readonly ms: number }

/** What this machine's integer arithmetic does; the last challenge counts. docs/WORKER-NETWORK.md §9. */
export class Hardware {
  #score: HardwareScore = { challengeScore: 0n, challengeSeed: zeroHash }

  /** Zeros before the first challenge. */
  get score(): HardwareScore {
    return this.#score
  }

  /** The product, made on a thread of its own. `signal` ends it. */
  async multiply(challenge: HardwareChallenge, signal?: AbortSignal): Promise<Int32Array> {
    const { result, ms } = await runInThread<Product>({
      file: new URL('../backends/multiply-worker.mjs', import.meta.url),
      ...{ data: challenge, signal },
      errorOf: ({ message }) => new Error(message),
    })
    this.#score = { challengeScore: scoreOf(challenge, ms), challengeSeed: challenge.seed }
    return result
  }
}
