import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { sumRow } from './sum-tree.ts'

/** Classes of entries: model, worker, app, span, gradient, retrieval, units. docs/MONEY.md §4. */
export const entryClasses = { M: 0, W: 1, A: 2, S: 3, G: 4, R: 5, U: 6 } as const
export type EntryLetter = keyof typeof entryClasses
export type EntryClass = (typeof entryClasses)[EntryLetter]
/** Letters of the classes, by their numbers. */
export const entryLetters = Object.keys(entryClasses) as readonly EntryLetter[]

/** Pools of a receipt that entries are paid from, in the order of an entry row's sums. */
export const entryPools = ['model', 'worker', 'builder', 'contributors'] as const
export type EntryPool = (typeof entryPools)[number]

/** Who is paid what part of one of a receipt's pools. */
export type AttributionEntry = {
  readonly payee: Hex
  /** Row of the royalty vector (M), 0 (W, A), contribution (S, G, R) or Datanet (U). */
  readonly id: bigint
  readonly class: EntryClass
  readonly evidenceHash: Hex
  /** Of 1,000,000 in its pool. */
  readonly weight: number
}

/** Hash of entry `index`'s leaf under a receipt's `attrRoot`. */
export function entryLeaf(index: number, entry: AttributionEntry): Uint8Array {
  return keccak256(
    concatBytes(
      leafPrefix,
      uintBytes(index, 4),
      hexToBytes(entry.payee),
      uintBytes(entry.id, 8),
      uintBytes(entry.class, 1),
      hexToBytes(entry.evidenceHash),
      uintBytes(entry.weight, 8),
    ),
  )
}

/** Row of entry `index`: its weight stands in the sum of the pool that it is paid from. */
export function entryRow(index: number, entry: AttributionEntry): Uint8Array {
  const pool = poolOf(entry.class)
  return sumRow(
    entryLeaf(index, entry),
    entryPools.map((each) => (each === pool ? entry.weight : 0)),
  )
}

/** The pool that entries of a class are paid from. */
export function poolOf(entryClass: EntryClass): EntryPool {
  const pool = entryPools[Math.min(entryClass, entryPools.length - 1)]
  if (pool === undefined) throw new FormatError(`no class of entries ${entryClass}`)
  return pool
}

/** What the entries of a pool weigh together. */
export function weightsOf(entries: readonly Pick<AttributionEntry, 'class' | 'weight'>[], pool: EntryPool): number {
  return entries.reduce((sum, { class: kind, weight }) => (poolOf(kind) === pool ? sum + weight : sum), 0)
}

/** Kinds of pools that stand as a payee. */
export const payeePools = { stakers: 0, units: 1, treasury: 2, item: 3, escrow: 4 } as const

/** The account under which a pool stands among payees: stakers and treasury with id 0, the others with what they are of. */
export function poolPayee(kind: (typeof payeePools)[keyof typeof payeePools], id: bigint): Hex {
  return bytesToHex(concatBytes(poolPrefix, uintBytes(kind, 1), uintBytes(id, 8)))
}

/** Whether an account is that of a Datanet's unit holders. */
export function isUnitsPool(payee: Hex): boolean {
  return payee.startsWith(poolPayee(payeePools.units, 0n).slice(0, -16))
}

const leafPrefix = Uint8Array.of(3)
/** "OLpool" and five zeros. */
const poolPrefix = hexToBytes('0x4f4c706f6f6c0000000000')
