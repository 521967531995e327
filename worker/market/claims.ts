import type { Hex } from '../../protocol/bytes.ts'

/** Seconds in which who says that it answers a request has it settled. */
export const claimSeconds = 120n
/** Others that are waited for, one after the other. */
const claimersMax = 4
/** Requests of which claims are kept. */
const requestsMax = 4_096

/** Who said that it is answering which request, as the network tells it. A worker is waited for once. */
export class Claims {
  readonly #claims = new Map<Hex, Map<Hex, bigint>>()

  /** `time` in Unix seconds. */
  add(requestId: Hex, worker: Hex, time: bigint): void {
    const known = this.#claims.get(requestId) ?? new Map<Hex, bigint>()
    if (known.has(worker) || known.size >= claimersMax) return
    known.set(worker, time)
    this.#claims.set(requestId, known)
    const [oldest] = this.#claims.keys()
    if (this.#claims.size > requestsMax && oldest !== undefined) this.#claims.delete(oldest)
  }

  /** When the last one that is waited for has had its time; 0 where nobody is. */
  until(requestId: Hex): bigint {
    const times = [...(this.#claims.get(requestId)?.values() ?? [])]
    return times.reduce((latest, time) => (time + claimSeconds > latest ? time + claimSeconds : latest), 0n)
  }

  forget(requestId: Hex): void {
    this.#claims.delete(requestId)
  }
}
