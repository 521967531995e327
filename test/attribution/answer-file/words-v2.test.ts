import { describe, expect, test } from 'vitest'
import { AnswerFileError } from '../../../attribution/answer-file/answer-error.ts'
import { checkGradientAtHand, checkWordsAtHand, indexesNamed } from '../../../attribution/answer-file/check-at-hand.ts'
import { checkFacts, questionOf } from '../../../attribution/answer-file/check-facts.ts'
import { checkSharesV2 } from '../../../attribution/answer-file/check-shares-v2.ts'
import { checkWordsV2 } from '../../../attribution/answer-file/check-words-v2.ts'
import { makeWordsV2 } from '../../../attribution/answer-file/make-words-v2.ts'
import type { VerifiedAnswer } from '../../../attribution/answer-file/verify-answer.ts'
import { type AttributionV2, attributeV2, spansV2 } from '../../../attribution/combined/attribute-v2.ts'
import { encodeCitations } from '../../../attribution/combined/citations.ts'
import {
  decodeParts,
  type EvidenceParts,
  encodeGroups,
  encodeParts,
  encodeScores,
  evidenceHashV2,
} from '../../../attribution/combined/evidence-v2.ts'
import { leadersOf } from '../../../attribution/combined/groups.ts'
import { type InfluenceTable, tableRoot } from '../../../attribution/combined/influence-table.ts'
import { sharesOfV2 } from '../../../attribution/combined/shares-v2.ts'
import type { BatchReceipt } from '../../../attribution/epochs/batch-rows.ts'
import { signatureHash } from '../../../attribution/near-duplicates/signature.ts'
import { indexSet } from '../../../attribution/suffix/attribute.ts'
import { contributionsIn, decodeEvidence, encodeEvidence } from '../../../attribution/suffix/evidence.ts'
import { decodeIndexRecord } from '../../../attribution/suffix/index-record.ts'
import type { SuffixIndex } from '../../../attribution/suffix/suffix-index.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { algoHashV1, algoHashV2, indexSetHash } from '../../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { modelVersionHash } from '../../../protocol/inference-request.ts'
import { Random } from '../../fakes/random.ts'
import { ruleState, type StatedRule } from '../../fakes/rule-state.ts'
import { contributionsOfSet, entriesOf, randomSignatures, randomTable } from '../../fakes/share-receipt.ts'
import { quotingOutput, randomSet } from '../../fakes/span-receipt.ts'

const trials = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 400) / 100)
const day = 86_400n
const committedAt = 20n * day + 500n
const modelVersion = modelVersionHash(3n, 1)
const weightsManifest: Hex = `0x${'ba'.repeat(32)}`
const adapter: Hex = `0x${'ad'.repeat(32)}`

type Options = {
  readonly indexes?: number
  readonly hasTable?: boolean
  readonly isDead?: boolean
  readonly isSealed?: boolean
  readonly adapters?: readonly Hex[]
}

/** An answer over random texts that quote each other, whose prompt quotes them too, as a file shows it. */
function world(seed: number, options: Options = {}) {
  const random = new Random(seed)
  const {
    indexes = 1 + random.int(3),
    hasTable = true,
    isDead = false,
    isSealed = false,
    adapters = [adapter],
  } = options
  const texts = randomSet(random, Math.max(1, indexes), 5 + random.int(40))
  const set = indexes === 0 ? [] : indexSet(texts)
  const ids = contributionsOfSet(texts)
  const sealed = (tokens: Uint32Array) => (isSealed ? tokens.map((token) => token + 2 ** 31) : tokens)
  const output = sealed(quotingOutput(random, texts, 80))
  const prompt = sealed(promptOf(random, texts))
  const signatures = randomSignatures(random, ids)
  const made = hasTable ? randomTable(random, ids) : undefined
  const table = made && { ...made, base: weightsManifest, adapter }
  const query = Int8Array.from({ length: table?.size ?? 0 }, () => (isSealed ? 0 : random.int(255) - 127))
  const none = new Uint32Array()
  const attribution = attributeV2(set, isDead ? none : output, {
    ...{ prompt: isDead ? none : prompt, signatureOf: (id) => signatures.get(id) },
    sketch: table && { rows: table.rows, query },
    trainedOn: [{ datanet: 1n, tokens: 10_000 }],
  })
  const one = receiptOf(attribution, { set, prompt, output, adapters })
  const stated: StatedRule = {
    inForce: { from: 10n * day, until: 2n ** 64n - 1n },
    deadFrom: new Map(set.map(({ id }, i) => [id, i === 0 && isDead ? committedAt : i === 1 ? committedAt + day : 0n])),
    shown: new Map(
      [...signatures].map(([id, signature]) => [id, { hash: signatureHash(signature), at: 20n * day - 1n }]),
    ),
    table: table && tableTerms(table, adapters[0] ?? zeroHash),
  }
  const { v2, ...words } = makeWordsV2(one, { set, attribution, signatures, sketch: table && { table } })
  return {
    random,
    set,
    one,
    table,
    query,
    signatures,
    stated,
    attribution,
    words,
    shown: { ...v2, ...proven(one, set, attribution, stated) },
  }
}

