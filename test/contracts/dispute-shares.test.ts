import { beforeAll, describe, expect, test } from 'vitest'
import { algoV2 } from '../../attribution/combined/algo-v2.ts'
import { spansV2 } from '../../attribution/combined/attribute-v2.ts'
import type { ChallengeV2 } from '../../attribution/combined/challenge-v2.ts'
import { decodeCitations, encodeCitations, type PromptCitation } from '../../attribution/combined/citations.ts'
import {
  decodeGroups,
  decodeScores,
  type EvidenceParts,
  encodeGroups,
  encodeScores,
  evidenceHead,
  type SketchScore,
} from '../../attribution/combined/evidence-v2.ts'
import { encodeRow, type InfluenceTable, rowSiblings } from '../../attribution/combined/influence-table.ts'
import { encodeSignature } from '../../attribution/near-duplicates/signature.ts'
import { contributionsIn, decodeEvidence, encodeEvidence } from '../../attribution/suffix/evidence.ts'
import type { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import { openTokens } from '../../attribution/suffix/runs.ts'
import { type AttributionEntry, entryClasses, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV1, algoHashV2, type TrainedOn } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { answerTerms } from '../fakes/dispute-batch.ts'
import { faults } from '../fakes/dispute-corruptions.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { Random } from '../fakes/random.ts'
import {
  checked,
  commitShares,
  contributionsOfSet,
  honestShares,
  judgeOf,
  randomSignatures,
  randomTable,
  type ShareReceipt,
  sealParts,
  shareArguments,
} from '../fakes/share-receipt.ts'
import { quotingOutput, randomSet } from '../fakes/span-receipt.ts'

let world: DisputeWorld
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
})

const wrongEntry = faults.WrongEntry

/** A receipt over random texts that quote each other, whose prompt quotes two of them. */
function randomReceipt(seed: number, { hasTable = true, hasIndexes = true, datanets = 1 } = {}): ShareReceipt {
  const random = new Random(seed)
  const set = randomSet(random, 1 + random.int(2), 5 + random.int(40))
  const ids = contributionsOfSet(set)
  const table = hasTable ? randomTable(random, ids) : undefined
  const passage = () => {
    const { tables, record } = random.pick(set)
    const from = random.int(Math.max(1, record.n - 60))
    return Array.from({ length: Math.min(45, record.n - from) }, (_, i) => tables.tokens.at(from + i))
  }
  const prompt = Uint32Array.from([1, 2, ...passage(), 3, ...passage(), 4].filter((token) => token < 0xffff_ffff))
  return honestShares(hasIndexes ? set : [], {
    ...{ prompt, output: quotingOutput(random, set, 90), signatures: randomSignatures(random, ids), table },
    query: Int8Array.from({ length: table?.size ?? 0 }, () => random.int(255) - 127),
    trainedOn: randomTraining(random, datanets),
  })
}

/** So many Datanets, of any weights that are at most the whole. */
function randomTraining(random: Random, count: number): TrainedOn[] {
  let [datanet, left] = [0n, 10_000]
  return Array.from({ length: count }, (_, i) => {
    datanet += BigInt(1 + random.int(3))
    const weightBps = 1 + random.int(random.chance(0.2) ? 3 : left - (count - i - 1))
    left -= weightBps
    return { datanet, version: 1 + random.int(5), weightBps }
  })
}

async function judged(receipt: ShareReceipt, challenge: ChallengeV2): Promise<number | string> {
  const batch = await commitShares(world, receipt)
  return await world.ask(judgeOf(challenge.functionName), challenge.functionName, shareArguments(batch, challenge))
}

type Lie = {
  readonly name: string
  readonly challenge: string
  /** False where the receipt has no place for it. */
  readonly apply: (receipt: ShareReceipt, random: Random) => boolean
}

