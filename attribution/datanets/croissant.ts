import type { Hex } from '../../protocol/bytes.ts'
import { canonicalBytes, type Json, type JsonObject } from '../../protocol/jcs.ts'
import { spdxOf } from '../../protocol/licences/spdx.ts'
import { nameOfTerms, type Terms } from '../../protocol/licences/terms.ts'

/** A contribution as a file of a version. */
export type VersionFile = {
  readonly contribId: bigint
  readonly author: Hex
  /** Root over its 1 KiB chunks, as on chain. */
  readonly contentHash: Hex
  /** Of its bytes, hex without 0x. */
  readonly sha256: string
  readonly bytes: number
  /** What its author allows, in words. */
  readonly consent: readonly string[]
}

/** What a Datanet's owner says of it; the metadata document behind `metaHash`. */
export type DatanetMeta = {
  readonly name: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  /** Fields of Croissant's RAI vocabulary by name, as `dataBiases`. */
  readonly rai?: Readonly<Record<string, string>>
}

/** What the chain and the contents say of a version. */
export type VersionFacts = {
  readonly chainId: bigint
  readonly datanet: bigint
  readonly version: number
  readonly owner: Hex
  readonly mediaType: MediaType
  readonly permissioned: boolean
  /** Appended to hour by hour. */
  readonly live: boolean
  readonly licenceId: Hex
  readonly terms: Terms
  readonly meta: DatanetMeta
  readonly itemsRoot: Hex
  /** Of the version before; absent for the first. */
  readonly previousRoot?: Hex
  /** Unix seconds. */
  readonly publishedAt: bigint
  /** Ascending by contribution. */
  readonly files: readonly VersionFile[]
}

export type MediaType = 'text' | 'image' | 'audio' | 'structured'

/** Spec of the description: MLCommons Croissant 1.1 with its RAI vocabulary 1.0. */
export const croissantSpecs = ['http://mlcommons.org/croissant/1.1', 'http://mlcommons.org/croissant/RAI/1.0'] as const

/** The version's description: Croissant JSON-LD in its canonical form. docs/LICENCES.md */
export function croissantBytes(facts: VersionFacts): Uint8Array {
  return canonicalBytes(croissantOf(facts))
}

/** Where a version stands on chain. */
export function versionUri({
  chainId,
  datanet,
  version,
}: Pick<VersionFacts, 'chainId' | 'datanet' | 'version'>): string {
  return `urn:openledger:${chainId}:datanet:${datanet}:${version}`
}

/** An account as CAIP-10 names it, as a URI. */
export function accountUri(chainId: bigint, address: Hex): string {
  return `did:pkh:eip155:${chainId}:${address}`
}

/** Where the licence can be read, or what it is called. */
export function licenceUri(licenceId: Hex): string {
  const spdx = spdxOf(licenceId)
  return spdx === undefined ? `urn:openledger:licence:${licenceId}` : `https://spdx.org/licenses/${spdx}.html`
}

/** The file's name beside the description. */
export function fileName({ contribId }: Pick<VersionFile, 'contribId'>, media: MediaType): string {
  return `items/${contribId}.${formats[media].suffix}`
}

const formats: Readonly<Record<MediaType, { readonly mime: string; readonly suffix: string; readonly type: string }>> =
  {
    text: { mime: 'text/plain', suffix: 'txt', type: 'sc:Text' },
    image: { mime: 'application/octet-stream', suffix: 'bin', type: 'sc:ImageObject' },
    audio: { mime: 'application/octet-stream', suffix: 'bin', type: 'sc:AudioObject' },
    structured: { mime: 'application/json', suffix: 'json', type: 'sc:Text' },
  }

