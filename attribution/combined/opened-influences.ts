import { bytesToBigint, type Hex } from '../../protocol/bytes.ts'
import { absentNode, merkleLevels, verifyChunk } from '../../protocol/content-hash.ts'
import {
  decodeTableHead,
  type InfluenceRow,
  type InfluenceTable,
  rowHeadBytes,
  type TableHead,
  tableLeaves,
} from './influence-table.ts'

/** A leaf of a table of influences, and what leads from it to the root: leaf 0 is the head, leaf r + 1 row r. */
export type OpenedLeaf = { readonly leaf: Uint8Array; readonly siblings: readonly Uint8Array[] }

/** The head of a table, and some of its rows. */
export function openLeaves(table: InfluenceTable, rows: readonly number[]): readonly OpenedLeaf[] {
  const leaves = tableLeaves(table)
  const levels = merkleLevels(leaves)
  return [0, ...rows.map((row) => row + 1)].map((at) => ({
    leaf: leaves[at] as Uint8Array,
    siblings: levels.slice(0, -1).map((level, height) => level[(at >> height) ^ 1] ?? absentNode(height)),
  }))
}

type Root = { readonly root: Hex; readonly size: number; readonly rows: number }

/** The head under a root; undefined where the leaf does not lead there. Throws GradientError `file` for one that is no head. */
export function headUnder({ root, rows }: Root, { leaf, siblings }: OpenedLeaf): TableHead | undefined {
  if (!verifyChunk(root, { index: 0, count: rows + 1, chunk: leaf, siblings })) return undefined
  return decodeTableHead(leaf)
}

/** Row `row` under a root; undefined where the leaf does not lead there. */
export function rowUnder(
  { root, size, rows }: Root,
  row: number,
  { leaf, siblings }: OpenedLeaf,
): InfluenceRow | undefined {
  const isThere = verifyChunk(root, { index: row + 1, count: rows + 1, chunk: leaf, siblings })
  if (!isThere || leaf.length !== rowHeadBytes + size) return undefined
  return {
    contribId: bytesToBigint(leaf.subarray(0, 8)),
    shift: leaf[8] as number,
    vector: new Int8Array(leaf.slice(rowHeadBytes).buffer),
  }
}
