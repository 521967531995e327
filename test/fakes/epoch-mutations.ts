import { type EpochFile, encodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import {
  creditBytes,
  creditTree,
  leafRowBytes,
  payoutAt,
  payoutBytes,
  payoutTree,
  setU128,
  u128At,
  viewOf,
} from '../../attribution/epochs/epoch-rows.ts'
import { sumOf } from '../../attribution/epochs/epoch-trees.ts'
import type { EpochFacts } from '../../attribution/epochs/mature-batch.ts'
import { RowTree } from '../../attribution/epochs/row-tree.ts'
import { bytesToHex, concatBytes, FormatError, uintBytes } from '../../protocol/bytes.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { Random } from './random.ts'

/** What an epoch pays. */
export type Rows = Pick<EpochFile, 'credits' | 'payouts'>
export type Change = (rows: Rows, random: Random, facts: EpochFacts) => Rows

const rowsIn = (rows: Uint8Array, bytes: number) => rows.length / bytes
export const rowAt = (rows: Uint8Array, bytes: number, i: number) => rows.slice(i * bytes, (i + 1) * bytes)

/** The rows with row `i` replaced. */
function put(rows: Uint8Array, bytes: number, i: number, row: Uint8Array): Uint8Array {
  const copy = rows.slice()
  copy.set(row, i * bytes)
  return copy
}

export function swap(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const [a, b] = [random.int(rowsIn(rows, bytes)), random.int(rowsIn(rows, bytes))]
  return put(put(rows, bytes, a, rowAt(rows, bytes, b)), bytes, b, rowAt(rows, bytes, a))
}

/** Moves wei between the sums of two rows, or adds some where they are one row. */
export function shift(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const [a, b] = [random.int(rowsIn(rows, bytes)), random.int(rowsIn(rows, bytes))]
  const copy = rows.slice()
  const view = viewOf(copy)
  const at = (i: number) => (i + 1) * bytes - 16
  const has = u128At(view, at(a))
  const wei = random.chance(0.5) ? has : has / 2n
  setU128(view, at(a), has - wei)
  setU128(view, at(b), u128At(view, at(b)) + wei)
  return copy
}

function anyByte(rows: Uint8Array, random: Random): Uint8Array {
  const copy = rows.slice()
  copy[random.int(copy.length)] = random.int(256)
  return copy
}

function repay(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const i = random.int(rowsIn(rows, bytes))
  const row = rowAt(rows, bytes, i)
  row.set(somebody(rows, bytes, random))
  return put(rows, bytes, i, row)
}

/** Without row `i`; with another row twice; with a row of nothing for somebody. */
const drop = (rows: Uint8Array, bytes: number, i: number) =>
  concatBytes(rows.subarray(0, i * bytes), rows.subarray((i + 1) * bytes))
const insert = (rows: Uint8Array, bytes: number, i: number, row: Uint8Array) =>
  concatBytes(rows.subarray(0, i * bytes), row, rows.subarray(i * bytes))
const zeroPayout = (payouts: Uint8Array, random: Random) =>
  concatBytes(somebody(payouts, payoutBytes, random), new Uint8Array(16))

/** Payee of some row, or one that is in none. */
function somebody(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  return random.chance(0.3) ? random.bytes(20) : rowAt(rows, bytes, random.int(rowsIn(rows, bytes))).slice(0, 20)
}

/** The corruptions of one tree's rows. */
const rowChanges: readonly ((rows: Uint8Array, bytes: number, random: Random) => Uint8Array)[] = [
  swap,
  shift,
  repay,
  (rows, _, random) => anyByte(rows, random),
  (rows, bytes, random) => put(rows, bytes, random.int(rowsIn(rows, bytes)), rowAt(rows, bytes, 0)),
  (rows, bytes, random) => drop(rows, bytes, random.int(rowsIn(rows, bytes))),
  (rows, bytes, random) => {
    const i = random.int(rowsIn(rows, bytes))
    return insert(rows, bytes, i, rowAt(rows, bytes, random.int(rowsIn(rows, bytes))))
  },
]

/** A pointer at another receipt or entry, often one that is not there. */
const repoint: Change = ({ credits, payouts }, random, { batches }) => {
  const row = rowAt(credits, creditBytes, 0)
  const i = random.int(rowsIn(credits, creditBytes))
  row.set(rowAt(credits, creditBytes, i))
  const receipts = batches.reduce((sum, { header }) => sum + header.count, 0)
  if (random.chance(0.6)) viewOf(row).setUint32(20, random.int(receipts + 2))
  else viewOf(row).setUint32(24, random.int(6))
  return { credits: put(credits, creditBytes, i, row), payouts }
}

export const changes: readonly Change[] = [
  ...rowChanges.map<Change>((change) => ({ credits, payouts }, random) => ({
    credits: change(credits, creditBytes, random),
    payouts,
  })),
  ...rowChanges.map<Change>((change) => ({ credits, payouts }, random) => ({
    credits,
    payouts: change(payouts, payoutBytes, random),
  })),
  repoint,
  // A payee's payouts are dropped, another takes them.
  ({ credits, payouts }, random) => {
    const moved = shift(payouts, payoutBytes, random)
    const empty = Array.from({ length: rowsIn(moved, payoutBytes) }, (_, i) => i).find(
      (i) => payoutAt(moved, i).cumulative === 0n,
    )
    return { credits, payouts: empty === undefined ? moved : drop(moved, payoutBytes, empty) }
  },
  ({ credits, payouts }, random) => {
    const row = zeroPayout(payouts, random)
    const place = random.int(rowsIn(payouts, payoutBytes) + 1)
    return { credits, payouts: insert(payouts, payoutBytes, place, row) }
  },
]

/** What a proposer publishes who wants the rows paid: trees and sums that fit them. Undefined where a sum is beyond u128. */
export function propose(data: EpochFile, honest: EpochHeader): { header: EpochHeader; file: Uint8Array } | undefined {
  if (data.credits.length === 0 || data.payouts.length === 0) return undefined
  try {
    const [credits, payouts] = [creditTree(data.credits), payoutTree(data.payouts)]
    const header = {
      ...honest,
      creditsRoot: bytesToHex(credits.root),
      creditsSum: u128At(viewOf(credits.totals), 0),
      creditsCount: credits.count,
      payoutRoot: bytesToHex(payouts.root),
      payoutSum: u128At(viewOf(payouts.totals), 0),
      payoutCount: payouts.count,
    }
    return { header, file: encodeEpochFile(data) }
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** What everybody is paid, whatever the order; nothing is no row. */
export function paid(payouts: Uint8Array): string {
  const rows = Array.from({ length: rowsIn(payouts, payoutBytes) }, (_, i) => payoutAt(payouts, i))
  return JSON.stringify(
    rows
      .filter(({ cumulative }) => cumulative > 0n)
      .map(({ payee, cumulative }) => `${payee}${cumulative}`)
      .sort(),
  )
}

/** An epoch whose proposer shows a leaf when asked, if it can. */
export type Secret = {
  readonly header: EpochHeader
  readonly data: EpochFile
  readonly credits: RowTree
  readonly payouts: RowTree
}

type Spoil = (rows: Uint8Array, bytes: number, tree: RowTree, random: Random) => { rows: Uint8Array; tree: RowTree }

/** What a proposer can do to a tree besides listing wrong rows; `undefined` padding is absent. */
const spoils: readonly Spoil[] = [
  (rows, _, tree) => ({ rows, tree }),
  // A leaf whose hash is of nothing.
  (rows, _, tree, random) => {
    const leaves = tree.levels[0]?.slice() ?? new Uint8Array(0)
    leaves.set(random.bytes(32), random.int(tree.count) * leafRowBytes)
    return { rows, tree: RowTree.of(leaves, leafRowBytes) }
  },
  // A hash in the padding, without wei and with a wei that a leaf lost.
  (rows, bytes, _tree, random) => padded(rows, bytes, random, 0n),
  (rows, bytes, _tree, random) => padded(rows, bytes, random, 1n),
]

function padded(rows: Uint8Array, bytes: number, random: Random, wei: bigint): { rows: Uint8Array; tree: RowTree } {
  const count = rowsIn(rows, bytes)
  const treeOf = bytes === creditBytes ? creditTree : payoutTree
  const copy = rows.slice()
  const view = viewOf(copy)
  const ends = Array.from({ length: count }, (_, i) => (i + 1) * bytes - 16)
  const rich = ends.find((at) => u128At(view, at) >= wei) ?? 0
  const heights = treeOf(rows).levels.length - 1
  const height = Array.from({ length: heights }, (_, h) => h).find((h) => Math.ceil(count / 2 ** h) % 2 === 1)
  if (height === undefined || rich === 0) return { rows, tree: treeOf(rows) }
  setU128(view, rich, u128At(view, rich) - wei)
  const row = concatBytes(random.bytes(32), uintBytes(wei, 16))
  const padding = Array.from({ length: height + 1 }, (_, h) => (h === height ? row : undefined))
  return { rows: copy, tree: treeOf(copy, padding) }
}

/** Trees over the rows, one of them spoilt. */
export function hide(data: EpochFile, honest: EpochHeader, random: Random): Secret | undefined {
  const proposal = propose(data, honest)
  if (proposal === undefined) return undefined
  const spoil = random.pick(spoils)
  const plain = { credits: creditTree(data.credits), payouts: payoutTree(data.payouts) }
  const inCredits = random.chance(0.5)
  const credits = inCredits
    ? spoil(data.credits, creditBytes, plain.credits, random)
    : { rows: data.credits, tree: plain.credits }
  const payouts = inCredits
    ? { rows: data.payouts, tree: plain.payouts }
    : spoil(data.payouts, payoutBytes, plain.payouts, random)
  const header = {
    ...proposal.header,
    creditsRoot: bytesToHex(credits.tree.root),
    creditsSum: sumOf(credits.tree),
    payoutRoot: bytesToHex(payouts.tree.root),
    payoutSum: sumOf(payouts.tree),
  }
  const rows = { ...data, credits: credits.rows, payouts: payouts.rows }
  return { header, data: rows, credits: credits.tree, payouts: payouts.tree }
}
