import { createHash } from 'node:crypto'
import { fileName, type VersionFacts } from '../../attribution/datanets/croissant.ts'
import type { EnvelopeSigner } from '../../attribution/datanets/dsse.ts'
import { bytesToHex, concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { contentHash, merkleRoot } from '../../protocol/content-hash.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { licence } from './licences.ts'

export const ownerKey = new Uint8Array(32).fill(7)
export const versionOwner = bytesToHex(privateKeyAddress(ownerKey))

export const signerOf = (key: Uint8Array): EnvelopeSigner => ({
  address: bytesToHex(privateKeyAddress(key)),
  sign: (digest) => signCompact(digest, key),
})

/** Version 2 of Datanet 1 with texts made here, and its files by their names. */
export function versionFacts(texts: readonly string[] = ['one', 'two\nlines', 'three', '']): {
  readonly facts: VersionFacts
  readonly files: ReadonlyMap<string, Uint8Array>
} {
  const contents = texts.map((text) => new TextEncoder().encode(text))
  const files = contents.map((bytes, i) => ({
    contribId: BigInt(10 + 3 * i),
    author: `0x${String((i % 2) + 1).repeat(40)}` as const,
    contentHash: contentHash(bytes),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    consent: i % 2 === 0 ? ['ai_training: allowed'] : [],
  }))
  const records = files.map((file) => concatBytes(uintBytes(file.contribId, 8), hexToBytes(file.contentHash)))
  const facts: VersionFacts = {
    chainId: 901n,
    datanet: 1n,
    version: 2,
    owner: versionOwner,
    mediaType: 'text',
    permissioned: false,
    live: false,
    licenceId: licence('CC-BY-4.0'),
    terms: 2,
    meta: {
      name: 'Numbers',
      summary: 'Numbers in words',
      tags: ['numbers'],
      rai: { dataBiases: 'Small numbers alone.' },
    },
    itemsRoot: merkleRoot(concatBytes(...records), 40),
    previousRoot: `0x${'4'.repeat(64)}`,
    publishedAt: 1_790_000_000n,
    files,
  }
  return { facts, files: new Map(files.map((file, i) => [fileName(file, 'text'), contents[i] ?? new Uint8Array(0)])) }
}
