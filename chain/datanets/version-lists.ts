import { ContentPeers } from '../../common/content-peers.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { bytesToBigint, bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { type ListedItem, listedItemBytes } from '../../protocol/datanets/version-diff.ts'

/** For one list from one peer. */
const timeoutMs = 60_000

/** Lists of records by their roots; undefined: nobody here has it. */
export type ListSource = { readonly records: (root: Hex, recordBytes: number) => Promise<Uint8Array | undefined> }

/** The list of contributions of that root: none of the root zero; undefined where nobody here has it. */
export async function fetchedList(root: Hex, source: ListSource): Promise<readonly ListedItem[] | undefined> {
  if (root === zeroHash) return []
  const list = await source.records(root, listedItemBytes)
  if (list === undefined || list.length === 0 || list.length % listedItemBytes !== 0) return undefined
  return Array.from({ length: list.length / listedItemBytes }, (_, i) => {
    const record = list.subarray(i * listedItemBytes, (i + 1) * listedItemBytes)
    return { contribId: bytesToBigint(record.subarray(0, 8)), contentHash: bytesToHex(record.subarray(8)) }
  })
}

/** Records of a root out of a store or from a peer; what is fetched is kept where there is a store. Throws ContentError. */
export async function recordsOf(
  root: Hex,
  recordBytes: number,
  from: { readonly store: ContentStore | undefined; readonly peers: readonly string[]; readonly signal: AbortSignal },
): Promise<Uint8Array | undefined> {
  const { store, peers, signal } = from
  const own = store?.getRecords(root, recordBytes)
  if (own !== undefined) return own
  const rootOf = (bytes: Uint8Array) => merkleRoot(bytes, recordBytes)
  const fetched = await new ContentPeers({ urls: peers, timeoutMs }, rootOf).get(root, signal)
  if (fetched !== undefined) store?.keep(root, fetched)
  return fetched
}
