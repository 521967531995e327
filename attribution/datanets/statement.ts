import { createHash } from 'node:crypto'
import { CodedError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { canonicalBytes, isJsonObject, type JsonObject, parseCanonical } from '../../protocol/jcs.ts'
import { accountUri, croissantBytes, licenceUri, type VersionFacts, versionUri } from './croissant.ts'
import { type EnvelopeSigner, openEnvelope, sealEnvelope } from './dsse.ts'

/**
 * `statement`: what is signed is no statement about a Datanet version. `signer`: not of whom it should be. `hash`: not
 * what stands on chain. `subject`: not about this version or description. `file`: a file is not the one described.
 */
export class StatementError extends CodedError<'statement' | 'signer' | 'hash' | 'subject' | 'file'> {}

export const statementPayloadType = 'application/vnd.in-toto+json'
const statementType = 'https://in-toto.io/Statement/v1'
const predicateType = 'https://slsa.dev/provenance/v1'
const buildType = 'urn:openledger:datanet-version:1'

/** A version's description and the owner's signed statement of it, with their hashes on chain. */
export type VersionPapers = {
  readonly croissant: Uint8Array
  readonly croissantHash: Hex
  /** DSSE envelope of an in-toto Statement v1 with an SLSA provenance predicate. */
  readonly statement: Uint8Array
  readonly statementHash: Hex
}

/** Describes a version; its owner signs for it. */
export function versionPapers(facts: VersionFacts, owner: EnvelopeSigner): VersionPapers {
  const croissant = croissantBytes(facts)
  const payload = canonicalBytes(statementOf(facts, croissant, owner.address))
  const statement = sealEnvelope(statementPayloadType, payload, owner)
  return { croissant, croissantHash: contentHash(croissant), statement, statementHash: contentHash(statement) }
}

/** Who signed a statement, and about what. */
export type VersionStatement = {
  readonly signer: Hex
  readonly version: string
  readonly itemsRoot: Hex
  readonly croissantSha256: string
  readonly payload: JsonObject
}

/** Checks an envelope by itself. Throws {@link StatementError} and DsseError. */
export function openStatement(envelope: Uint8Array): VersionStatement {
  const { payload, payloadType, signer } = openEnvelope(envelope)
  const value = parseCanonical(payload)
  const refused = (why: string) => new StatementError('statement', `no statement about a Datanet version: ${why}`)
  if (payloadType !== statementPayloadType || !isJsonObject(value)) throw refused('not canonical in-toto JSON')
  if (value['_type'] !== statementType || value['predicateType'] !== predicateType) throw refused('other types')
  const [version, croissant] = Array.isArray(value['subject']) ? value['subject'] : []
  const itemsRoot = digestOf(version, itemsRootDigest)
  const croissantSha256 = digestOf(croissant, 'sha256')
  const name = isJsonObject(version) ? version['name'] : undefined
  if (typeof name !== 'string' || itemsRoot === undefined || croissantSha256 === undefined) {
    throw refused('its subjects are not a version and its description')
  }
  return { signer, version: name, itemsRoot: `0x${itemsRoot}`, croissantSha256, payload: value }
}

/** What a statement is held against; what is absent is not looked at. */
export type Expected = {
  readonly signer?: Hex | undefined
  readonly statementHash?: Hex | undefined
  readonly croissantHash?: Hex | undefined
  readonly itemsRoot?: Hex | undefined
  readonly version?: string | undefined
  readonly croissant?: Uint8Array | undefined
  /** A described file's bytes by its name; undefined where it is not at hand. */
  readonly file?: ((name: string) => Uint8Array | undefined) | undefined
}

/** Checks a statement against all that is at hand; returns the number of files seen. Throws {@link StatementError} and DsseError. */
export function verifyStatement(
  envelope: Uint8Array,
  expected: Expected,
): VersionStatement & { readonly files: number } {
  const found = openStatement(envelope)
  same('signer', 'signed by', found.signer, expected.signer)
  same('hash', 'the statement has hash', contentHash(envelope), expected.statementHash)
  same('subject', 'a statement about', found.version, expected.version)
  same('subject', 'a statement about contributions under', found.itemsRoot, expected.itemsRoot)
  const { croissant, croissantHash, file } = expected
  if (croissant === undefined) return { ...found, files: 0 }
  same('subject', 'a description of SHA-256', sha256(croissant), found.croissantSha256)
  same('hash', 'the description has hash', contentHash(croissant), croissantHash)
  return { ...found, files: file === undefined ? 0 : checkFiles(croissant, file) }
}

function same(code: 'signer' | 'hash' | 'subject', what: string, found: string, expected: string | undefined): void {
  if (expected !== undefined && found !== expected) throw new StatementError(code, `${what} ${found}, not ${expected}`)
}

/** Files that a description names, and their content hashes. Throws {@link StatementError} `file` for what describes none. */
export function describedFiles(
  croissant: Uint8Array,
): readonly { readonly name: string; readonly contentHash: string }[] {
  return fileObjects(croissant).map((object) => ({
    name: String(object['name']),
    contentHash: String(object['ol:contentHash']),
  }))
}

function fileObjects(croissant: Uint8Array): readonly JsonObject[] {
  const description = parseCanonical(croissant)
  const listed = isJsonObject(description) ? description['distribution'] : undefined
  if (!Array.isArray(listed)) throw new StatementError('file', 'not a description in canonical JSON with its files')
  return (listed as readonly JsonObject[]).filter((each) => each['@type'] === 'cr:FileObject')
}

/** Every described file, by size, SHA-256 and content hash; returns how many. Throws {@link StatementError} `file`. */
export function checkFiles(croissant: Uint8Array, file: NonNullable<Expected['file']>): number {
  const objects = fileObjects(croissant)
  for (const object of objects) {
    const name = String(object['name'])
    const bytes = file(name)
    if (bytes === undefined) throw new StatementError('file', `${name} is not there`)
    const isSame =
      object['contentSize'] === `${bytes.length} B` &&
      object['sha256'] === sha256(bytes) &&
      object['ol:contentHash'] === contentHash(bytes)
    if (!isSame) throw new StatementError('file', `${name} is not the file that is described`)
  }
  return objects.length
}

const itemsRootDigest = 'openLedgerItemsRoot'

function statementOf(facts: VersionFacts, croissant: Uint8Array, signer: Hex): JsonObject {
  const { chainId, datanet, version, previousRoot } = facts
  const digest = (root: Hex): JsonObject => ({ [itemsRootDigest]: root.slice(2) })
  const before = { name: versionUri({ chainId, datanet, version: version - 1 }), digest: digest(previousRoot ?? '0x') }
  return {
    _type: statementType,
    subject: [
      { name: versionUri(facts), digest: digest(facts.itemsRoot) },
      { name: 'croissant.json', digest: { sha256: sha256(croissant) } },
    ],
    predicateType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          chainId: String(chainId),
          datanet: String(datanet),
          version,
          licence: licenceUri(facts.licenceId),
          contributions: facts.files.length,
        },
        resolvedDependencies: previousRoot === undefined ? [] : [before],
      },
      runDetails: {
        builder: { id: accountUri(chainId, signer) },
        metadata: { finishedOn: new Date(Number(facts.publishedAt) * 1_000).toISOString() },
      },
    },
  }
}

function digestOf(subject: unknown, algorithm: string): string | undefined {
  const digest = isJsonObject(subject) ? subject['digest'] : undefined
  const value = isJsonObject(digest) ? digest[algorithm] : undefined
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
