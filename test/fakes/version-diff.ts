import { type Hex, zeroHash } from '../../protocol/bytes.ts'

/** What `publish` takes beside the items: roots that no test looks at. */
export const noRoots = {
  tokenRoot: zeroHash,
  suffixRoot: zeroHash,
  tokenCount: 0n,
  tokenizerHash: zeroHash,
  croissantHash: zeroHash,
  statementHash: zeroHash,
  unitsTotal: 0n,
  unitsRoot: zeroHash,
} as const

/** The difference of a version that adds `added` items to a version of `before`, whose root is `previousRoot`. */
export function addingDiff(added: number, previousRoot: Hex = zeroHash, before = 0) {
  const addedRoot = added === 0 ? zeroHash : `0x${added.toString(16).padStart(64, 'd')}`
  return {
    previousRoot,
    addedRoot,
    removedRoot: zeroHash,
    itemCount: before + added,
    added,
    removed: 0,
    addedBytes: 0n,
  }
}