const lies: readonly Lie[] = [
  groupLie('a near-duplicate that stands alone', 'badSpanGroup', (leaders) => {
    const i = leaders.findIndex((leader, place) => leader < place)
    return i < 0 ? undefined : leaders.map((leader, place) => (place === i || leader === i ? i : leader))
  }),
  groupLie('an original that is said to follow another', 'badSpanGroup', (leaders) => {
    const i = leaders.findIndex((leader, place) => place > 0 && leader === place && !leaders.includes(place, place + 1))
    return i < 0 ? undefined : leaders.map((leader, place) => (place === i ? 0 : leader))
  }),
  groupLie('a group too few', 'badGroups', (leaders) => (leaders.length > 0 ? leaders.slice(1) : undefined)),
  groupLie('a leader that comes later', 'badGroups', (leaders) =>
    leaders.length > 1 ? [1, ...leaders.slice(1)] : undefined,
  ),
  scoreLie('a product too large', 'badSketchScore', (scores) =>
    changed(scores, (one) => ({ ...one, score: one.score + 1n })),
  ),
  scoreLie('a row that is another contribution’s', 'badSketchScore', (scores) =>
    changed(scores, (one) => ({ ...one, contribId: one.contribId + 1n })),
  ),
  scoreLie('a row behind the table', 'badSketchScore', (scores) =>
    scores.length === 0 ? undefined : [...scores.slice(0, -1), { ...(scores.at(-1) as SketchScore), row: 65_535 }],
  ),
  scoreLie('an influence left out', 'omittedScore', (scores) => (scores.length > 0 ? scores.slice(1) : undefined)),
  scoreLie('rows out of order', 'badSketchForm', (scores) => (scores.length > 1 ? [...scores].reverse() : undefined)),
  partLie('a query of fewer numbers', 'badSketchForm', ({ query }) => ({ query: query.subarray(1) })),
  partLie('no query', 'badSketchForm', () => ({ query: new Uint8Array(0) })),
  partLie('scores with a byte left over', 'badSketchForm', ({ scores }) => ({ scores: Uint8Array.of(...scores, 0) })),
  citationLie('a passage that the prompt has not there', 'badCitation', ([first, ...others], receipt) => {
    if (first === undefined || others.length > 0) return undefined
    const opener = receipt.set[first.index] as IndexOpener
    const position = (first.position + 7) % (opener.index.record.n - first.length)
    const same = Array.from({ length: first.length }, (_, i) => i).every(
      (i) => opener.index.tables.tokens.at(position + i) === receipt.prompt[first.start + i],
    )
    return same ? undefined : [{ ...first, position }]
  }),
  citationLie('a passage that is another contribution’s', 'badCitationContribution', (citations) =>
    changed(citations, (one) => ({ ...one, contribId: one.contribId + 1n })),
  ),
  citationLie('a passage twice', 'badCitationForm', (citations) =>
    citations.length > 0 ? [...citations, citations.at(-1) as PromptCitation] : undefined,
  ),
  citationLie('a passage too short', 'badCitationForm', (citations) =>
    citations.length > 0
      ? [...citations.slice(0, -1), { ...(citations.at(-1) as PromptCitation), length: algoV2.citationTokensMin - 1 }]
      : undefined,
  ),
  spanLie('a span left out', 'omittedSpan', ({ scores, spans }, random) => {
    const left = random.int(spans.length)
    return spans.length === 0 ? undefined : { scores, spans: spans.filter((_, k) => k !== left) }
  }),
  spanLie('a score too high', 'badSpanScore', ({ scores, spans }) => {
    const outside = scores.findIndex((_, i) => spans.every(({ start, length }) => i < start || i >= start + length))
    return outside < 0 ? undefined : { scores: scores.map((score, i) => (i === outside ? score + 1 : score)), spans }
  }),
  {
    name: 'evidence of spans under the rule before',
    challenge: 'badSpanForm',
    apply: (receipt) => {
      receipt.parts = { ...receipt.parts, spans: Uint8Array.of(1, ...receipt.parts.spans.subarray(1)) }
      sealParts(receipt)
      return true
    },
  },
  ...(['S', 'G', 'R', 'U'] as const).map(
    (letter): Lie => ({
      name: `weight moved to an entry of class ${letter}`,
      challenge: 'badShareWeight',
      apply: (receipt) => {
        const to = receipt.entries.findIndex(({ class: kind }) => kind === entryClasses[letter])
        const from = receipt.entries.findIndex(({ weight }, i) => i !== to && weight > 1)
        if (to < 0 || from < 0) return false
        const change = (i: number) => (i === to ? 1 : i === from ? -1 : 0)
        receipt.entries = receipt.entries.map((entry, i) => ({ ...entry, weight: entry.weight + change(i) }))
        return true
      },
    }),
  ),
  ...(['S', 'G', 'R'] as const).map(
    (letter): Lie => ({
      name: `an entry of class ${letter} for a contribution that did nothing`,
      challenge: 'badShareWeight',
      apply: (receipt) => {
        const like = receipt.entries[0]
        if (like === undefined) return false
        receipt.entries = [{ ...like, class: entryClasses[letter], id: 9_999n, weight: 1 }, ...receipt.entries]
        return true
      },
    }),
  ),
  ...[0, 1, -1].map(
    (which): Lie => ({
      name: `entry ${which} of class G left out of a model without indexes, and given to units`,
      challenge: 'badUnitWeight',
      apply: (receipt) => {
        const influences = receipt.entries.filter(({ class: kind }) => kind === entryClasses.G)
        const units = receipt.entries.find(({ class: kind }) => kind === entryClasses.U)
        const left = influences.at(which)
        if (receipt.set.length > 0 || influences.length < 3 || left === undefined || units === undefined) return false
        const more = { ...units, weight: units.weight + left.weight }
        receipt.entries = receipt.entries.flatMap((entry) => (entry === left ? [] : entry === units ? [more] : [entry]))
        return true
      },
    }),
  ),
  {
    name: 'all entries of class G left out of a model without indexes',
    challenge: 'badUnitWeight',
    apply: (receipt) => {
      const others = receipt.entries.filter(({ class: kind }) => kind !== entryClasses.G)
      const influenced = 1_000_000 - others.reduce((sum, { weight }) => sum + weight, 0)
      receipt.entries = others.map((entry, i) => (i === 0 ? { ...entry, weight: entry.weight + influenced } : entry))
      return influenced > 0
    },
  },
  unitLie('a millionth moved from one Datanet of a model without indexes to another', ([one, other, ...rest]) =>
    one === undefined || other === undefined
      ? undefined
      : [{ ...one, weight: one.weight + 1 }, { ...other, weight: other.weight - 1 }, ...rest],
  ),
  unitLie('a Datanet of a model without indexes left out, and its part given to another', ([one, other, ...rest]) =>
    one === undefined || other === undefined ? undefined : [{ ...other, weight: one.weight + other.weight }, ...rest],
  ),
  unitLie('a Datanet that a model without indexes was not trained on in the place of one', (units) => {
    const last = units.at(-1)
    if (last === undefined) return undefined
    const id = last.id + 1n
    return [...units.slice(0, -1), { ...last, id, payee: poolPayee(1, id) }]
  }),
  unitLie('a Datanet that a model without indexes was not trained on beside the others', ([one, ...rest]) => {
    if (one === undefined) return undefined
    const id = (rest.at(-1) ?? one).id + 7n
    return [{ ...one, weight: one.weight - 1 }, ...rest, { ...one, id, payee: poolPayee(1, id), weight: 1 }]
  }),
  unitLie('equal parts for the Datanets of a model without indexes', (units) => {
    const part = Math.floor(units.reduce((sum, { weight }) => sum + weight, 0) / units.length)
    return units.some(({ weight }) => weight > part + 1) ? units.map((unit) => ({ ...unit, weight: part })) : undefined
  }),
  {
    name: 'two entries of different evidence',
    challenge: 'badShareEvidence',
    apply: (receipt) => {
      receipt.entries = receipt.entries.map((entry, i) =>
        i === 1 ? { ...entry, evidenceHash: `0x${'e7'.repeat(32)}` } : entry,
      )
      return receipt.entries.length > 1
    },
  },
]

