import { bytesToHex, concatBytes, equalBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { absentNode, merkleLevels } from '../../protocol/content-hash.ts'
import { GradientError } from '../gradients/gradient-error.ts'
import { type Fold, folds } from '../gradients/projection.ts'
import type { SketchFile, SketchSubject } from '../gradients/sketch-file.ts'

/** What a contribution's examples do for a query: their influences added up, rounded to signed bytes times 2^shift. */
export type InfluenceRow = { readonly contribId: bigint; readonly shift: number; readonly vector: Int8Array }

/** Influences by contribution, as a model version's owner registers them: what is multiplied on chain. docs/GRADIENTS.md §9. */
export type InfluenceTable = SketchSubject & {
  /** Numbers of a sketch. */
  readonly size: number
  /** By block, as in the sketches. */
  readonly scales: Float32Array
  /** Ids ascending. */
  readonly rows: readonly InfluenceRow[]
}

/** Of files of tables. */
export const tableExtension = '.olt'
/** A row and a query fit one transaction. */
export const tableSizeMax = 16_384
export const tableRowsMax = 4_096
/** Sums of 4,096 numbers of 16 bits, brought to 8. */
export const shiftMax = 31
export const blocksMax = 3_584
/** Largest magnitude of a row's or a query's numbers. */
export const byteMax = 127
/** First bytes of a table. */
export const tableMagic = new TextEncoder().encode('OLINFLU1')
/** Of a head without its scales: magic, three roots and five counts. */
export const headBytes = 8 + 96 + 20
/** Of a row without its numbers: contribution and shift. */
export const rowHeadBytes = 9

/** Throws {@link GradientError} `size` for sketches that are longer than a transaction allows. */
export function tableOf(file: SketchFile): InfluenceTable {
  const { base, adapter, data, seed, fold, size, scales } = file
  if (size > tableSizeMax) throw new GradientError('size', `sketches of ${size} numbers, at most ${tableSizeMax}`)
  const sums = new Map<bigint, Float64Array>()
  for (const [k, contribution] of file.contributions.entries()) {
    const sum = sums.get(contribution) ?? new Float64Array(size)
    for (let i = 0; i < size; i++) sum[i] = (sum[i] as number) + (file.influences[k * size + i] as number)
    sums.set(contribution, sum)
  }
  const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([contribId, sum]) => rowOf(contribId, sum))
  return { base, adapter, data, seed, fold, size, scales, rows }
}

/** The least shift by which ⌊x / 2^shift + ½⌋ of every sum is a signed byte. */
function rowOf(contribId: bigint, sums: Float64Array): InfluenceRow {
  let shift = 0
  const rounded = (sum: number) => Math.floor(sum / 2 ** shift + 0.5)
  while (sums.some((sum) => Math.abs(rounded(sum)) > byteMax)) shift++
  return { contribId, shift, vector: Int8Array.from(sums, rounded) }
}

/** The query sketch on chain: ⌊x · step + ½⌋ for the greatest power of two by which all numbers are signed bytes. */
export function byteQuery(sketch: Int16Array): Int8Array {
  const largest = sketch.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  let step = 1
  while (largest * step > byteMax) step /= 2
  return Int8Array.from(sketch, (value) => Math.floor(value * step + 0.5))
}

/** query · row, exact. */
export function scoreOf({ shift, vector }: InfluenceRow, query: Int8Array): bigint {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) * (query[i] as number)
  return BigInt(sum) << BigInt(shift)
}

/** The head, then a leaf for each row. */
export function encodeTable(table: InfluenceTable): Uint8Array {
  return concatBytes(...tableLeaves(table))
}

export function tableRoot(table: InfluenceTable): Hex {
  return bytesToHex(merkleLevels(tableLeaves(table)).at(-1)?.[0] ?? new Uint8Array(32))
}

/** Siblings of a row's leaf, from it upwards: what SketchJudge takes. */
export function rowSiblings(table: InfluenceTable, row: number): Hex[] {
  const levels = merkleLevels(tableLeaves(table))
  return Array.from({ length: levels.length - 1 }, (_, height) =>
    bytesToHex(levels[height]?.[((row + 1) >> height) ^ 1] ?? absentNode(height)),
  )
}

