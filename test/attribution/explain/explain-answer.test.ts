import { describe, expect, test } from 'vitest'
import { attributeV2 } from '../../../attribution/combined/attribute-v2.ts'
import type { InfluenceTable } from '../../../attribution/combined/influence-table.ts'
import { AnswerExplainer } from '../../../attribution/explain/answer-explainer.ts'
import { type AnswerToExplain, explainAnswer } from '../../../attribution/explain/explain-answer.ts'
import type { ExplainedEntry } from '../../../attribution/explain/explain-receipt.ts'
import { type Figure, isEqual } from '../../../attribution/explain/figure.ts'
import { attribute, indexSet } from '../../../attribution/suffix/attribute.ts'
import { contributionsIn } from '../../../attribution/suffix/evidence.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { type Hex, zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import { Random } from '../../fakes/random.ts'
import { randomSignatures, randomTable } from '../../fakes/share-receipt.ts'
import { indexOfDocuments, randomDocuments, stitchedAnswer } from '../../fakes/suffix-texts.ts'

const vocab = 500
const size = 24
const word = (digits: string): Hex => `0x${digits.repeat(32)}`
const sourceOf = ({ rows }: InfluenceTable) => ({
  ...{ model: word('aa'), adapter: zeroHash, table: word('bb'), size, rows: rows.length },
})

/** An answer with the receipt that an honest worker makes of it; `kinds`: what its model has. */
function honest(seed: number, kinds: { readonly indexes: boolean; readonly table: boolean }): AnswerToExplain {
  const random = new Random(seed)
  const documents = [randomDocuments(random, vocab), randomDocuments(random, vocab)]
  const set = kinds.indexes ? indexSet(documents.map((each, i) => indexOfDocuments(each, vocab, BigInt(i + 1)))) : []
  const [prompt = [], output = []] = random.list(2, () => stitchedAnswer(random, documents.flat(), vocab))
  const ids = documents.flatMap((each, i) => each.map((_, k) => BigInt((i + 1) * 1000 + k)))
  const signatures = randomSignatures(random, ids)
  const table = kinds.table ? randomTable(random, ids, size) : undefined
  const query = Int8Array.from({ length: size }, () => random.int(255) - 127)
  const trainedOn = [
    { datanet: 1n, tokens: 2_500 },
    { datanet: 2n, tokens: 7_500 },
  ]
  const made = table && { rows: table.rows, query }
  const facts = { prompt, signatureOf: (id: bigint) => signatures.get(id), trainedOn }
  const { shares, evidenceHash } = attributeV2(set, output, { ...facts, sketch: made })
  const entryOf = (kind: number, id: bigint, weight: number, hash: Hex): ExplainedEntry => ({
    ...{ class: kind, id, weight: BigInt(weight), payee: zeroAddress, evidenceHash: hash },
  })
  return {
    ...{ rule: 2, isDead: false, set, trainedOn, signatureOf: facts.signatureOf },
    ...{ prompt: Uint32Array.from(prompt), output: Uint32Array.from(output) },
    entries: [
      entryOf(entryClasses.M, 0n, 1_000_000, zeroHash),
      ...shares.map(({ class: letter, id, weight }) => entryOf(entryClasses[letter], id, weight, evidenceHash)),
    ],
    sketch: table && { source: sourceOf(table), made },
  }
}

const seeds = Array.from({ length: 12 }, (_, i) => i)
const models = [
  ['indexes and a table', { indexes: true, table: true }],
  ['indexes', { indexes: true, table: false }],
  ['a table', { indexes: false, table: true }],
  ['neither', { indexes: false, table: false }],
] as const
const letters = (answer: AnswerToExplain) =>
  new Set(explainAnswer(answer).figures.flatMap(({ name }) => name.split(' ')[2] ?? []))

/** Whether a formula's pool · parts / whole is the weight, but for the largest remainder. */
function numbersGive({ formula, recomputed }: Figure): boolean {
  const [, pool = '', factors = '', whole = '1'] = /^(\d+) · \(?([\d·]+)\)? \/ (\d+), /.exec(formula) ?? []
  const part = factors.split('·').reduce((product, factor) => product * BigInt(factor), 1n)
  const floor = (BigInt(pool) * part) / BigInt(whole)
  return recomputed === floor || recomputed === floor + 1n
}