describe('lies about shares under algoHash v2', () => {
  test.each(lies.map((lie) => [lie.name, lie] as const))('%s: shown by one transaction', async (_, lie) => {
    let tried = 0
    for (let seed = 1; seed < 200 && tried < 2; seed++) {
      const receipt = randomReceipt(seed, { hasIndexes: lie.challenge !== 'badUnitWeight', datanets: 1 + (seed % 8) })
      if (!lie.apply(receipt, new Random(seed))) continue
      const challenge = checked(receipt)
      if (challenge === undefined) throw new Error(`${lie.name}, seed ${seed}: nothing is found`)
      const answer = await judged(receipt, challenge)
      expect({ name: challenge.functionName, answer }, `seed ${seed}`).toEqual({
        name: lie.challenge,
        answer: wrongEntry,
      })
      tried++
    }
    expect(tried).toBe(2)
  })

  test('a query where no table is in force', async () => {
    const receipt = randomReceipt(3, { hasTable: false })
    receipt.parts = { ...receipt.parts, query: new Uint8Array(24) }
    sealParts(receipt)
    const challenge = checked(receipt) as ChallengeV2
    expect([challenge.functionName, await judged(receipt, challenge)]).toEqual(['badSketchForm', wrongEntry])
  })
})

describe('units of a model without indexes', () => {
  const unitsOf = ({ entries }: ShareReceipt) =>
    [...entries.keys()].filter((place) => entries[place]?.class === entryClasses.U)

  /** What badUnitWeight says of the entry at a place. */
  async function said(receipt: ShareReceipt, place: number, algoHash = algoHashV2, change: object = {}) {
    const batch = await commitShares(world, receipt, { algoHash })
    const { functionName, entries, claim, rest } = unitAccusation(receipt, place, algoHash)
    const accusation = { functionName, entries, claim: { ...claim, ...change }, rest }
    return await world.ask('ShareJudge', functionName, shareArguments(batch, accusation))
  }

  test('whatever the model: by both rules the twin’s weights are right to the millionth, and no other weight is', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const algoHash = seed % 2 === 0 ? algoHashV2 : algoHashV1
      const hasTable = seed % 4 === 0
      const receipt = randomReceipt(seed, { hasIndexes: false, hasTable, datanets: 1 + (seed % 8) })
      const places = unitsOf(receipt)
      expect(places.length, `seed ${seed}`).toBe(receipt.trainedOn?.length)
      const honest = receipt.entries
      for (const place of places) expect(await said(receipt, place, algoHash), `seed ${seed}`).toBe('NoFault')
      const place = places[seed % places.length] as number
      for (const [change, id] of [
        ...([1, -1, 1_000_000, -100_000] as const).map((more) => [more, undefined] as const),
        [0, 999n] as const,
      ]) {
        receipt.entries = honest.map((entry, i) =>
          i === place ? { ...entry, id: id ?? entry.id, weight: Math.max(1, entry.weight + change) } : entry,
        )
        if (receipt.entries[place]?.weight === honest[place]?.weight && id === undefined) continue
        expect(await said(receipt, place, algoHash), `seed ${seed}, ${change}`).toBe(wrongEntry)
      }
    }
  }, 60_000)

  test('of a model that names no Datanet: none has anything', async () => {
    const receipt = { ...randomReceipt(5, { hasIndexes: false, hasTable: false }), trainedOn: [] }
    expect(await said(receipt, 0)).toBe(wrongEntry)
    expect(await said(receipt, 0, algoHashV1)).toBe(wrongEntry)
  })

  test('are shown by the model’s own list alone, in its order and whole', async () => {
    const receipt = randomReceipt(6, { hasIndexes: false, datanets: 4 })
    const place = unitsOf(receipt)[1] as number
    const refs = refsOf(receipt)
    const of = async (trainedOn: readonly object[]) => await said(receipt, place, algoHashV2, { trainedOn })
    const [first, second, ...rest] = refs as [(typeof refs)[number], (typeof refs)[number]]
    expect(await of(refs)).toBe('NoFault')
    expect(await of(refs.slice(1))).toBe('WrongDatanets')
    expect(await of([])).toBe('WrongDatanets')
    expect(await of([{ ...first, version: first.version + 1 }, second, ...rest])).toBe('WrongDatanets')
    expect(await of([{ ...first, weightBps: first.weightBps + 1 }, second, ...rest].slice(0, 3))).toBe('WrongDatanets')
    expect(await of([second, first, ...rest])).toBe('BadDatanetOrder')
    expect(await of([first, first, ...rest])).toBe('BadDatanetOrder')
    expect(await of([{ ...first, weightBps: 0 }, second, ...rest])).toBe('BadWeights')
    expect(await of([{ ...first, weightBps: 10_000 }, second, ...rest])).toBe('BadWeights')
    const nine = Array.from({ length: 9 }, (_, i) => ({ id: BigInt(i + 1), version: 1, weightBps: 1 }))
    expect(await of(nine)).toBe('TooManyDatanets')
  })

  test('are judged by the receipt’s own request, evidence, class and rule, and where it has no indexes alone', async () => {
    const bare = randomReceipt(7, { hasIndexes: false, datanets: 3 })
    const influence = bare.entries.findIndex(({ class: kind }) => kind === entryClasses.G)
    const unit = unitsOf(bare)[0] as number
    expect(influence).toBeGreaterThanOrEqual(0)
    expect(await said(bare, influence)).toBe('WrongClass')
    const head = bytesToHex(evidenceHead({ ...bare.parts, scores: new Uint8Array(0) }))
    expect(await said(bare, unit, algoHashV2, { head })).toBe('WrongEvidence')
    expect(await said(bare, unit, algoHashV2, { head: '0x' })).toBe('WrongEvidence')
    expect(await said(bare, unit, `0x${'77'.repeat(32)}`)).toBe('WrongAlgorithm')
    const indexed = randomReceipt(7)
    expect(await said(indexed, unitsOf(indexed)[0] as number)).toBe('HasIndexes')
    const batch = await commitShares(world, bare)
    const [opened, segments, claim] = shareArguments(batch, unitAccusation(bare, unit, algoHashV2)) as [
      unknown,
      unknown,
      { request: object },
    ]
    const request = { ...claim.request, modelVersion: modelVersionHash(8n, 1) }
    const args = [opened, segments, { ...claim, request }]
    expect(await world.ask('ShareJudge', 'badUnitWeight', args)).toBe('WrongRequest')
  })

  test('a wrong one voids the receipt and has its worker slashed', async () => {
    const receipt = randomReceipt(8, { hasIndexes: false, datanets: 2 })
    const [one, other] = unitsOf(receipt) as [number, number]
    const moved = new Map([
      [one, 1],
      [other, -1],
    ])
    receipt.entries = receipt.entries.map((entry, i) => ({ ...entry, weight: entry.weight + (moved.get(i) ?? 0) }))
    const challenge = checked(receipt) as ChallengeV2
    const args = shareArguments(await commitShares(world, receipt), challenge)
    const { calls } = await world.challenge(challenge.functionName, args)
    expect(calls.map(({ name }) => name)).toEqual(['voidReceipt', 'slash'])
  })
})

