import { concatBytes, type Hex } from '../../protocol/bytes.ts'
import { heartbeat } from './wire/messages.ts'

/** Bytes of a signed heartbeat, the record of {@link heartbeatFile}. */
export const heartbeatBytes = heartbeat.byteLength

/** Workers of one list; more than ever are staked here. */
const workersMax = 4_096

/** The last heartbeat of each worker since they were taken last, as it was signed. */
export class HeardHeartbeats {
  #heard = new Map<Hex, Uint8Array>()

  /** The message was accepted: its author is a registered worker. */
  add(worker: Hex, bytes: Uint8Array): void {
    if (this.#heard.size < workersMax || this.#heard.has(worker)) this.#heard.set(worker, bytes)
  }

  get size(): number {
    return this.#heard.size
  }

  /** By worker, ascending; from now on they are heard anew. */
  take(): readonly Uint8Array[] {
    const sorted = [...this.#heard].toSorted(([a], [b]) => (a < b ? -1 : 1))
    this.#heard = new Map()
    return sorted.map(([, bytes]) => bytes)
  }
}

/** The list whose root an epoch has: heartbeats one behind the other, by worker. docs/WORKER-NETWORK.md §12. */
export function heartbeatFile(heartbeats: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...heartbeats)
}