function promptOf(random: Random, set: readonly SuffixIndex[]): Uint32Array {
  const passage = () => {
    const { tables, record } = random.pick(set)
    const from = random.int(Math.max(1, record.n - 60))
    return Array.from({ length: Math.min(45, record.n - from) }, (_, i) => tables.tokens.at(from + i))
  }
  return Uint32Array.from([1, 2, ...passage(), 3, ...passage(), 4].filter((token) => token < 0xffff_ffff))
}

function tableTerms(table: InfluenceTable, of: Hex) {
  return { root: tableRoot(table), size: table.size, rows: table.rows.length, from: 19n * day, until: 0n, adapter: of }
}

/** What the check reads of a receipt. */
function receiptOf(
  { shares, evidenceHash }: Pick<AttributionV2, 'shares' | 'evidenceHash'>,
  {
    set,
    prompt,
    output,
    adapters,
  }: { set: readonly SuffixIndex[]; prompt: Uint32Array; output: Uint32Array; adapters: readonly Hex[] },
): BatchReceipt {
  const entries = entriesOf(shares, evidenceHash).map((entry) => ({ ...entry, weight: BigInt(entry.weight) }))
  return {
    receipt: {
      indexSetHash: set.length === 0 ? zeroHash : indexSetHash(set.map(({ id }) => id)),
      algoHash: algoHashV2,
    },
    request: { modelVersion, adapters: adapters.map((root) => ({ root, weight: 256 })) },
    ...{ entries, prompt, output },
  } as unknown as BatchReceipt
}

function proven(one: BatchReceipt, set: readonly SuffixIndex[], { spans }: AttributionV2, stated: StatedRule) {
  const records = set.map(({ record }) => record)
  return ruleState(stated, questionOf({ records, evidence: { scores: [], spans } }, one, committedAt))
}

type World = ReturnType<typeof world>
type File = Pick<World, 'words' | 'shown'>

/** Why a file is refused; undefined where it holds. */
function refusal({ words, shown }: File, one: BatchReceipt, model = weightsManifest): string | undefined {
  try {
    const checked = checkWordsV2(words, shown, one)
    const facts = checkFacts(shown.facts, shown.stateRoot, questionOf(checked, one, committedAt))
    checkSharesV2(shown, checked, one, facts, model)
    return undefined
  } catch (error) {
    if (error instanceof AnswerFileError) return error.code
    throw error
  }
}

/** The same file of the same answer, whose evidence says something else, and entries that name it. */
function restated({ words, shown, one }: World, change: (parts: EvidenceParts) => Partial<EvidenceParts>) {
  const parts = decodeParts(words.evidence)
  const changed = { ...parts, ...change(parts) }
  const evidenceHash = evidenceHashV2(changed)
  const entries = one.entries.map((entry) => ({ ...entry, evidenceHash }))
  return [
    { words: { ...words, evidence: encodeParts(changed) }, shown },
    { ...one, entries },
  ] as const
}