describe('a query sketch', () => {
  test('is put to the checkers’ committee by whoever pays for the case, as the receipt committed to it', async () => {
    const receipt = randomReceipt(3)
    const batch = await commitShares(world, receipt)
    const [question] = [...accusations(receipt)].filter(({ functionName }) => functionName === 'badSketchForm')
    const [opened, , claim] = shareArguments(batch, question as ChallengeV2)
    const { chain, challenger } = world
    const value = (await chain.read('CheckerCommittee', 'openPrice')) as bigint
    const { events } = await chain.send(challenger, 'SketchJudge', 'questionQuery', [opened, claim], { value })
    const evidence = keccakHex(receipt.parts.query)
    const named = { kind: 1, evidence, batchId: batch.header.batchId }
    expect(events).toMatchObject([{ name: 'CaseOpened', args: named }])
    expect(String(events[0]?.args['challenger']).toLowerCase()).toBe(challenger.address)
    const other = { ...(claim as object), query: `0x${'01'.repeat(24)}` }
    const refused = await chain.fails(challenger, 'SketchJudge', 'questionQuery', [opened, other], { value })
    expect(refused.error).toBe('WrongPart')
  })
})

/** Honest receipts. */
const seeds = 4 * Number(process.env['OPENLEDGER_FUZZ'] ?? 1)

