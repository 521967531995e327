import { equalBytes, uintBytes } from '../protocol/bytes.ts'
import { addSums, parentRow, sumTreeRoot } from '../protocol/sum-tree.ts'
import { abiPrecompile, customError, encodeResults } from './abi.ts'
import type { GasMeter } from './precompile.ts'

/** Proofs of consecutive leaves in a keccak sum tree. Twin of contracts/src/precompiles/MerkleSum.sol. */
export const merkleSum = abiPrecompile('MerkleSum', '0x4f4c000000000000000000000000000000000012', [
  {
    signature: 'verify(bytes32,uint32,uint32,bytes,bytes,bytes)',
    words: 6,
    run(args, _call, gas) {
      const root = uintBytes(args.uint(0, 256), 32)
      const n = Number(args.uint(1, 32))
      const start = Number(args.uint(2, 32))
      const [totals, leaves, siblings] = [args.bytes(3), args.bytes(4), args.bytes(5)]
      gas.charge(baseGas)
      const row = 32 + totals.length
      const shaped =
        totals.length > 0 &&
        totals.length % 16 === 0 &&
        totals.length <= 16 * sumsMax &&
        leaves.length > 0 &&
        leaves.length % row === 0 &&
        siblings.length % row === 0
      if (!shaped) {
        const lengths = [totals.length, leaves.length, siblings.length].map(BigInt)
        throw customError('BadShape(uint256,uint256,uint256)', ...lengths)
      }
      const prefix = provenPrefix(
        { root, n, start, totals, leaves: rows(leaves, row), siblings: rows(siblings, row) },
        gas,
      )
      return encodeResults(prefix !== undefined, prefix ?? new Uint8Array(totals.length))
    },
  },
])

const baseGas = 200
const gasPerNode = 90
/** On top, for each sum of a node. */
const gasPerSum = 20
/** Sums of one node, at most. */
const sumsMax = 16

/** Rows are a hash and its sums, u128 each. */
type SumProof = {
  readonly root: Uint8Array
  /** Leaves of the tree. */
  readonly n: number
  /** Index of the first leaf proven. */
  readonly start: number
  /** Sums under the root. */
  readonly totals: Uint8Array
  readonly leaves: readonly Uint8Array[]
  /** What the way up needs, level by level, the left one first. */
  readonly siblings: readonly Uint8Array[]
}

/** Sums of all leaves before the proven ones, or undefined where the proof does not hold. */
function provenPrefix(proof: SumProof, gas: GasMeter): Uint8Array | undefined {
  const { root, n, start, totals, siblings } = proof
  let { leaves: level, start: first } = { leaves: proof.leaves, start }
  if (first + level.length > n) return undefined
  let used = 0
  let prefix: Uint8Array = new Uint8Array(totals.length)
  for (let width = n; width > 1; width = Math.ceil(width / 2)) {
    const above: Uint8Array[] = []
    for (let taken = 0; taken < level.length; ) {
      const needsLeft = taken === 0 && first % 2 === 1
      const left = needsLeft ? siblings[used++] : level[taken++]
      if (left === undefined) return undefined
      if (needsLeft) prefix = addSums(prefix, left.subarray(32)) ?? prefix
      const right = taken < level.length ? level[taken++] : siblings[used++]
      if (right === undefined) return undefined
      gas.charge(gasPerNode + (gasPerSum * totals.length) / 16)
      const parent = parentRow(left, right)
      if (parent === undefined) return undefined
      above.push(parent)
    }
    level = above
    first = Math.floor(first / 2)
  }
  const [top] = level
  if (top === undefined || used !== siblings.length || !equalBytes(top.subarray(32), totals)) return undefined
  return equalBytes(root, sumTreeRoot(n, top)) ? prefix : undefined
}

function rows(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}
