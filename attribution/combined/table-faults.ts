import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { ListedItem } from '../../protocol/datanets/version-diff.ts'
import { folds } from '../gradients/projection.ts'
import { itemTree, LeafTree } from '../suffix/item-tree.ts'
import { blocksMax, byteMax, headBytes, rowHeadBytes, shiftMax, tableMagic, tableRowsMax } from './influence-table.ts'

/** What SketchRegistry keeps of a table. */
export type TableShape = { readonly root: Hex; readonly size: number; readonly rows: number }

/** What a table's form is held against. */
export type TableFacts = {
  readonly shape: TableShape
  /** Root of the model version's weights. */
  readonly model: Hex
  /** Zeros: any adapter may stand in the head. */
  readonly adapter: Hex
  /** Contributions that there are; ids count from 1. */
  readonly contributions: bigint
  /** Lists of the Datanet versions that its rows are of, in their order; undefined: of one that is not here. */
  readonly sources: readonly (readonly ListedItem[] | undefined)[]
}

/** A call of SketchRegistry; its arguments behind model version and adapter. */
export type TableChallenge = {
  readonly functionName: 'badTableLeaf' | 'absentTableLeaf' | 'badTableOrder' | 'foreignTableRow'
  readonly args: readonly unknown[]
}

/** Of signed numbers of a row with a shift one is as large, or a smaller shift would do. */
const shiftedMin = 64
const sizeMin = 8

/**
 * Leaves of a table's file, whatever its form: head and rows are as long as the head says or as was registered. Undefined where no such
 * cut has the root.
 */
export function cutTable(bytes: Uint8Array, { root, size, rows }: TableShape): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const told = (at: number) => (bytes.length >= headBytes ? view.getUint32(at) : 0)
  for (const rowBytes of new Set([rowHeadBytes + size, rowHeadBytes + told(116)])) {
    for (const head of new Set([headBytes + 4 * told(120), bytes.length - rows * (rowHeadBytes + size)])) {
      const count = (bytes.length - head) / rowBytes
      if (head < 0 || !Number.isInteger(count) || count < 0 || count > 2 * tableRowsMax) continue
      const row = (i: number) => bytes.subarray(head + i * rowBytes, head + (i + 1) * rowBytes)
      const leaves = [bytes.subarray(0, head), ...Array.from({ length: count }, (_, i) => row(i))]
      if (new LeafTree(leaves).root === root) return leaves
    }
  }
  return undefined
}

/** What is wrong with the form of a table, as openings show it; undefined where nothing is, as far as its sources are here. docs/GRADIENTS.md §9. */
export function tableFault(leaves: readonly Uint8Array[], facts: TableFacts): TableChallenge | undefined {
  const { rows } = facts.shape
  const tree = new LeafTree(leaves)
  const shown = (place: number) => ({
    ...{ place, leaf: bytesToHex(leaves[place] as Uint8Array), siblings: tree.siblings(place) },
  })
  const wrong = (place: number): TableChallenge => ({ functionName: 'badTableLeaf', args: [shown(place)] })
  if (tree.width !== 2 ** Math.ceil(Math.log2(rows + 1))) return wrong(0)
  if (leaves.length > rows + 1) return wrong(rows + 1)
  if (leaves.length < rows + 1) {
    return { functionName: 'absentTableLeaf', args: [leaves.length, tree.siblings(leaves.length)] }
  }
  if (!isHead(leaves[0] as Uint8Array, facts)) return wrong(0)
  for (let place = 1; place <= rows; place++) if (!isRow(leaves[place] as Uint8Array, facts)) return wrong(place)
  const ids = leaves.slice(1).map(contributionOf)
  const unsorted = ids.findIndex((id, i) => i > 0 && id <= (ids[i - 1] as bigint))
  if (unsorted > 0) return { functionName: 'badTableOrder', args: [shown(unsorted), shown(unsorted + 1)] }
  const foreign = foreignRow(ids, facts.sources)
  return foreign && { functionName: 'foreignTableRow', args: [shown(foreign.row + 1), foreign.near] }
}

/** A contribution of no source, and what shows that of each; undefined where a source is not here, or does not ascend. */
function foreignRow(ids: readonly bigint[], sources: TableFacts['sources']) {
  const lists: (readonly ListedItem[])[] = []
  for (const source of sources) {
    if (source === undefined || !ascends(source)) return undefined
    lists.push(source)
  }
  const known = new Set(lists.flatMap((list) => list.map(({ contribId }) => contribId)))
  const row = ids.findIndex((id) => !known.has(id))
  return row < 0 ? undefined : { row, near: lists.map((list) => nearItems(list, ids[row] as bigint)) }
}

/** The items of an ascending list between which a contribution would stand, or its first or last; none of an empty list. */
function nearItems(list: readonly ListedItem[], contribId: bigint) {
  const tree = itemTree(list)
  const behind = list.findIndex((item) => item.contribId > contribId)
  const places = list.length === 0 ? [] : behind < 0 ? [list.length - 1] : behind === 0 ? [0] : [behind - 1, behind]
  return places.map((place) => ({ place, ...(list[place] as ListedItem), siblings: tree.siblings(place) }))
}

function ascends(list: readonly ListedItem[]): boolean {
  return list.every(({ contribId }, i) => i === 0 || (list[i - 1] as ListedItem).contribId < contribId)
}

function isHead(head: Uint8Array, { shape, model, adapter }: TableFacts): boolean {
  if (head.length < headBytes || !startsWith(head, tableMagic)) return false
  if (!startsWith(head.subarray(8), hexToBytes(model))) return false
  if (adapter !== zeroHash && !startsWith(head.subarray(40), hexToBytes(adapter))) return false
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  const [fold, rows, size, blocks] = [108, 112, 116, 120].map((at) => view.getUint32(at)) as Counts
  const isCounted = folds.some((known) => known === fold) && rows === shape.rows && size === shape.size
  if (!isCounted || size < sizeMin || blocks < 1 || blocks > blocksMax) return false
  if (head.length !== headBytes + 4 * blocks) return false
  const scales = Array.from({ length: blocks }, (_, b) => view.getFloat32(headBytes + 4 * b))
  return scales.every((scale) => scale >= 0 && scale < Number.POSITIVE_INFINITY)
}

type Counts = [fold: number, rows: number, size: number, blocks: number]

function isRow(row: Uint8Array, { shape, contributions }: TableFacts): boolean {
  if (row.length !== rowHeadBytes + shape.size) return false
  const id = contributionOf(row)
  const shift = row[8] as number
  if (id === 0n || id > contributions || shift > shiftMax) return false
  const vector = new Int8Array(row.buffer, row.byteOffset + rowHeadBytes, shape.size)
  const most = vector.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  return most <= byteMax && (shift === 0 || most >= shiftedMin)
}

function contributionOf(row: Uint8Array): bigint {
  return new DataView(row.buffer, row.byteOffset, row.length).getBigUint64(0)
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((value, i) => bytes[i] === value)
}