/** Reasons for which an honest receipt is not found wrong. */
const refusals: readonly (number | string)[] = ['NoFault', 'NoSuchRow', 'NotInDocument']

describe('honest receipts under algoHash v2', () => {
  test('whatever the texts, the check finds nothing and no opening shows a fault', async () => {
    const seen = new Set<string>()
    for (let seed = 100; seed < 100 + seeds; seed++) {
      const receipt = randomReceipt(seed, { hasTable: seed % 3 > 0, hasIndexes: seed % 5 > 0 })
      expect(checked(receipt), `seed ${seed}`).toBeUndefined()
      const batch = await commitShares(world, receipt)
      for (const challenge of accusations(receipt)) {
        const { functionName } = challenge
        const answer = await world.ask(judgeOf(functionName), functionName, shareArguments(batch, challenge))
        expect(refusals, `seed ${seed}, ${functionName}: ${answer}`).toContain(answer)
        seen.add(functionName)
      }
    }
    expect([...seen].sort()).toEqual([
      ...[
        'badCitation',
        'badCitationContribution',
        'badCitationForm',
        'badGroups',
        'badShareEvidence',
        'badShareWeight',
      ],
      ...['badSketchForm', 'badSketchScore', 'badSpanGroup', 'badUnitWeight', 'omittedScore'],
    ])
  }, 120_000)

  test('are judged by the rule that they name alone', async () => {
    const receipt = randomReceipt(101)
    const batch = await commitShares(world, receipt, { algoHash: algoHashV1 })
    for (const challenge of accusations(receipt)) {
      const { functionName } = challenge
      expect(await world.ask(judgeOf(functionName), functionName, shareArguments(batch, challenge))).toBe(
        'WrongAlgorithm',
      )
    }
  }, 60_000)

  test('add up to the whole pool, of which influences have 30 % and citations 10 % where there are any', () => {
    for (let seed = 1; seed < 30; seed++) {
      const { entries, parts } = randomReceipt(seed)
      const of = (letter: keyof typeof entryClasses) =>
        entries.filter(({ class: kind }) => kind === entryClasses[letter]).reduce((sum, { weight }) => sum + weight, 0)
      expect(of('S') + of('G') + of('R') + of('U')).toBe(1_000_000)
      expect(of('G')).toBe(parts.scores.length > 0 ? 300_000 : 0)
      expect(of('R')).toBe(parts.citations.length > 0 ? 100_000 : 0)
    }
  })
})