function croissantOf(facts: VersionFacts): JsonObject {
  const { chainId, owner, meta, files, permissioned } = facts
  const authors = [...new Set(files.map(({ author }) => author))].sort()
  return {
    '@context': context,
    '@type': 'sc:Dataset',
    '@id': versionUri(facts),
    conformsTo: [...croissantSpecs],
    name: meta.name,
    description: meta.description ?? meta.summary ?? meta.name,
    ...(meta.tags === undefined ? {} : { keywords: [...meta.tags] }),
    url: versionUri(facts),
    version: `${facts.version}.0.0`,
    citeAs: `${meta.name}, version ${facts.version}. ${versionUri(facts)}`,
    datePublished: new Date(Number(facts.publishedAt) * 1_000).toISOString(),
    license: licenceUri(facts.licenceId),
    'ol:licenceTerms': nameOfTerms(facts.terms),
    creator: authors.map((author) => person(chainId, author)),
    publisher: person(chainId, owner),
    isLiveDataset: facts.live,
    conditionsOfAccess: permissioned
      ? `Permissioned: the owner grants access for a purpose and a time; what is read is not given on. Ask on chain ${chainId} for Datanet ${facts.datanet}.`
      : 'Public: anyone may read it, under its licence.',
    isAccessibleForFree: !permissioned,
    'ol:itemsRoot': facts.itemsRoot,
    ...(facts.previousRoot === undefined ? {} : { 'ol:previousRoot': facts.previousRoot }),
    ...raiOf(facts),
    distribution: [...files.map((file) => fileObject(file, facts.mediaType)), fileSet(facts.mediaType)],
    recordSet: [recordSet(facts.mediaType)],
  }
}

function person(chainId: bigint, address: Hex): JsonObject {
  return { '@type': 'sc:Person', name: address, url: accountUri(chainId, address) }
}

/** What the chain shows of how the data came about; the owner's own words go before it. */
function raiOf({ files, terms, meta }: VersionFacts): JsonObject {
  const authors = new Set(files.map(({ author }) => author)).size
  const counted = new Map<string, number>()
  for (const { consent } of files) for (const each of consent) counted.set(each, (counted.get(each) ?? 0) + 1)
  const uses = [...counted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([each, n]) => `${each}: ${n} of ${files.length}`)
  const shown: Record<string, Json> = {
    'rai:dataCollection': `${files.length} contributions of ${authors} accounts, each signed by its author and accepted on chain.`,
    'rai:dataCollectionType': ['Direct contribution'],
    'rai:dataUseCases': uses,
    'rai:dataReleaseMaintenancePlan':
      'Every change is a new version with its own description. What an author withdraws stands in no later version.',
    'rai:dataLimitations': [`Licence terms: ${nameOfTerms(terms)}.`],
    'rai:personalSensitiveInformation': ['Not stated by the owner.'],
  }
  for (const [name, text] of Object.entries(meta.rai ?? {})) {
    const key = `rai:${name}`
    shown[key] = Array.isArray(shown[key]) ? [text] : text
  }
  return shown
}

function fileObject(file: VersionFile, media: MediaType): JsonObject {
  const name = fileName(file, media)
  return {
    '@type': 'cr:FileObject',
    '@id': name,
    name,
    contentUrl: name,
    contentSize: `${file.bytes} B`,
    encodingFormat: formats[media].mime,
    sha256: file.sha256,
    'ol:contribution': String(file.contribId),
    'ol:contentHash': file.contentHash,
    'ol:author': file.author,
    'ol:consent': [...file.consent],
  }
}

function fileSet(media: MediaType): JsonObject {
  const { mime, suffix } = formats[media]
  return { '@type': 'cr:FileSet', '@id': 'items', name: 'items', encodingFormat: mime, includes: `items/*.${suffix}` }
}

function recordSet(media: MediaType): JsonObject {
  const field = (name: string, dataType: string, extract: string, transform?: JsonObject): JsonObject => ({
    '@type': 'cr:Field',
    '@id': `contributions/${name}`,
    name: `contributions/${name}`,
    dataType,
    source: {
      fileSet: { '@id': 'items' },
      extract: { fileProperty: extract },
      ...(transform === undefined ? {} : { transform }),
    },
  })
  return {
    '@type': 'cr:RecordSet',
    '@id': 'contributions',
    name: 'contributions',
    field: [
      field('id', 'sc:Text', 'filename', { regex: `^(\\d+)\\.${formats[media].suffix}$` }),
      field('content', formats[media].type, 'content'),
    ],
  }
}

/** Appendix 1 of the spec, and our own words. */
const context: JsonObject = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  arrayShape: 'cr:arrayShape',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  containedIn: 'cr:containedIn',
  cr: 'http://mlcommons.org/croissant/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  description: { '@container': '@language' },
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileObject: 'cr:fileObject',
  fileProperty: 'cr:fileProperty',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isArray: 'cr:isArray',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  name: { '@container': '@language' },
  ol: 'urn:openledger:ns:',
  parentField: 'cr:parentField',
  path: 'cr:path',
  rai: 'http://mlcommons.org/croissant/RAI/',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
}
