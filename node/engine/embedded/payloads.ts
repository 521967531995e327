import { LruCache } from '../../../common/lru-cache.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { OpenBlock } from './block/build.ts'
import type { SealedBlock } from './block/seal.ts'
import type { FlatState } from './state/flat-state.ts'

/** Payloads kept, as op-geth does: the newest few, since a driver asks for the last it began. */
const payloadsMax = 10

/** A payload that was begun, with the state it is built on. */
export type Payload = {
  readonly state: FlatState
  readonly open: OpenBlock
  /** Present when it is finished; it is not changed any more. */
  sealed?: SealedBlock | undefined
  /** Takes no more transactions but what the attributes listed. */
  readonly isFixed: boolean
}

/** The payloads in the making, by id, and the finished ones by block hash. */
export class Payloads {
  readonly #byId = new LruCache<Hex, Payload>(payloadsMax)
  readonly #byHash = new LruCache<Hex, Payload & { sealed: SealedBlock }>(payloadsMax)

  get(id: Hex): Payload | undefined {
    return this.#byId.get(id)
  }

  /** The finished payload of that block. */
  sealed(hash: Hex): (Payload & { sealed: SealedBlock }) | undefined {
    return this.#byHash.get(hash)
  }

  add(id: Hex, payload: Payload): void {
    this.#byId.set(id, payload)
  }

  seal(payload: Payload): SealedBlock {
    if (payload.sealed !== undefined) return payload.sealed
    const sealed = payload.open.seal()
    payload.sealed = sealed
    this.#byHash.set(sealed.hash, Object.assign(payload, { sealed }))
    return sealed
  }

  /** The block is in the chain and its state is in use: it cannot be inserted once more. */
  taken(hash: Hex): void {
    this.#byHash.delete(hash)
  }
}
