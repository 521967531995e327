import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { attribute, indexSet } from '../../../attribution/suffix/attribute.ts'
import { buildIndex } from '../../../attribution/suffix/build-index.ts'
import { encodeIndexRecord } from '../../../attribution/suffix/index-record.ts'
import { joinDocuments } from '../../../attribution/suffix/text.ts'
import { indexSetHash } from '../../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'

type Example = {
  readonly vocab: number
  readonly tokenizerHash: Hex
  readonly tokenLengths: readonly number[]
  readonly indexes: readonly {
    readonly datanet: number
    readonly version: number
    readonly documents: readonly (readonly [contribId: number, tokens: readonly number[]])[]
    readonly record: Hex
    readonly id: Hex
  }[]
  readonly indexSetHash: Hex
  readonly output: readonly number[]
  readonly spans: unknown
  readonly shares: unknown
  readonly evidence: Hex
  readonly evidenceHash: Hex
}

/** Made by reference.py beside it, which was written from docs/ATTRIBUTION.md alone. */
const golden: { readonly examples: readonly Example[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8'),
)

describe('a second implementation, in Python', () => {
  test.each(golden.examples.map((example, i) => [i, example] as const))('agrees on example %i', (_, example) => {
    const { vocab, tokenizerHash } = example
    const tokenLengths = Uint32Array.from(example.tokenLengths)
    const indexes = example.indexes.map(({ datanet, version, documents }) => {
      const text = joinDocuments(
        documents.map(([contribId, tokens]) => ({ contribId: BigInt(contribId), tokens })),
        vocab,
      )
      return buildIndex(text, { datanet: BigInt(datanet), version, tokenizerHash, tokenLengths })
    })
    expect(indexes.map(({ record }) => bytesToHex(encodeIndexRecord(record)))).toEqual(
      example.indexes.map(({ record }) => record),
    )
    expect(indexes.map(({ id }) => id)).toEqual(example.indexes.map(({ id }) => id))
    const set = indexSet(indexes)
    expect(indexSetHash(set.map(({ id }) => id))).toBe(example.indexSetHash)
    const { spans, shares, evidence, evidenceHash } = attribute(set, example.output)
    const places = (span: (typeof spans)[number]) => span.places.map(({ index, position }) => [index, position])
    expect(spans.map((span) => [span.start, span.length, span.weight, places(span)])).toEqual(example.spans)
    expect(shares.map((share) => [share.class, Number(share.id), share.weight])).toEqual(example.shares)
    expect(bytesToHex(evidence)).toBe(example.evidence)
    expect(evidenceHash).toBe(example.evidenceHash)
  })
})
