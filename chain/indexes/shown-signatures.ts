import { decodeSignature } from '../../attribution/near-duplicates/signature.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { allEvents } from '../ledger/all-events.ts'
import { callContract } from '../ledger/l2-calls.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'

/** By contribution: 128 entries of its MinHash signature. */
export type Signatures = ReadonlyMap<bigint, Uint32Array>

/** Signatures, tables and payees count from multiples of this on, Unix seconds. */
const daySeconds = 86_400n
/** Days whose signatures are kept: those of batches in their window. */
const daysMax = 4

/** MinHash signatures that stood on chain when a day began: what batches of that day are attributed by under algoHash v2. */
export class ShownSignatures {
  readonly #rpc: L2Rpc
  readonly #days = new LruCache<bigint, Promise<Signatures>>(daysMax)

  constructor(rpc: L2Rpc) {
    this.#rpc = rpc
  }

  /** Those that count at a time, Unix seconds. Throws what the RPC throws. */
  at(time: bigint): Promise<Signatures> {
    const day = dayOf(time)
    const known = this.#days.get(day)
    if (known !== undefined) return known
    const read = readSignatures(this.#rpc, day)
    read.catch(() => this.#days.delete(day))
    return this.#days.set(day, read)
  }

  /** Drops what is kept: a reorg may have changed it. */
  forget(): void {
    this.#days.clear()
  }
}

/** When the day of a time began, Unix seconds. */
export function dayOf(time: bigint): bigint {
  return time - (time % daySeconds)
}

/** Model versions and adapters with a table of influences in force at a time, as {@link sketchKey} names them. */
export async function sketchedAt(rpc: L2Rpc, time: bigint): Promise<ReadonlySet<string>> {
  const registered = await allEvents(rpc, 'SketchRegistry', 'SketchesRegistered')
  const keys = registered.map(async ({ args: { modelVersion, adapterRoot } }) => {
    const call = {
      contract: 'SketchRegistry',
      functionName: 'tableAt',
      args: [modelVersion, adapterRoot, time],
    } as const
    const { root } = (await callContract(rpc, call)) as { readonly root: Hex }
    return root === zeroHash ? [] : [`${modelVersion} ${adapterRoot}`]
  })
  return new Set((await Promise.all(keys)).flat())
}

/** Undefined for a request with several adapters, which no table is of. */
export function sketchKey(modelVersion: Hex, adapters: readonly { readonly root: Hex }[]): string | undefined {
  return adapters.length > 1 ? undefined : `${modelVersion} ${adapters[0]?.root ?? zeroHash}`
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
