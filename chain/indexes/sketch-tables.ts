import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { allEvents } from '../ledger/all-events.ts'
import { callContract } from '../ledger/l2-calls.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import { ByDay } from './by-day.ts'

/** A table of influences as SketchRegistry has it. */
export type RegisteredTable = {
  readonly modelVersion: Hex
  /** Zeros: for answers without an adapter. */
  readonly adapterRoot: Hex
  readonly root: Hex
  /** Numbers of a row. */
  readonly size: number
  readonly rows: number
}

/** By {@link sketchKey}. */
export type Tables = ReadonlyMap<string, RegisteredTable>

/** Tables of influences in force on a day: what class G of its batches is paid by under algoHash v2. */
export class SketchTables extends ByDay<Tables> {
  /** {@link at} throws what the RPC throws. */
  constructor(rpc: L2Rpc) {
    super((day) => readTables(rpc, day))
  }
}

/** Which table a request goes by; undefined for one with several adapters, which no table is of. */
export function sketchKey(modelVersion: Hex, adapters: readonly { readonly root: Hex }[]): string | undefined {
  return adapters.length > 1 ? undefined : `${modelVersion} ${adapters[0]?.root ?? zeroHash}`
}

async function readTables(rpc: L2Rpc, day: bigint): Promise<Tables> {
  const registered = await allEvents(rpc, 'SketchRegistry', 'SketchesRegistered')
  const tables = registered.map(async ({ args }) => {
    const place = { modelVersion: args['modelVersion'] as Hex, adapterRoot: args['adapterRoot'] as Hex }
    const asked = [place.modelVersion, place.adapterRoot, day]
    const call = { contract: 'SketchRegistry', functionName: 'tableAt', args: asked } as const
    const { root, size, rows } = (await callContract(rpc, call)) as Answered
    if (root === zeroHash) return []
    const table: RegisteredTable = { ...place, root, size: Number(size), rows: Number(rows) }
    return [[`${place.modelVersion} ${place.adapterRoot}`, table] as const]
  })
  return new Map((await Promise.all(tables)).flat())
}

type Answered = { readonly root: Hex; readonly size: bigint | number; readonly rows: bigint | number }
