import { batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Log } from '../../common/log.ts'
import { putContent } from '../../common/put-content.ts'
import type { Hex } from '../../protocol/bytes.ts'

export type PublishParts = {
  readonly ledger: LedgerBook
  readonly content: Content
  readonly worker: Hex
  /** Nodes that serve `/content`. */
  readonly nodes: readonly string[]
  readonly log: Log
}

/** Gives the data of this worker's batches to every node, until it has them: who finds none asks for them on chain. */
export class PublishStep {
  readonly #parts: PublishParts
  /** Node and file; of batches alone that are not mature. */
  #given = new Set<string>()
  /** What a node last said of a file it does not take: told once, not at every look. */
  #refusals = new Map<string, string>()

  constructor(parts: PublishParts) {
    this.#parts = parts
  }

  /** One look; true where a node took a file. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { ledger, worker, nodes } = this.#parts
    let acted = false
    const open = batchStates(ledger, lastMatureBatch(ledger) + 1n, ledger.lastBatch)
    const own = open.filter(({ header, isVoid }) => header.worker === worker && !isVoid)
    const pairs = own.flatMap(({ header: { dataHash } }) => nodes.map((node) => ({ node, hash: dataHash })))
    const keys = new Set(pairs.map(keyOf))
    this.#given = new Set([...this.#given].filter((key) => keys.has(key)))
    this.#refusals = new Map([...this.#refusals].filter(([key]) => keys.has(key)))
    for (const { node, hash } of pairs) acted = (await this.#give(hash, node, signal)) || acted
    return acted
  }

  async #give(hash: Hex, node: string, signal: AbortSignal): Promise<boolean> {
    const { content, log } = this.#parts
    const key = keyOf({ node, hash })
    if (this.#given.has(key) || signal.aborted) return false
    const file = await content.own(hash)
    if (file === undefined) {
      log.error('the data of a batch of ours are not here', { dataHash: hash })
      this.#given.add(key)
      return false
    }
    const refused = await putContent(node, hash, file)
    if (refused !== undefined) {
      if (this.#refusals.get(key) !== refused)
        log.info('a node does not take the data of a batch yet', { node, dataHash: hash, answer: refused })
      this.#refusals.set(key, refused)
      return false
    }
    this.#refusals.delete(key)
    this.#given.add(key)
    return true
  }
}

function keyOf({ node, hash }: { readonly node: string; readonly hash: Hex }): string {
  return `${node} ${hash}`
}
