import { FormatError, fixedHex, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { decodeL1Info } from '../../protocol/l1-info.ts'
import type { L2Rpc } from './l2-rpc.ts'

/** L1 blocks from a batch's origin to the one that draws what is audited of it. */
export const beaconDistance = 2n

type Block = { readonly origin: bigint; readonly prevRandao: Hex }

/**
 * What draws the audited parts of a batch: `prevRandao` of the first L2 block whose L1 origin is at least {@link beaconDistance}
 * behind that of the block it was committed in. Undefined while there is none. Throws what the RPC throws.
 */
export async function batchBeacon(rpc: L2Rpc, committedIn: bigint): Promise<Hex | undefined> {
  const head = parseQuantity(await rpc.request('eth_blockNumber'), 'block number')
  const committed = await blockAt(rpc, committedIn)
  if (committed === undefined) return undefined
  const wanted = committed.origin + beaconDistance
  // Origins do not fall: doubled steps to one that is late enough, then halves.
  let [before, step, found] = [committedIn, 1n, undefined as bigint | undefined]
  while (found === undefined) {
    if (before >= head) return undefined
    const next = before + step < head ? before + step : head
    const block = await blockAt(rpc, next)
    if (block === undefined) return undefined
    if (block.origin >= wanted) found = next
    else [before, step] = [next, 2n * step]
  }
  while (found - before > 1n) {
    const middle: bigint = (before + found) / 2n
    const block = await blockAt(rpc, middle)
    if (block === undefined) return undefined
    if (block.origin >= wanted) found = middle
    else before = middle
  }
  return (await blockAt(rpc, found))?.prevRandao
}

/** Undefined where a reorg took it away. */
async function blockAt(rpc: L2Rpc, number: bigint): Promise<Block | undefined> {
  const block = (await rpc.request('eth_getBlockByNumber', [quantity(number), true])) as {
    readonly mixHash?: unknown
    readonly transactions: readonly { readonly input?: unknown }[]
  } | null
  if (block === null) return undefined
  const [first] = block.transactions
  if (typeof first?.input !== 'string') throw new FormatError(`L2 block ${number} does not say its L1 origin`)
  const { number: origin } = decodeL1Info(hexToBytes(first.input as Hex))
  return { origin, prevRandao: fixedHex(block.mixHash, 32, 'mixHash') }
}
