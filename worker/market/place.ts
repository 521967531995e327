import { readHead } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { OpenRequest } from '../../chain/ledger/open-requests.ts'
import type { WorkerBook } from '../../p2p/workers/registry-view.ts'
import { type Hex, quantity, zeroHash } from '../../protocol/bytes.ts'
import { rankOf } from './rank.ts'
import type { Place } from './request-step.ts'

type Parts = { readonly rpc: L2Rpc; readonly ledger: LedgerBook; readonly workers: WorkerBook; readonly worker: Hex }

/**
 * This worker's place for a request. Drawn are the active workers that registered before the last epoch that was final when it was
 * opened, or before it where there was none, with the prevRandao of the block that made it final, or zeros. Undefined until the
 * registry is followed. Throws what the RPC throws.
 */
export async function placeOf({ requestId, block }: OpenRequest, parts: Parts): Promise<Place | undefined> {
  const { rpc, ledger, workers, worker } = parts
  if (workers.worker(worker) === undefined) return undefined
  const opened = await readHead(rpc, block)
  if (opened === undefined) throw new Error(`the block ${block} is not there`)
  const final = ledger.events('EpochFinalized').findLast((event) => event.block < block)
  const epochSeed = final === undefined ? zeroHash : await prevRandao(rpc, final.block)
  const candidates = workers.active((final?.block ?? block) - 1n)
  return { rank: rankOf(worker, { epochSeed, requestId }, candidates), openedAt: opened.time }
}

async function prevRandao(rpc: L2Rpc, block: bigint): Promise<Hex> {
  const header = (await rpc.request('eth_getBlockByNumber', [quantity(block), false])) as { readonly mixHash: Hex }
  return header.mixHash
}
