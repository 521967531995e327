import { describe, expect, test } from 'vitest'
import { buildIndex } from '../../../attribution/suffix/build-index.ts'
import { IndexShards } from '../../../attribution/suffix/index-shards.ts'
import { joinDocuments, type TokenDocument } from '../../../attribution/suffix/text.ts'
import { Random } from '../../fakes/random.ts'
import { hardTexts, subjectOf } from '../../fakes/suffix-texts.ts'

const numbered = (documents: readonly (readonly number[])[]): TokenDocument[] =>
  documents.map((tokens, i) => ({ contribId: BigInt(i + 1), tokens }))

function inLots(documents: readonly TokenDocument[], lots: number, vocab: number): IndexShards {
  const shards = new IndexShards(vocab)
  for (let lot = 0; lot < lots; lot++) {
    const bound = (i: number) => Math.floor((i * documents.length) / lots)
    shards.add(documents.slice(bound(lot), bound(lot + 1)))
  }
  return shards
}

describe('IndexShards', () => {
  const random = new Random(21)
  const texts: Readonly<Record<string, readonly TokenDocument[]>> = {
    'random documents': numbered(random.list(40, () => random.list(random.int(90), () => random.int(2)))),
    ...Object.fromEntries(
      Object.entries(hardTexts).map(([name, documents]) => [
        name,
        numbered([...documents, ...documents, ...documents]),
      ]),
    ),
  }

  test.each(Object.keys(texts))('1, 2 and 7 lots give one record: %s', (name) => {
    const documents = texts[name] ?? []
    const { record } = buildIndex(joinDocuments(documents, 2), subjectOf(2))
    for (const lots of [1, 2, 7]) expect(inLots(documents, lots, 2).index(subjectOf(2)).record).toEqual(record)
  })

  test('a document at a time leaves a number of shards that grows as the logarithm', () => {
    const documents = numbered(Array.from({ length: 256 }, () => [1, 0, 1]))
    const shards = inLots(documents, 256, 2)
    expect(shards.shardTokens.length).toBeLessThanOrEqual(9)
    expect(shards.shardTokens.reduce((sum, tokens) => sum + tokens, 0)).toBe(1024)
  })

  test('documents taken out leave the index that never had them', () => {
    const documents = texts['random documents'] ?? []
    const gone = new Set([1n, 7n, 8n, 40n])
    const shards = inLots(documents, 7, 2)
    shards.remove(gone)
    const rest = documents.filter(({ contribId }) => !gone.has(contribId))
    expect(shards.index(subjectOf(2)).record).toEqual(buildIndex(joinDocuments(rest, 2), subjectOf(2)).record)
  })

  test('a lot that does not come behind the last is refused by name and leaves what was there', () => {
    const shards = inLots(numbered([[1], [0]]), 1, 2)
    expect(() => shards.add([{ contribId: 2n, tokens: [1] }])).toThrow(expect.objectContaining({ code: 'order' }))
    expect(shards.index(subjectOf(2)).record.documents).toBe(2)
  })
})