/** Other facts for the same answer. */
function stating(of: World, change: Partial<StatedRule>): string | undefined {
  const facts = proven(of.one, of.set, of.attribution, { ...of.stated, ...change })
  return refusal({ words: of.words, shown: { ...of.shown, ...facts } }, of.one)
}

const first = (found: (of: World) => boolean, options: Options = {}): World => {
  for (let seed = 1; seed < 200; seed++) {
    const of = world(seed, options)
    if (found(of)) return of
  }
  throw new Error('no such answer among the seeds')
}
const withGroups = () =>
  first(({ words }) => {
    const { groups } = decodeParts(words.evidence)
    return groups.some((byte, i) => i % 2 === 1 && byte !== (i - 1) / 2)
  })

describe('an answer file under algoHash v2', () => {
  test('holds for answers over no to three indexes, with and without quotations, groups and influences', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 4 * trials; seed++) {
      const of = world(seed, { hasTable: seed % 3 !== 0, ...(seed % 5 === 0 ? { indexes: 0 } : {}) })
      expect(refusal(of, of.one), `seed ${seed}`).toBeUndefined()
      for (const { class: kind } of of.one.entries) seen.add(`${of.set.length > 0} ${kind}`)
    }
    const { S, G, R, U } = entryClasses
    expect(
      [...[S, G, R, U].map((kind) => `true ${kind}`), `false ${G}`, `false ${U}`].every((each) => seen.has(each)),
    ).toBe(true)
  }, 3_600_000)

  test('any changed byte is refused, whatever part it is in', () => {
    for (let seed = 1; seed <= trials; seed++) {
      const of = world(seed)
      const { random, words, shown, one } = of
      const lists = [words.indexes, [words.evidence], words.spans, words.scores, shown.signatures, shown.citations]
      const leaves = shown.influences.flatMap(({ leaf, siblings }) => [leaf, ...siblings])
      const kinds = [...lists, leaves, shown.facts].filter((list) => list.length > 0)
      for (let i = 0; i < 60; i++) {
        const part = random.pick(random.pick(kinds).filter(({ length }) => length > 0))
        const [at, bit] = [random.int(part.length), random.int(8)]
        const flip = (bytes: Uint8Array) => {
          const copy = bytes.slice()
          if (bytes === part) copy[at] = (copy[at] ?? 0) ^ (1 << bit)
          return copy
        }
        const changed: File = {
          words: {
            ...{ indexes: words.indexes.map(flip), evidence: flip(words.evidence) },
            ...{ spans: words.spans.map(flip), scores: words.scores.map(flip) },
          },
          shown: {
            ...shown,
            ...{ signatures: shown.signatures.map(flip), citations: shown.citations.map(flip) },
            ...{ facts: shown.facts.map(flip) },
            influences: shown.influences.map(({ leaf, siblings }) => ({
              leaf: flip(leaf),
              siblings: siblings.map(flip),
            })),
          },
        }
        expect(refusal(changed, one), `seed ${seed}, change ${i}`).toBeDefined()
      }
    }
  }, 3_600_000)

  test('a part too few or too many is refused by its name', () => {
    const of = first(
      ({ shown, words }) => shown.citations.length > 0 && shown.signatures.length > 0 && words.spans.length > 0,
    )
    const { words, shown, one } = of
    const less = <T>(list: readonly T[]) => list.slice(1)
    const more = <T>(list: readonly T[]) => [...list, ...list.slice(0, 1)]
    const ofShown = (change: Partial<typeof shown>) => refusal({ words, shown: { ...shown, ...change } }, one)
    for (const other of [less, more]) {
      expect(refusal({ words: { ...words, spans: other(words.spans) }, shown }, one)).toBe('span')
      expect(refusal({ words: { ...words, scores: other(words.scores) }, shown }, one)).toBe('scores')
      expect(ofShown({ citations: other(shown.citations) })).toBe('citations')
      expect(ofShown({ signatures: other(shown.signatures) })).toBe('groups')
      expect(ofShown({ influences: other(shown.influences) })).toBe('influences')
      expect(ofShown({ facts: other(shown.facts) })).toBe('facts')
    }
    expect(ofShown({ facts: [...shown.facts].reverse() })).toBe('facts')
    expect(ofShown({ influences: [...shown.influences].reverse() })).toBe('influences')
    expect(refusal({ words: { ...words, indexes: less(words.indexes) }, shown }, one)).toBe('indexes')
    expect(refusal({ words: { ...words, evidence: new Uint8Array(0) }, shown }, one)).toBe('evidence')
  })

  test('a worker who says other groups, products, queries or quotations and seals it is refused by what he lied about', () => {
    const of = first(
      ({ shown, words }) => shown.citations.length > 0 && shown.influences.length > 2 && words.spans.length > 0,
    )
    const grouped = withGroups()
    const alone = ({ groups }: EvidenceParts) => encodeGroups(Array.from({ length: groups.length / 2 }, (_, i) => i))
    expect(refusal(...restated(grouped, (parts) => ({ groups: alone(parts) })))).toBe('groups')
    expect(refusal(...restated(of, ({ groups }) => ({ groups: groups.subarray(2) })))).toBe('groups')
    const raised = ({ scores }: EvidenceParts) => scores.map((byte, i) => (i === 17 ? byte ^ 1 : byte))
    expect(refusal(...restated(of, (parts) => ({ scores: raised(parts) })))).toBe('influences')
    expect(refusal(...restated(of, ({ scores }) => ({ scores: scores.subarray(18) })))).toBe('influences')
    expect(refusal(...restated(of, ({ query }) => ({ query: query.map((byte) => byte ^ 3) })))).toBe('influences')
    expect(refusal(...restated(of, ({ query }) => ({ query: query.subarray(1) })))).toBe('query')
    const shorter = ({ citations }: EvidenceParts) => citations.map((byte, i) => (i === 4 ? byte - 1 : byte))
    expect(refusal(...restated(of, (parts) => ({ citations: shorter(parts) })))).toBe('citations')
    expect(refusal(...restated(of, () => ({ citations: new Uint8Array(0) })))).toBe('citations')
    expect(refusal(...restated(of, ({ spans }) => ({ spans: spans.subarray(0, 6) })))).toBe('evidence')
  })

  test('weights that the evidence does not give are refused, those of class G of a model without indexes too', () => {
    for (const of of [world(3), world(4, { indexes: 0 })]) {
      const at = of.one.entries.findIndex(({ class: kind }) => kind === entryClasses.G)
      const taken = of.one.entries.map((entry, i) => {
        const change = i === at ? 1n : i === of.one.entries.length - 1 ? -1n : 0n
        return { ...entry, weight: entry.weight + change }
      })
      expect(refusal(of, { ...of.one, entries: taken })).toBe('weights')
      expect(refusal(of, { ...of.one, entries: of.one.entries.filter((_, i) => i !== at) })).toBe('weights')
    }
  })

  test('what the chain says decides: the rule in force, dead indexes, signatures in time and the table in force', () => {
    const of = first(
      ({ shown, words }) => shown.signatures.length > 1 && words.spans.length > 0 && shown.influences.length > 1,
    )
    const { stated, set, one } = of
    const { from, until } = stated.inForce
    expect(stating(of, { inForce: { from: committedAt + 1n, until } })).toBe('rule')
    expect(stating(of, { inForce: { from, until: committedAt } })).toBe('rule')
    expect(stating(of, { deadFrom: new Map([[set[0]?.id ?? zeroHash, committedAt]]) })).toBe('evidence')
    const deadFrom = new Map(set.map(({ id }) => [id, 0n]))
    const lapsed = (...times: readonly { readonly from: bigint; readonly until: bigint }[]) =>
      stating(of, { deadFrom, lapses: new Map([[set[0]?.id ?? zeroHash, times]]) })
    const before = { from: committedAt - 9n, until: committedAt }
    expect(lapsed({ from: committedAt, until: committedAt + 1n })).toBe('evidence')
    expect(lapsed(before, { from: committedAt, until: committedAt + 1n })).toBe('evidence')
    expect(
      lapsed({ from: committedAt - 9n, until: committedAt + 1n }, { from: committedAt + 5n, until: committedAt + 6n }),
    ).toBe('evidence')
    expect(lapsed(before, { from: committedAt + 1n, until: committedAt + 2n })).toBeUndefined()
    const late = new Map([...stated.shown].map(([id, { hash }]) => [id, { hash, at: 20n * day }]))
    expect(stating(of, { shown: late })).toBe('groups')
    const others = new Map(
      [...stated.shown].map(([id, { at }]) => [id, { hash: zeroHash.replace('0x00', '0x01') as Hex, at }]),
    )
    expect(stating(of, { shown: others })).toBe('groups')
    const table = stated.table as NonNullable<StatedRule['table']>
    for (const change of [{ from: 21n * day }, { until: 20n * day }]) {
      expect(stating(of, { table: { ...table, ...change } })).toBe('influences')
    }
    expect(stating(of, { table: undefined })).toBe('influences')
    expect(stating(of, { table: { ...table, root: zeroHash } })).toBe('influences')
    expect(stating(of, { table: { ...table, rows: table.rows - 1 } })).toBe('influences')
    expect(stating(of, { table: { ...table, size: table.size + 8 } })).toBe('query')
    const other = { ...one, request: { ...one.request, modelVersion: modelVersionHash(4n, 1) } }
    expect(refusal(of, other as BatchReceipt)).toBe('facts')
  })

  test('a table of another model or of another adapter than was asked for is refused', () => {
    const of = world(3)
    expect(refusal(of, of.one)).toBeUndefined()
    expect(refusal(of, of.one, zeroHash)).toBe('influences')
    const asked = { ...of.one.request, adapters: [{ root: weightsManifest, weight: 256 }] }
    const other = { ...of, one: { ...of.one, request: asked } }
    const table = of.stated.table as NonNullable<StatedRule['table']>
    expect(stating(other, { table: { ...table, adapter: weightsManifest } })).toBe('influences')
  })

  test('a request without an adapter goes by the table that is registered for none, one of several by no table', () => {
    const none = world(5, { adapters: [] })
    expect(refusal(none, none.one)).toBeUndefined()
    expect(none.one.entries.some(({ class: kind }) => kind === entryClasses.G)).toBe(true)
    const several = world(5, { adapters: [adapter, zeroHash] })
    expect(refusal(several, several.one)).toBe('influences')
    const right = world(5, { adapters: [adapter, zeroHash], hasTable: false })
    expect(refusal(right, right.one)).toBeUndefined()
  })

  test('sealed tokens earn nobody anything but units, and a query of theirs that is not zeros is refused', () => {
    const of = world(6, { isSealed: true })
    expect(of.one.entries.every(({ class: kind }) => kind === entryClasses.U)).toBe(true)
    expect(refusal(of, of.one)).toBeUndefined()
    expect(refusal(...restated(of, ({ query }) => ({ query: query.map((_, i) => (i === 3 ? 1 : 0)) })))).toBe('query')
  })

  test('where an index was dead no word counts, and influences do', () => {
    const dead = world(7, { isDead: true })
    expect(refusal(dead, dead.one)).toBeUndefined()
    const { G, U } = entryClasses
    expect(dead.one.entries.every(({ class: kind }) => kind === G || kind === U)).toBe(true)
    expect(stating(dead, { deadFrom: new Map() }), 'no index was dead').toBe('evidence')
    const [id = zeroHash] = dead.set.map((index) => index.id)
    const back = { deadFrom: new Map([[id, 0n]]), lapses: new Map([[id, [{ from: 1n, until: committedAt + 1n }]]]) }
    expect(stating(dead, back), 'it came back later').toBeUndefined()
  })

  test('another rule than v2, entries of two evidences and units under no evidence are refused', () => {
    const of = world(8)
    const { one } = of
    expect(refusal(of, { ...one, receipt: { ...one.receipt, algoHash: algoHashV1 } })).toBe('evidence')
    const two = one.entries.map((entry, i) => (i === 0 ? { ...entry, evidenceHash: zeroHash } : entry))
    expect(refusal(of, { ...one, entries: two })).toBe('evidence')
    const bare = world(8, { indexes: 0, hasTable: false })
    expect(bare.words.evidence).toHaveLength(0)
    expect(refusal(bare, bare.one)).toBeUndefined()
    expect(refusal({ ...bare, words: { ...bare.words, evidence: of.words.evidence } }, bare.one)).toBe('evidence')
    expect(of.words.indexes.map(decodeIndexRecord)).toHaveLength(of.set.length)
  })

  test('a span, a quotation or a row that was left out is seen with the indexes and the table at hand, and else is not', () => {
    const of = first(
      ({ shown, words }) => shown.citations.length > 0 && words.spans.length > 1 && shown.influences.length > 2,
    )
    expect(atHand(of)).toBeUndefined()
    expect(atHand(without(of, ({ spans }) => ({ spans: spans.slice(1) })))).toBe('evidence')
    expect(atHand(without(of, ({ citations }) => ({ citations: citations.slice(1) })))).toBe('citations')
    expect(atHand(without(of, ({ scores }) => ({ scores: scores.slice(1) })))).toBe('influences')
    expect(atHand({ ...of, query: of.query.map((value) => -value) })).toBe('query')
    const dead = world(7, { isDead: true })
    expect(atHand(dead)).toBeUndefined()
  })
})