describe.each(models)('an answer of a model with %s', (_, kinds) => {
  test('has a figure for each contributors’ entry, equal, whose numbers give the weight', () => {
    for (const seed of seeds) {
      const answer = honest(seed, kinds)
      const { figures, otherEvidence, influences } = explainAnswer(answer)
      expect(figures.filter((figure) => !isEqual(figure))).toEqual([])
      expect(otherEvidence).toEqual([])
      expect(influences !== undefined).toBe(kinds.table)
      const weights = figures.filter(({ name }) => name.startsWith('weight of '))
      expect(weights).toHaveLength(answer.entries.length - 1)
      expect(weights.every(numbersGive)).toBe(true)
    }
  })

  test('whose entry weighs one more, or commits to other evidence, is told by that entry', () => {
    for (const seed of seeds) {
      const answer = honest(seed, kinds)
      const at = 1 + (seed % (answer.entries.length - 1))
      const changed = (change: Partial<ExplainedEntry>) =>
        explainAnswer({
          ...answer,
          entries: answer.entries.map((each, i) => (i === at ? { ...each, ...change } : each)),
        })
      const entry = answer.entries[at] as ExplainedEntry
      const heavier = changed({ weight: entry.weight + 1n })
      const wrong = heavier.figures.filter((figure) => !isEqual(figure)).map(({ name }) => name)
      expect(wrong.filter((name) => name.startsWith('weight of '))).toEqual([
        expect.stringMatching(new RegExp(`^weight of [SGRU] ${entry.id}$`)),
      ])
      expect(wrong.filter((name) => name.startsWith('part of '))).toHaveLength(1)
      expect(changed({ evidenceHash: word('cd') }).otherEvidence).toEqual([at])
      const without = explainAnswer({ ...answer, entries: answer.entries.filter((__, i) => i !== at) })
      expect(without.figures.filter(({ onChain }) => onChain === undefined)).toHaveLength(1)
    }
  })
})

test('without its indexes class G alone is computed, without the query all but class G, as the receipt states it', () => {
  const both = { indexes: true, table: true }
  const parts = new Set<string>()
  for (const seed of seeds) {
    const answer = honest(seed, both)
    for (const letter of letters(answer)) parts.add(letter)
    const noIndexes = explainAnswer({ ...answer, set: undefined })
    expect(noIndexes.figures.every((figure) => / of G/.test(figure.name) && isEqual(figure))).toBe(true)
    expect(noIndexes.spans).toEqual([])
    const noQuery = explainAnswer({ ...answer, sketch: answer.sketch && { ...answer.sketch, made: undefined } })
    expect(noQuery.figures.every((figure) => !/ of G/.test(figure.name) && isEqual(figure))).toBe(true)
    expect(noQuery.spans).toEqual(explainAnswer(answer).spans)
    expect(noQuery.influences?.query).toBeUndefined()
  }
  expect([...parts].sort()).toEqual(['G', 'R', 'S', 'U'])
})

test('spans name who earns by them, and copies of whom they are', () => {
  let copies = 0
  for (const seed of seeds) {
    const answer = honest(seed, { indexes: true, table: false })
    const explained = explainAnswer(answer)
    copies += explained.copies.length
    for (const { places, earners } of explained.spans) {
      const standing = contributionsIn([{ start: 0, length: 0, weight: 0, places: places.map(placeOf) }])
      expect(standing).toEqual(expect.arrayContaining([...earners]))
      for (const { contribId, of } of explained.copies)
        if (standing.includes(of)) expect(earners).not.toContain(contribId)
    }
  }
  expect(copies).toBeGreaterThan(0)
})

const placeOf = ({ contribId, position }: { readonly contribId: bigint; readonly position: number }) => ({
  ...{ index: 0, contribId, position },
})

test('a private request goes to units whatever table is in force, and needs no file to say so', () => {
  const sealed = Uint32Array.from({ length: 40 }, (_, i) => 2 ** 31 + i)
  const entry = { class: entryClasses.U, id: 3n, weight: 1_000_000n, payee: zeroAddress }
  const sketch = { rows: [], query: new Int8Array(size) }
  const trainedOn = [{ datanet: 3n, tokens: 10_000 }]
  const { evidenceHash } = attributeV2([], sealed, { prompt: sealed, signatureOf: () => undefined, trainedOn, sketch })
  const explainer = new AnswerExplainer({ indexes: undefined, models: [] })
  const explained = explainer.explain({
    ...{ rule: 2, ids: [], isDead: false, prompt: sealed, output: sealed, trainedOn, signatures: new Map() },
    entries: [{ ...entry, evidenceHash }],
    sketched: { model: word('aa'), adapter: zeroHash, table: word('bb'), size, rows: 3 },
  })
  expect(explained).toMatchObject({ isPrivate: true, missing: [], otherEvidence: [], spans: [], citations: [] })
  expect(explained.figures.every(isEqual)).toBe(true)
  expect(explained.influences).toMatchObject({ scores: [], query: new Int8Array(size) })
})

test('under v1 the figures of S and U are equal too, and their numbers give the weights', () => {
  for (const seed of seeds) {
    const answer = { ...honest(seed, { indexes: true, table: false }), rule: 1 as const }
    const { shares, evidenceHash } = attribute(answer.set ?? [], answer.output)
    const entries = shares.map(({ class: letter, id, weight }) => ({
      ...{ class: entryClasses[letter], id, weight: BigInt(weight), payee: zeroAddress, evidenceHash },
    }))
    const { figures, otherEvidence } = explainAnswer({ ...answer, entries })
    expect([figures.length, otherEvidence]).toEqual([entries.length, []])
    expect(figures.every((figure) => isEqual(figure) && numbersGive(figure))).toBe(true)
  }
})