/** Every kind of challenge with openings that are right, of things that are not wrong. */
function* accusations(receipt: ShareReceipt): Generator<ChallengeV2> {
  const { set, parts, entries, table, signatures, prompt } = receipt
  const head = bytesToHex(evidenceHead(parts))
  const hex = (name: keyof EvidenceParts) => bytesToHex(parts[name])
  const share = { head, spans: hex('spans'), groups: hex('groups'), scores: hex('scores'), citations: hex('citations') }
  const sketch = { head, query: hex('query'), scores: hex('scores'), request: {} }
  const cited = { head, citations: hex('citations'), request: {} }
  const of = (functionName: string, claim: Record<string, unknown>, ...rest: unknown[]): ChallengeV2 => ({
    ...{ functionName, entries: [0], claim, rest },
  })
  if (entries[0]?.evidenceHash === `0x${'0'.repeat(64)}`) return
  const records = set.map(({ index }) => index.record)
  const ids = set.map(({ index }) => index.id)
  yield of('badGroups', share)
  yield of('badSketchForm', sketch)
  yield of('badCitationForm', cited, ids)
  const spans = parts.spans.length === 0 ? [] : decodeEvidence(parts.spans, spansV2).spans
  for (const place of entries.keys()) {
    yield { ...of('badShareWeight', share, records, 0), entries: [place] }
    yield { functionName: 'badShareEvidence', entries: [0, place], claim: undefined, rest: [] }
    if (set.length === 0 && entries[place]?.class === entryClasses.U) yield unitAccusation(receipt, place, algoHashV2)
  }
  const contribIds = contributionsIn(spans)
  const signatureAt = (i: number) => {
    const signature = signatures.get(contribIds[i] as bigint)
    return signature === undefined ? '0x' : bytesToHex(encodeSignature(signature))
  }
  for (let one = 1; one < contribIds.length; one++) {
    for (let other = 0; other < one; other++) {
      const pair = { one, other, signature: signatureAt(one), otherSignature: signatureAt(other) }
      yield of('badSpanGroup', share, pair)
    }
  }
  const scores = decodeScores(parts.scores) as SketchScore[]
  for (const row of table?.rows.keys() ?? []) {
    const shown = openedRow(table as InfluenceTable, row)
    yield of('omittedScore', sketch, shown)
    for (const k of scores.keys()) yield of('badSketchScore', sketch, k, shown)
  }
  if (parts.citations.length === 0) return
  for (const [number, { start, index: place, position }] of decodeCitations(
    parts.citations,
    set.length,
    prompt.length,
  ).entries()) {
    const opener = set[place] as IndexOpener
    const at = { ids, number: place, index: records[place] }
    const text = opener.tokens(position, position + 1)
    yield of('badCitation', cited, { number, at, offset: 0, text, prompt: openTokens(prompt, start, start + 1) })
    const document = opener.index.documentAt(position)
    const documents = opener.documents(document, Math.min(document + 2, opener.index.record.documents))
    yield of('badCitationContribution', cited, { number, at, document, documents })
  }
}