type Found = Pick<AttributionV2, 'spans' | 'citations' | 'scores'>

/** The answer of a worker who leaves something out, and says no more than what is left gives. */
function without(of: World, change: (found: Found) => Partial<Found>): World {
  const { set, one, table, signatures, stated } = of
  const found = { ...of.attribution, ...change(of.attribution) }
  const { spans, citations, scores, tokens } = found
  const leaders = leadersOf(contributionsIn(spans), (id) => signatures.get(id))
  const before = decodeParts(of.words.evidence)
  const parts: EvidenceParts = {
    spans: encodeEvidence({ scores: decodeEvidence(before.spans, spansV2).scores, spans }, spansV2),
    ...{ groups: encodeGroups(leaders), query: before.query, scores: encodeScores(scores) },
    citations: citations.length === 0 ? new Uint8Array(0) : encodeCitations(citations),
  }
  const datanets = set.map((index) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
  const shares = sharesOfV2({ tokens, spans, leaders, scores, citations, datanets })
  const attribution = {
    ...found,
    parts,
    leaders,
    shares,
    evidence: encodeParts(parts),
    evidenceHash: evidenceHashV2(parts),
  }
  const { prompt, output, request } = one
  const adapters = request.adapters.map(({ root }) => root)
  const receipt = receiptOf(attribution, { set, prompt, output, adapters })
  const { v2, ...words } = makeWordsV2(receipt, { set, attribution, signatures, sketch: table && { table } })
  const shown = { ...v2, ...proven(receipt, set, attribution, stated) }
  expect(refusal({ words, shown }, receipt)).toBeUndefined()
  return { ...of, one: receipt, attribution, words, shown }
}

/** Why a file is refused by who has indexes, model and table, though it holds by its bytes. */
function atHand({ words, shown, one, set, table, query }: World): string | undefined {
  const checked = checkWordsV2(words, shown, one)
  const facts = checkFacts(shown.facts, shown.stateRoot, questionOf(checked, one, committedAt))
  const influences = checkSharesV2(shown, checked, one, facts, weightsManifest)
  const { parts, citations, evidence } = checked
  const v2 = { parts, citations, facts, influences }
  const verified = {
    file: words,
    receipt: one,
    evidence,
    v2,
    digests: { weightsManifest },
  } as unknown as VerifiedAnswer
  try {
    expect(indexesNamed(verified)).toEqual(set.map(({ id }) => id))
    checkWordsAtHand(verified, set)
    checkGradientAtHand(verified, { sketch: () => ({ table: table as InfluenceTable, query }) })
    return undefined
  } catch (error) {
    if (error instanceof AnswerFileError) return error.code
    throw error
  }
}
