import { createHash } from 'node:crypto'
import {
  type DatanetMeta,
  type VersionFacts,
  type VersionFile,
  versionUri,
} from '../../attribution/datanets/croissant.ts'
import { versionPapers } from '../../attribution/datanets/statement.ts'
import { contentOf } from '../../chain/indexes/version-content.ts'
import { ContentStore } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { decodeConsent } from '../../protocol/datanets/consent.ts'
import { mediaTypes } from '../../protocol/datanets/media-types.ts'
import type { ChainAccess } from './action.ts'
import { nextVersion } from './next-version.ts'
import { RefusedError } from './refused.ts'

type Values = {
  readonly datanet: bigint
  readonly 'content.dir': string | undefined
  readonly node: readonly string[] | undefined
}

type Datanet = {
  readonly owner: Hex
  readonly mediaType: number
  readonly visibility: number
  readonly licenceId: Hex
  readonly metaHash: Hex
  readonly live?: boolean
}

/** Makes and keeps the papers of the next version. Throws UsageError, RefusedError and what the RPC throws. */
export async function describeNext(values: Values, chain: ChainAccess) {
  const { 'content.dir': dir, node: peers = [] } = values
  if (dir === undefined) throw new UsageError('give --content.dir: where contents are, and the papers are kept')
  const content = new ContentStore(dir, merkleRoot)
  const source = { content, peers, signal: chain.signal }
  const datanet = (await chain.read('DatanetRegistry', 'datanets', [values.datanet])) as Datanet
  const signer = chain.sender()
  if (datanet.owner.toLowerCase() !== signer.toLowerCase()) {
    throw new RefusedError(`Datanet ${values.datanet} belongs to ${datanet.owner}, who alone states what it holds`)
  }
  const { itemsRoot, diff, version, items } = await nextVersion(values, chain)
  const files: VersionFile[] = []
  for (const { contribId, author, contentHash, consent } of items) {
    const bytes = await contentOf(contentHash, source)
    if (bytes === undefined) throw new RefusedError(`nobody here has the content of contribution ${contribId}`)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    files.push({ contribId, author, contentHash, sha256, bytes: bytes.length, consent: saidConsent(consent) })
  }
  const facts: VersionFacts = {
    chainId: chain.chainId,
    datanet: values.datanet,
    version,
    owner: signer,
    mediaType: mediaTypes[datanet.mediaType] ?? 'text',
    permissioned: datanet.visibility === 1,
    live: datanet.live === true,
    licenceId: datanet.licenceId,
    terms: Number(await chain.read('LicencePolicy', 'termsOf', [datanet.licenceId])),
    meta: metaOf(await contentOf(datanet.metaHash, source), values.datanet),
    itemsRoot,
    ...(diff.previousRoot === zeroHash ? {} : { previousRoot: diff.previousRoot }),
    publishedAt: await chain.now(),
    files,
  }
  const papers = versionPapers(facts, { address: signer, sign: chain.sign })
  content.put(papers.croissant)
  content.put(papers.statement)
  const { croissantHash, statementHash } = papers
  return {
    version: versionUri(facts),
    items: files.length,
    itemsRoot,
    croissant: croissantHash,
    statement: statementHash,
  }
}

/** What an author said; silence is not listed. */
function saidConsent(mask: number): string[] {
  return Object.entries(decodeConsent(mask)).flatMap(([purpose, permission]) =>
    permission === 'unspecified' ? [] : [`${purpose}: ${permission}`],
  )
}

/** The owner's words; where its document is not at hand or says no name, the Datanet's number. */
function metaOf(bytes: Uint8Array | undefined, datanet: bigint): DatanetMeta {
  try {
    const meta = JSON.parse(new TextDecoder().decode(bytes)) as DatanetMeta
    if (typeof meta.name === 'string' && meta.name !== '') return meta
  } catch {
    // Any document may stand there: it is the owner's.
  }
  return { name: `Datanet ${datanet}` }
}
