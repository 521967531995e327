import { FormatError } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { sumTreeRoot } from '../../protocol/sum-tree.ts'

const hashBytes = 32
const sumBytes = 16

/** Rows of padding by height. */
export type Padding = readonly (Uint8Array | undefined)[]

/**
 * The sum tree of protocol/sum-tree.ts for very many leaves: each level is one byte array of rows, level 0 the leaves,
 * so that a million leaves of one sum take 96 MB and no object each. Absent rows are not stored.
 */
export class RowTree {
  /** Bytes of a row: a hash and its sums. */
  readonly rowBytes: number
  /** From the leaves upwards; each holds ⌈rows below / 2⌉ rows. */
  readonly levels: readonly Uint8Array[]
  /** The row over absent leaves only, by height. */
  readonly #absent: readonly Uint8Array[]

  private constructor(rowBytes: number, levels: readonly Uint8Array[], absent: readonly Uint8Array[]) {
    this.rowBytes = rowBytes
    this.levels = levels
    this.#absent = absent
  }

  /**
   * `leaves`: rows one behind the other. `padding`: by height, the row that stands behind the last one where it stands alone;
   * absent rows in every honest tree. Throws {@link FormatError} for no leaves, or where a sum overflows u128.
   */
  static of(leaves: Uint8Array, rowBytes: number, padding: Padding = []): RowTree {
    if (rowBytes <= hashBytes || (rowBytes - hashBytes) % sumBytes !== 0)
      throw new FormatError(`rows of ${rowBytes} bytes`)
    if (leaves.length === 0 || leaves.length % rowBytes !== 0) {
      throw new FormatError(`a sum tree of ${leaves.length} bytes of rows of ${rowBytes}`)
    }
    const depth = Math.ceil(Math.log2(leaves.length / rowBytes))
    const absent = absentRows(rowBytes, depth).map((row, height) => padding[height] ?? row)
    const levels = [leaves]
    for (let level = leaves, height = 0; level.length > rowBytes; height++) {
      level = levelAbove(level, absent[height] ?? level, rowBytes)
      levels.push(level)
    }
    return new RowTree(rowBytes, levels, absent)
  }

  /** The tree whose levels were computed before, on another thread for instance. */
  static ofLevels(rowBytes: number, levels: readonly Uint8Array[]): RowTree {
    return new RowTree(rowBytes, levels, absentRows(rowBytes, levels.length))
  }

  /** Leaves. */
  get count(): number {
    return (this.levels[0]?.length ?? 0) / this.rowBytes
  }

  /** The topmost row. */
  get top(): Uint8Array {
    return this.row(this.levels.length - 1, 0)
  }

  /** What is published. */
  get root(): Uint8Array {
    return sumTreeRoot(this.count, this.top)
  }

  /** Sums of all leaves, u128 each. */
  get totals(): Uint8Array {
    return this.top.subarray(hashBytes)
  }

  /** Row `i` of a level, the absent one where none is stored. A view: not to be written to. */
  row(height: number, i: number): Uint8Array {
    const level = this.levels[height] ?? new Uint8Array(0)
    const start = i * this.rowBytes
    return start < level.length
      ? level.subarray(start, start + this.rowBytes)
      : (this.#absent[height] ?? new Uint8Array(this.rowBytes))
  }

  /** Siblings that the leaves start … start + count − 1 need, level by level, the left one first. */
  siblings(start: number, count = 1): Uint8Array[] {
    if (count < 1 || start < 0 || start + count > this.count) {
      throw new FormatError(`leaves ${start} to ${start + count - 1} of ${this.count}`)
    }
    const found: Uint8Array[] = []
    let [first, last] = [start, start + count - 1]
    for (let height = 0; height < this.levels.length - 1; height++) {
      if (first % 2 === 1) found.push(this.row(height, first - 1))
      if (last % 2 === 0) found.push(this.row(height, last + 1))
      first = Math.floor(first / 2)
      last = Math.floor(last / 2)
    }
    return found
  }
}

function absentRows(rowBytes: number, depth: number): Uint8Array[] {
  const rows: Uint8Array[] = [new Uint8Array(rowBytes)]
  for (let height = 0; height < depth; height++) {
    const below = rows[height] ?? new Uint8Array(rowBytes)
    rows.push(levelAbove(below, below, rowBytes))
  }
  return rows
}

/** The rows over `level`, whose last one is joined with `absent` where it stands alone. */
function levelAbove(level: Uint8Array, absent: Uint8Array, rowBytes: number): Uint8Array {
  const rows = level.length / rowBytes
  const above = new Uint8Array(Math.ceil(rows / 2) * rowBytes)
  const aboveView = new DataView(above.buffer)
  // `0x01 ‖ left row ‖ right row`, reused: a million small arrays would cost more than the hashing.
  const preimage = new Uint8Array(1 + 2 * rowBytes)
  const view = new DataView(preimage.buffer)
  preimage[0] = 1
  for (let i = 0; i < rows; i += 2) {
    preimage.set(level.subarray(i * rowBytes, (i + 2) * rowBytes), 1)
    if (i + 1 === rows) preimage.set(absent, 1 + rowBytes)
    const at = (i / 2) * rowBytes
    above.set(keccak256(preimage), at)
    addSums(view, aboveView, at, rowBytes)
  }
  return above
}

/** Adds the sums of the two rows of a node's preimage into the row at `at`. */
function addSums(preimage: DataView, above: DataView, at: number, rowBytes: number): void {
  for (let sum = hashBytes; sum < rowBytes; sum += sumBytes) {
    let carry = 0
    for (let limb = sum + sumBytes - 4; limb >= sum; limb -= 4) {
      const digit = preimage.getUint32(1 + limb) + preimage.getUint32(1 + rowBytes + limb) + carry
      above.setUint32(at + limb, digit)
      carry = digit > 0xffff_ffff ? 1 : 0
    }
    if (carry > 0) throw new FormatError('a sum of the tree does not fit u128')
  }
}
