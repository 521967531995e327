import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import { TransportError } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { IndexerError } from '../indexer-error.ts'
import type { Store } from '../store/store.ts'
import { applyBlock } from './apply-block.ts'
import type { BlockId, ChainClient, IndexedBlock } from './chain-client.ts'

/** Blocks of one transaction of the database while catching up. */
export const backfillBlocks = 100
/** Looks at the head between two notifications. */
export const pollMs = 250
/** Waits after a failed look, doubled up to the maximum. */
const backoffMsMin = 500
const backoffMsMax = 10_000
/** Looks between two of the labels. */
const finalizedEvery = 20

/** What happened to the index. */
export type SyncEvent =
  | { readonly kind: 'block'; readonly number: number; readonly hash: string }
  | { readonly kind: 'reorg'; readonly from: number; readonly to: number }

export type SyncState = {
  readonly head: number | undefined
  readonly safe: number | undefined
  readonly finalized: number | undefined
  /** Why the index stands still, if it does. */
  readonly error: string | undefined
  /** Time of the last look at the node that was answered. */
  readonly lookedMs: number
}

type Parts = {
  readonly client: ChainClient
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly onEvent: (event: SyncEvent) => void
  /** Resolves at the next sign of a new head, or never. */
  readonly nextHead: () => Promise<void>
}

/** Follows the node's head: blocks in order, each on its parent; a replaced block is taken back exactly. */
export class Sync {
  readonly #parts: Parts
  #state: SyncState = { head: undefined, safe: undefined, finalized: undefined, error: undefined, lookedMs: 0 }
  #looks = 0
  /** Blocks asked for at once: halved where the node cannot answer as many. */
  #askBlocks = backfillBlocks

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get state(): SyncState {
    return this.#state
  }

  /** Runs until the signal. Throws IndexerError where the index cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, nextHead } = this.#parts
    let waitMs = backoffMsMin
    while (!signal.aborted) {
      try {
        const hasMore = await this.step()
        waitMs = backoffMsMin
        if (hasMore) continue
        await Promise.race([clock.sleep(pollMs, signal), nextHead()])
      } catch (error) {
        this.#state = { ...this.#state, error: errorMessage(error) }
        // A full disk is waited for like an absent node; no other state of the index gets better by waiting.
        if (error instanceof IndexerError && error.code !== 'disk-full') throw error
        this.#askBlocks = Math.max(1, this.#askBlocks >> 1)
        log.warn('index stands still, trying again', { error, waitMs })
        await clock.sleep(waitMs, signal)
        waitMs = Math.min(waitMs * 2, backoffMsMax)
      }
    }
  }

  /** One look at the node; true where more is to be done at once. */
  async step(): Promise<boolean> {
    const { client, store, clock } = this.#parts
    const head = await client.blockId('latest')
    if (head === undefined) return false
    if (this.#looks++ % finalizedEvery === 0) await this.#readLabels()
    this.#state = { ...this.#state, head: head.number, error: undefined, lookedMs: clock.nowMs() }
    const cursor = store.cursor()
    if (cursor !== undefined && head.number <= cursor.number) return this.#atOrBelow(head, cursor)
    const from = cursor === undefined ? 0 : cursor.number + 1
    const blocks = await client.blocks(from, Math.min(head.number, from + this.#askBlocks - 1))
    const hasMore = this.#apply(blocks)
    this.#askBlocks = Math.min(this.#askBlocks * 2, backfillBlocks)
    return hasMore
  }

  /** A head that went down is a reorg only where its block is another one; else the node lags. */
  async #atOrBelow(head: BlockId, cursor: { readonly number: number; readonly hash: string }): Promise<boolean> {
    const ours = head.number === cursor.number ? cursor.hash : this.#parts.store.blockHash(head.number)
    if (ours === head.hash) return false
    await this.#rollback(head.number)
    return true
  }

  async #apply(blocks: readonly IndexedBlock[]): Promise<boolean> {
    const { store, onEvent } = this.#parts
    const cursor = store.cursor()
    const [first] = blocks
    if (first === undefined) return false
    if (cursor !== undefined && first.parentHash !== cursor.hash) {
      await this.#rollback(cursor.number)
      return true
    }
    const applied: IndexedBlock[] = []
    store.transaction(() => {
      let { hash, digest } = cursor ?? { hash: first.parentHash, digest: '' }
      for (const block of blocks) {
        // The node's chain changed while it was read: the rest is read again.
        if (block.parentHash !== hash) break
        digest = applyBlock(store, block, digest)
        hash = block.hash
        applied.push(block)
      }
    })
    for (const block of applied) onEvent({ kind: 'block', number: block.number, hash: block.hash })
    return applied.length === blocks.length && this.#state.head !== applied.at(-1)?.number
  }

  /** Goes back to the last block that the node still has. */
  async #rollback(from: number): Promise<void> {
    const { client, store, log, onEvent } = this.#parts
    const genesis = await client.blockId(0)
    if (genesis !== undefined && genesis.hash !== store.blockHash(0)) {
      throw new IndexerError(
        'wrong-chain',
        `the node has the genesis block ${genesis.hash}, the index was built from ${store.blockHash(0)}; give the node of that chain or another index directory`,
      )
    }
    const top = store.cursor()?.number ?? 0
    const finalized = Number(store.meta('finalized') ?? 0)
    let number = Math.min(from, top)
    for (; number > 0; number--) {
      const theirs = await client.blockId(number)
      // It had a higher head a moment ago: several nodes answer, and this one lags.
      if (theirs === undefined) throw new TransportError(`the node no longer has block ${number}`)
      if (theirs.hash === store.blockHash(number)) break
      if (number > finalized) continue
      throw new IndexerError(
        'deep-reorg',
        `the node replaced block ${number}, and had called block ${finalized} final; if that is right, remove the index directory to build it again`,
      )
    }
    log.info('blocks taken back', { from: top, to: number })
    store.rollbackTo(number)
    onEvent({ kind: 'reorg', from: top, to: number })
  }

  async #readLabels(): Promise<void> {
    const { client, store } = this.#parts
    const [safe, finalized] = await Promise.all([client.blockId('safe'), client.blockId('finalized')])
    this.#state = { ...this.#state, safe: safe?.number, finalized: finalized?.number }
    const known = store.cursor()?.number ?? 0
    const number = Math.min(finalized?.number ?? 0, known)
    if (number <= Number(store.meta('finalized') ?? 0)) return
    store.transaction(() => {
      store.setMeta('finalized', String(number))
      store.pruneTouched(number)
    })
  }
}