function refsOf({ trainedOn = [] }: ShareReceipt) {
  return trainedOn.map(({ datanet: id, version, weightBps }) => ({ id, version, weightBps }))
}

/** The request is the batch's. */
function unitAccusation(receipt: ShareReceipt, place: number, algoHash: Hex): ChallengeV2 {
  const head = algoHash === algoHashV2 ? bytesToHex(evidenceHead(receipt.parts)) : '0x'
  const claim = { head, request: {}, trainedOn: refsOf(receipt) }
  return { functionName: 'badUnitWeight', entries: [place], claim, rest: [] }
}

function openedRow(table: InfluenceTable, number: number) {
  const leaf = bytesToHex(encodeRow(table.rows[number] as InfluenceTable['rows'][number]))
  return { number, leaf, siblings: rowSiblings(table, number) }
}

function partLie(name: string, challenge: string, change: (parts: EvidenceParts) => Partial<EvidenceParts>): Lie {
  return {
    ...{ name, challenge },
    apply: (receipt) => {
      receipt.parts = { ...receipt.parts, ...change(receipt.parts) }
      sealParts(receipt)
      return true
    },
  }
}

function groupLie(
  name: string,
  challenge: string,
  change: (leaders: readonly number[]) => readonly number[] | undefined,
): Lie {
  return {
    ...{ name, challenge },
    apply: (receipt) => {
      const { spans } = decodeEvidence(receipt.parts.spans, spansV2)
      const leaders = change(decodeGroups(receipt.parts.groups, contributionsIn(spans).length) ?? [])
      if (leaders === undefined) return false
      receipt.parts = { ...receipt.parts, groups: encodeGroups(leaders) }
      sealParts(receipt)
      return true
    },
  }
}

/** Of a model without indexes; its entries of class U stand last. */
function unitLie(
  name: string,
  change: (units: readonly AttributionEntry[]) => readonly AttributionEntry[] | undefined,
): Lie {
  return {
    ...{ name, challenge: 'badUnitWeight' },
    apply: (receipt) => {
      const units = change(receipt.entries.filter(({ class: kind }) => kind === entryClasses.U))
      if (units === undefined) return false
      receipt.entries = [...receipt.entries.filter(({ class: kind }) => kind !== entryClasses.U), ...units]
      return true
    },
  }
}

function scoreLie(
  name: string,
  challenge: string,
  change: (scores: readonly SketchScore[]) => readonly SketchScore[] | undefined,
): Lie {
  return {
    ...{ name, challenge },
    apply: (receipt) => {
      const scores = change(decodeScores(receipt.parts.scores) ?? [])
      if (scores === undefined) return false
      receipt.parts = { ...receipt.parts, scores: encodeScores(scores) }
      sealParts(receipt)
      return true
    },
  }
}

function citationLie(
  name: string,
  challenge: string,
  change: (citations: readonly PromptCitation[], receipt: ShareReceipt) => readonly PromptCitation[] | undefined,
): Lie {
  return {
    ...{ name, challenge },
    apply: (receipt) => {
      const { parts, set, prompt } = receipt
      if (parts.citations.length === 0) return false
      const citations = change(decodeCitations(parts.citations, set.length, prompt.length), receipt)
      if (citations === undefined) return false
      receipt.parts = { ...parts, citations: encodeCitations(citations) }
      sealParts(receipt)
      return true
    },
  }
}

type Spans = ReturnType<typeof decodeEvidence>

function spanLie(name: string, challenge: string, change: (evidence: Spans, random: Random) => Spans | undefined): Lie {
  return {
    ...{ name, challenge },
    apply: (receipt, random) => {
      const evidence = change(decodeEvidence(receipt.parts.spans, spansV2), random)
      if (evidence === undefined) return false
      receipt.parts = { ...receipt.parts, spans: encodeEvidence(evidence, spansV2) }
      sealParts(receipt)
      return true
    },
  }
}

function changed<T>(list: readonly T[], change: (one: T) => T): readonly T[] | undefined {
  const [first, ...others] = list
  return first === undefined ? undefined : [change(first), ...others]
}
