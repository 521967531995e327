import { decodeSignature } from '../../attribution/near-duplicates/signature.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { allEvents } from '../ledger/all-events.ts'
import { callContract } from '../ledger/l2-calls.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import { ByDay } from './by-day.ts'

/** By contribution: 128 entries of its MinHash signature. */
export type Signatures = ReadonlyMap<bigint, Uint32Array>

/** MinHash signatures that stood on chain when a day began: what batches of that day are attributed by under algoHash v2. */
export class ShownSignatures extends ByDay<Signatures> {
  /** {@link at} throws what the RPC throws. */
  constructor(rpc: L2Rpc) {
    super((day) => readSignatures(rpc, day))
  }
}

async function readSignatures(rpc: L2Rpc, day: bigint): Promise<Signatures> {
  const shown = await allEvents(rpc, 'SignatureRegistry', 'SignatureShown')
  const counting = shown.map(async ({ args }) => {
    const contribId = args['contribId'] as bigint
    const call = { contract: 'SignatureRegistry', functionName: 'shownBefore', args: [contribId, day] } as const
    if ((await callContract(rpc, call)) === zeroHash) return []
    return [[contribId, decodeSignature(hexToBytes(args['signature'] as Hex))] as const]
  })
  return new Map((await Promise.all(counting)).flat())
}