/** `contribId u64 ‖ shift u8 ‖ vector`. */
export function encodeRow({ contribId, shift, vector }: InfluenceRow): Uint8Array {
  return concatBytes(
    uintBytes(contribId, 8),
    Uint8Array.of(shift),
    new Uint8Array(vector.buffer, vector.byteOffset, vector.length),
  )
}

/** What a table's first leaf says. */
export type TableHead = Omit<InfluenceTable, 'rows'> & { readonly count: number }

/** Reads a table's first leaf. Throws {@link GradientError} `file`. */
export function decodeTableHead(leaf: Uint8Array): TableHead {
  const head = readHead(leaf)
  if (leaf.length !== headBytes + 4 * head.scales.length) throw wrong(`a head of ${leaf.length} bytes`)
  return head
}

/** Throws {@link GradientError} `file` for anything that {@link encodeTable} would not have written. */
export function decodeTable(bytes: Uint8Array): InfluenceTable {
  const head = readHead(bytes)
  const { size, count } = head
  const rowsAt = headBytes + 4 * head.scales.length
  if (bytes.length !== rowsAt + count * (rowHeadBytes + size)) throw wrong(`${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const rows = Array.from({ length: count }, (_, r): InfluenceRow => {
    const at = rowsAt + r * (rowHeadBytes + size)
    return {
      contribId: view.getBigUint64(at),
      shift: view.getUint8(at + 8),
      vector: new Int8Array(bytes.subarray(at + rowHeadBytes, at + rowHeadBytes + size)),
    }
  })
  const isOrdered = rows.every(({ contribId, shift, vector }, r) => {
    const before = rows[r - 1]
    return shift <= shiftMax && !vector.includes(-128) && (before === undefined || before.contribId < contribId)
  })
  if (!isOrdered) throw wrong('rows')
  const { base, adapter, data, seed, fold, scales } = head
  return { base, adapter, data, seed, fold, size, scales, rows }
}

/** The head, which other bytes may follow. */
function readHead(bytes: Uint8Array): TableHead {
  if (bytes.length < headBytes || !equalBytes(bytes.subarray(0, 8), tableMagic)) throw wrong('no magic')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const root = (i: number) => bytesToHex(bytes.subarray(8 + 32 * i, 40 + 32 * i))
  const [seed, fold, count, size, blocks] = [0, 1, 2, 3, 4].map((i) => view.getUint32(104 + 4 * i)) as Counts
  if (!folds.some((known) => known === fold)) throw wrong(`fold ${fold}`)
  const isSized = size >= 8 && size <= tableSizeMax && blocks >= 1 && blocks <= blocksMax
  if (!isSized || count < 1 || count > tableRowsMax) throw wrong(`${count} rows of ${size} numbers, ${blocks} blocks`)
  if (bytes.length < headBytes + 4 * blocks) throw wrong(`${bytes.length} bytes`)
  const scales = Float32Array.from({ length: blocks }, (_, b) => view.getFloat32(headBytes + 4 * b))
  if (scales.some((scale) => !(scale >= 0 && scale < Number.POSITIVE_INFINITY))) throw wrong('a scale that is none')
  return { base: root(0), adapter: root(1), data: root(2), seed, fold: fold as Fold, count, size, scales }
}

type Counts = [seed: number, fold: number, count: number, size: number, blocks: number]

/** The head, and each row: what {@link tableRoot} is over. */
export function tableLeaves({ base, adapter, data, seed, fold, size, scales, rows }: InfluenceTable): Uint8Array[] {
  const reals = new DataView(new ArrayBuffer(4 * scales.length))
  for (const [b, scale] of scales.entries()) reals.setFloat32(4 * b, scale)
  const head = concatBytes(
    tableMagic,
    ...[base, adapter, data].map(hexToBytes),
    ...[seed, fold, rows.length, size, scales.length].map((value) => uintBytes(value, 4)),
    new Uint8Array(reals.buffer),
  )
  return [head, ...rows.map(encodeRow)]
}

function wrong(what: string): GradientError {
  return new GradientError('file', `a table of influences: ${what}`)
}
