import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { TextFile } from '../../attribution/indexes/index-jobs.ts'
import type { VersionItem } from '../../attribution/suffix/item-tree.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { bytesToBigint, bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { allEvents } from '../ledger/all-events.ts'
import { callContract } from '../ledger/l2-calls.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'

export type VersionRef = { readonly datanet: bigint; readonly version: number }

export type ContentSource = {
  /** What is fetched is kept here. */
  readonly content: ContentStore
  /** Rollup RPCs of nodes that serve content. */
  readonly peers: readonly string[]
  readonly signal: AbortSignal
}

/** `contribId u64 ‖ contentHash 32`. */
const itemBytes = 40
/** For one file from one peer. */
const timeoutMs = 60_000
const archived = 4
const isPermissioned = 1

/** The contributions of a version, in order. Throws {@link IndexError} `unknown-version` or `no-items`. */
export async function versionItems(rpc: L2Rpc, ref: VersionRef, source: ContentSource): Promise<VersionItem[]> {
  const { datanet, version } = ref
  const roots = await registry<{ readonly itemsRoot: Hex }>(rpc, 'versions', datanet, version)
  if (roots.itemsRoot === zeroHash) throw new IndexError('unknown-version', `there is no ${nameOf(ref)}`)
  const list = await contentOf(roots.itemsRoot, source, itemBytes)
  if (list === undefined || list.length % itemBytes !== 0) {
    throw new IndexError('no-items', `nobody here has the list of contributions of ${nameOf(ref)}, ${roots.itemsRoot}`)
  }
  return Array.from({ length: list.length / itemBytes }, (_, i) => {
    const record = list.subarray(i * itemBytes, (i + 1) * itemBytes)
    return { contribId: bytesToBigint(record.subarray(0, 8)), contentHash: bytesToHex(record.subarray(8)) }
  })
}

/** The contents of items as files of the store. Throws {@link IndexError} `no-content`, naming the first that nobody has. */
export async function versionTexts(items: readonly VersionItem[], source: ContentSource): Promise<TextFile[]> {
  const texts: TextFile[] = []
  for (const { contribId, contentHash } of items) {
    const { content, signal } = source
    signal.throwIfAborted()
    if (content.place(contentHash) === undefined) await contentOf(contentHash, source)
    const file = content.place(contentHash)?.file
    if (file === undefined) {
      throw new IndexError('no-content', `nobody here has the content of contribution ${contribId}, ${contentHash}`)
    }
    texts.push({ contribId, contentHash, file })
  }
  return texts
}

/** Bytes of the tokenizer of that hash. Throws {@link IndexError} `no-tokenizer`. */
export async function tokenizerOf(hash: Hex, source: ContentSource): Promise<Uint8Array> {
  const bytes = await contentOf(hash, source)
  if (bytes === undefined) throw new IndexError('no-tokenizer', `nobody here has the tokenizer ${hash}`)
  return bytes
}

/** Throws {@link IndexError} `unknown-version`, `permissioned` or `withdrawn` for a version that no new index is to be made of. */
export async function requireOpenVersion(rpc: L2Rpc, ref: VersionRef, items: readonly VersionItem[]): Promise<void> {
  const { datanet } = ref
  type Datanet = { readonly status: number; readonly visibility: number }
  const { status, visibility } = await registry<Datanet>(rpc, 'datanets', datanet)
  if (visibility === isPermissioned) {
    throw new IndexError('permissioned', `Datanet ${datanet} is permissioned: its texts stand in no index`)
  }
  if (status === archived) throw new IndexError('withdrawn', `Datanet ${datanet} is archived`)
  const args = [datanet, ref.version]
  const fault = await callContract(rpc, { contract: 'DatanetJudge', functionName: 'voidFor', args })
  if (fault !== zeroHash) throw new IndexError('withdrawn', `${nameOf(ref)} was proven false: it is void`)
  const ids = new Set(items.map(({ contribId }) => contribId))
  for (const { args } of await allEvents(rpc, 'DatanetRegistry', 'ConsentWithdrawn')) {
    const contribId = args['contribId'] as bigint
    if (!ids.has(contribId)) continue
    const next = `index version ${args['fromVersion']} of the Datanet, or a later one`
    throw new IndexError('withdrawn', `contribution ${contribId} of ${nameOf(ref)} was withdrawn: ${next}`)
  }
}

function nameOf({ datanet, version }: VersionRef): string {
  return `version ${version} of Datanet ${datanet}`
}

/** A content, from the store or a peer, where it is kept then; undefined where nobody has it. */
export async function contentOf(
  hash: Hex,
  source: ContentSource,
  recordBytes?: number,
): Promise<Uint8Array | undefined> {
  const { content, peers, signal } = source
  const own = recordBytes === undefined ? content.get(hash) : content.getRecords(hash, recordBytes)
  if (own !== undefined) return own
  const rootOf = recordBytes === undefined ? merkleRoot : (bytes: Uint8Array) => merkleRoot(bytes, recordBytes)
  const fetched = await new ContentPeers({ urls: peers, timeoutMs }, rootOf).get(hash, signal)
  if (fetched !== undefined) content.keep(hash, fetched)
  return fetched
}

async function registry<T>(rpc: L2Rpc, functionName: string, ...args: readonly unknown[]): Promise<T> {
  return (await callContract(rpc, { contract: 'DatanetRegistry', functionName, args })) as T
}
