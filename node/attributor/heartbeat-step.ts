import type { Content } from '../../chain/ledger/content.ts'
import { finalEpoch, proposedEpochs } from '../../chain/ledger/epoch-state.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { Log } from '../../common/log.ts'
import { type HeardHeartbeats, heartbeatBytes, heartbeatFile } from '../../p2p/workers/heard-heartbeats.ts'
import type { Hex } from '../../protocol/bytes.ts'

type Parts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly content: Content
  readonly heard: HeardHeartbeats
  readonly send: (call: MoneyCall, signal: AbortSignal) => Promise<void>
  /** True for the account that the contract obeys. */
  readonly isAttributor: () => Promise<boolean>
  readonly log: Log
}

type Root = { readonly root: Hex; readonly workers: number }

/** Commits with each epoch to the heartbeats that were heard since the one before: a record of who was there. */
export class HeartbeatStep {
  readonly #parts: Parts
  /** The last epoch that has a root; undefined until it was asked of the contract. */
  #done: bigint | undefined
  /** What is to be sent, until it is. */
  #next: Root | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** True where a root was sent. Throws what the RPC and the sender throw; then it is sent with the next look. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { rpc, book, heard, send, isAttributor, log } = this.#parts
    const epoch = proposedEpochs(book).at(-1)?.record.header.epoch ?? finalEpoch(book)
    if (epoch === 0n || epoch === this.#done) return false
    if (this.#next === undefined && heard.size === 0) return false
    const call = { contract: 'WorkerRegistry', functionName: 'heartbeatEpoch', args: [] } as const
    this.#done ??= (await callContract(rpc, call)) as bigint
    if (epoch <= this.#done || !(await isAttributor())) return false
    this.#next ??= this.#keep(heard.take())
    const { root, workers } = this.#next
    await send({ contract: 'WorkerRegistry', functionName: 'commitHeartbeats', args: [epoch, root, workers] }, signal)
    this.#done = epoch
    this.#next = undefined
    log.info('heartbeats of an epoch committed', { epoch, workers, root })
    return true
  }

  /** The file stands under its root with the node's other content. */
  #keep(heartbeats: readonly Uint8Array[]): Root {
    const { store } = this.#parts.content
    return { root: store.putRecords(heartbeatFile(heartbeats), heartbeatBytes), workers: heartbeats.length }
  }
}
