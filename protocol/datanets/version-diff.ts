import { concatBytes, FormatError, type Hex, hexToBytes, uintBytes, zeroHash } from '../bytes.ts'
import { merkleRoot } from '../content-hash.ts'

/** A contribution of a version. */
export type ListedItem = { readonly contribId: bigint; readonly contentHash: Hex }

/** `contribId u64 ‖ contentHash 32`: a leaf under itemsRoot, addedRoot and removedRoot. */
export const listedItemBytes = 40

/** The difference of a version to the one before it, as `publish` takes it. docs/DATANETS.md §8. */
export type VersionDiff = {
  readonly previousRoot: Hex
  readonly addedRoot: Hex
  readonly removedRoot: Hex
  readonly itemCount: number
  readonly added: number
  readonly removed: number
  readonly addedBytes: bigint
}

/** What the lists of a diff are. */
export type ItemLists = { readonly added: readonly ListedItem[]; readonly removed: readonly ListedItem[] }

/** Items of `next` that `previous` lacks, and the other way round. Throws FormatError for a list that does not ascend. */
export function diffItems(previous: readonly ListedItem[], next: readonly ListedItem[]): ItemLists {
  for (const list of [previous, next]) requireAscending(list)
  const key = ({ contribId, contentHash }: ListedItem) => `${contribId}:${contentHash}`
  const [before, after] = [new Set(previous.map(key)), new Set(next.map(key))]
  return {
    added: next.filter((item) => !before.has(key(item))),
    removed: previous.filter((item) => !after.has(key(item))),
  }
}

/** @param sizeOf bytes of a contribution's content */
export function versionDiff(
  previous: readonly ListedItem[],
  next: readonly ListedItem[],
  sizeOf: (contribId: bigint) => number,
): { readonly diff: VersionDiff; readonly lists: ItemLists } {
  const lists = diffItems(previous, next)
  const { added, removed } = lists
  const addedBytes = added.reduce((sum, { contribId }) => sum + BigInt(sizeOf(contribId)), 0n)
  const roots = { previousRoot: listRoot(previous), addedRoot: listRoot(added), removedRoot: listRoot(removed) }
  const counts = { itemCount: next.length, added: added.length, removed: removed.length, addedBytes }
  return { diff: { ...roots, ...counts }, lists }
}

/** Fields of a published diff that are not those of the lists; empty where it is right. */
export function wrongFields(
  published: VersionDiff,
  previous: readonly ListedItem[],
  next: readonly ListedItem[],
  sizeOf: (contribId: bigint) => number,
): (keyof VersionDiff)[] {
  const { diff } = versionDiff(previous, next, sizeOf)
  return (Object.keys(diff) as (keyof VersionDiff)[]).filter((field) => published[field] !== diff[field])
}

/** Root over a list's records; zero for an empty one. */
export function listRoot(items: readonly ListedItem[]): Hex {
  return items.length === 0 ? zeroHash : merkleRoot(encodeList(items), listedItemBytes)
}

export function encodeList(items: readonly ListedItem[]): Uint8Array {
  return concatBytes(
    ...items.map(({ contribId, contentHash }) => concatBytes(uintBytes(contribId, 8), hexToBytes(contentHash))),
  )
}

/** Throws FormatError, naming the first item that does not stand behind the one before it. */
export function requireAscending(items: readonly ListedItem[]): void {
  items.forEach(({ contribId }, i) => {
    const before = items[i - 1]
    if (before !== undefined && before.contribId >= contribId) {
      throw new FormatError(`contribution ${contribId} stands behind ${before.contribId}`)
    }
  })
}
