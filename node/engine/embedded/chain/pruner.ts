import { bytesToBigint, uintBytes } from '../../../../protocol/bytes.ts'
import { type ChainDb, metaWrite, type Write } from './chain-db.ts'

/** States behind the head that are always kept: room for eth_call on recent blocks and for reorgs of the unsafe chain. */
export const statesKeptMin = 1_024n

/**
 * States kept where finality does not follow: two sequencing windows of 12 hours at 2-second blocks, beyond which
 * derivation never reaches back.
 */
export const statesKeptMax = 43_200n

/** States behind the head: at least `min`, further back to the finalized block, but `max` at most. */
export type StatesKept = { readonly min: bigint; readonly max: bigint }

/** Heights pruned after one block, so that catching up never stalls block production. */
const heightsPerBlock = 8n

/**
 * Deletes trie nodes that no kept state needs. Each block lists the nodes it replaced; they go when the last state that
 * holds them is no longer kept. The state of a block stays whole from {@link floor} on.
 */
export class Pruner {
  readonly #db: ChainDb
  readonly #kept: StatesKept
  #floor: bigint

  constructor(db: ChainDb, kept: StatesKept = { min: statesKeptMin, max: statesKeptMax }) {
    this.#db = db
    this.#kept = kept
    this.#floor = bytesToBigint(db.meta('floor') ?? new Uint8Array(0))
  }

  /** Height of the oldest kept state. */
  get floor(): bigint {
    return this.#floor
  }

  /** Raises the floor a little towards what head and finalized block allow. */
  async advance(head: bigint, finalized: bigint): Promise<void> {
    const goal = floorFor(head, finalized, this.#kept)
    const until = goal < this.#floor + heightsPerBlock ? goal : this.#floor + heightsPerBlock
    while (this.#floor < until) await this.#raise(this.#floor + 1n)
  }

  async #raise(height: bigint): Promise<void> {
    const canonical = this.#db.canonicalHash(height)
    const writes: Write[] = [metaWrite('floor', uintBytes(height, 8))]
    for (const { key, blockHash, nodes } of await this.#db.staleNodes(height)) {
      writes.push({ type: 'del', key })
      // A node replaced on a fork may live on in the canonical chain.
      if (blockHash !== canonical) continue
      for (const node of nodes) {
        const birth = this.#db.nodeBirth(node)
        // Made again since it was replaced: the newer life goes on.
        if (birth !== undefined && birth <= height) writes.push({ type: 'del', key: node })
      }
    }
    await this.#db.write(writes)
    this.#floor = height
  }
}

function floorFor(head: bigint, finalized: bigint, kept: StatesKept): bigint {
  const least = head > kept.max ? head - kept.max : 0n
  const recent = head > kept.min ? head - kept.min : 0n
  const wanted = recent < finalized ? recent : finalized
  return wanted > least ? wanted : least
}
