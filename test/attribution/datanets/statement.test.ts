import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { croissantBytes, versionUri } from '../../../attribution/datanets/croissant.ts'
import { DsseError } from '../../../attribution/datanets/dsse.ts'
import { StatementError, verifyStatement, versionPapers } from '../../../attribution/datanets/statement.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { type JsonObject, parseCanonical } from '../../../protocol/jcs.ts'
import { ownerKey, signerOf, versionFacts, versionOwner } from '../../fakes/version-facts.ts'

const { facts, files } = versionFacts()
const papers = versionPapers(facts, signerOf(ownerKey))
const whole = {
  signer: versionOwner,
  statementHash: papers.statementHash,
  croissantHash: papers.croissantHash,
  itemsRoot: facts.itemsRoot,
  version: versionUri(facts),
  croissant: papers.croissant,
  file: (name: string) => files.get(name),
}
const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof StatementError || error instanceof DsseError) return error.code
    throw error
  }
  return 'fine'
}

/** One bit of each byte; all of them in the long run. */
const bitsOf = (at: number) => (process.env['OPENLEDGER_FUZZ'] === undefined ? [at % 8] : [0, 1, 2, 3, 4, 5, 6, 7])

describe('a statement', () => {
  test('of a version, its description and files verifies without a chain', () => {
    expect(verifyStatement(papers.statement, whole)).toMatchObject({ signer: versionOwner, files: 4 })
    expect(papers.statementHash).toBe(contentHash(papers.statement))
  })

  test('is refused by name with any bit of it flipped, its hash not looked at', () => {
    const { statementHash: _, ...rest } = whole
    const seen = new Map<string, number>()
    for (let at = 0; at < papers.statement.length; at++) {
      for (const bit of bitsOf(at)) {
        const changed = Uint8Array.from(papers.statement)
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const code = codeOf(() => verifyStatement(changed, rest))
        seen.set(code, (seen.get(code) ?? 0) + 1)
      }
    }
    expect(seen.get('fine')).toBeUndefined()
    for (const code of ['envelope', 'signer', 'signature']) expect(seen.get(code)).toBeGreaterThan(0)
  }, 60_000)

  test('is refused by name where a file, the description or what stands on chain is another', () => {
    const other = versionPapers({ ...facts, version: 3 }, signerOf(ownerKey))
    const changed = (changes: object) => codeOf(() => verifyStatement(papers.statement, { ...whole, ...changes }))
    expect(changed({ croissant: other.croissant })).toBe('subject')
    expect(changed({ croissantHash: other.croissantHash })).toBe('hash')
    expect(changed({ statementHash: other.statementHash })).toBe('hash')
    expect(changed({ version: versionUri({ ...facts, version: 3 }) })).toBe('subject')
    expect(changed({ itemsRoot: other.croissantHash })).toBe('subject')
    expect(changed({ signer: `0x${'9'.repeat(40)}` })).toBe('signer')
    expect(changed({ file: () => undefined })).toBe('file')
    expect(changed({ file: (name: string) => files.get(name)?.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) })).toBe(
      'file',
    )
    const stranger = versionPapers(facts, signerOf(new Uint8Array(32).fill(8)))
    expect(codeOf(() => verifyStatement(stranger.statement, whole))).toBe('signer')
  })

  test('can be signed by a wallet that signs messages: the same bytes', async () => {
    const envelope = parseCanonical(papers.statement) as { payload: string; signatures: { sig: string }[] }
    const payload = Buffer.from(envelope.payload, 'base64')
    const type = 'application/vnd.in-toto+json'
    const message = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
    const wallet = privateKeyToAccount(bytesToHex(ownerKey))
    const signature = await wallet.signMessage({ message: { raw: bytesToHex(message) } })
    expect(bytesToHex(Buffer.from(envelope.signatures[0]?.sig ?? '', 'base64'))).toBe(signature)
  })
})

describe('a description', () => {
  const description = parseCanonical(papers.croissant) as JsonObject

  test('is the same bytes whoever makes it from the same facts, and says what the chain says', () => {
    expect(bytesToHex(croissantBytes(structuredClone(facts)))).toBe(bytesToHex(papers.croissant))
    expect(description).toMatchObject({
      '@type': 'sc:Dataset',
      conformsTo: ['http://mlcommons.org/croissant/1.1', 'http://mlcommons.org/croissant/RAI/1.0'],
      license: 'https://spdx.org/licenses/CC-BY-4.0.html',
      isLiveDataset: false,
      version: '2.0.0',
      'ol:itemsRoot': facts.itemsRoot,
      'rai:dataBiases': 'Small numbers alone.',
      'rai:dataUseCases': ['ai_training: allowed: 2 of 4'],
    })
    expect((description['distribution'] as readonly JsonObject[]).length).toBe(5)
  })

  // A second reader of the format, where its place is named: mlcroissant of PyPI.
  test.runIf(process.env['MLCROISSANT'] !== undefined)(
    'is accepted and its records are read by mlcroissant',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'croissant-'))
      try {
        mkdirSync(join(folder, 'items'))
        for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes)
        writeFileSync(join(folder, 'croissant.json'), papers.croissant)
        const args = [
          'load',
          '--jsonld',
          join(folder, 'croissant.json'),
          '--record_set',
          'contributions',
          '--num_records',
          '4',
        ]
        const out = execFileSync(process.env['MLCROISSANT'] ?? '', args, {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        expect(out).toContain("'contributions/id': b'13'")
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
    60_000,
  )
})
