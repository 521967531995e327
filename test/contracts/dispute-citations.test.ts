import { beforeAll, describe, expect, test } from 'vitest'
import { algoV2 } from '../../attribution/combined/algo-v2.ts'
import type { ChallengeV2 } from '../../attribution/combined/challenge-v2.ts'
import {
  citationsOf,
  decodeCitations,
  encodeCitations,
  outranks,
  overlaps,
  type PromptCitation,
  precedes,
} from '../../attribution/combined/citations.ts'
import { evidenceHead } from '../../attribution/combined/evidence-v2.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import { type MaximalSpan, maximalSpans } from '../../attribution/suffix/find-spans.ts'
import type { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import { openTokens } from '../../attribution/suffix/runs.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { bytesToHex, zeroHash } from '../../protocol/bytes.ts'
import { answerTerms } from '../fakes/dispute-batch.ts'
import { faults } from '../fakes/dispute-corruptions.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { Random } from '../fakes/random.ts'
import {
  checked,
  commitShares,
  honestShares,
  judgeOf,
  type ShareReceipt,
  sealParts,
  shareArguments,
} from '../fakes/share-receipt.ts'

let world: DisputeWorld
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
})

const vocab = 50
/** Honest receipts whose passages are accused. */
const receipts = Number(process.env['OPENLEDGER_FUZZ'] ?? 2)
const words = (random: Random, count: number) => Array.from({ length: count }, () => random.int(vocab))

/** Texts of many contributions that have passages in common, whole, in part and side by side; one stands 36 times. */
function quotedWorld(random: Random) {
  const passages = Array.from({ length: 8 }, () => words(random, 33 + random.int(50)))
  const common = words(random, 40)
  const piece = () => {
    const passage = random.pick(passages)
    const from = random.chance(0.5) ? 0 : random.int(passage.length - 32)
    return random.chance(0.6) ? passage : passage.slice(from, from + 32 + random.int(passage.length - from - 31))
  }
  const text = () => [...words(random, random.int(6)), ...piece(), ...(random.chance(0.5) ? piece() : words(random, 5))]
  const set = [0, 1].map((i) => {
    const list = Array.from({ length: 18 }, (_, d) => ({
      contribId: BigInt(random.chance(0.5) ? 1_000 - d : 7 * i + d + 1),
      tokens: [...text(), ...common],
    }))
    list.sort((a, b) => (a.contribId < b.contribId ? -1 : 1))
    const own = list.filter(({ contribId }, d) => contribId !== list[d - 1]?.contribId)
    return buildIndex(joinDocuments(own, vocab), {
      ...{ datanet: BigInt(i + 1), version: 1, tokenizerHash: zeroHash },
      tokenLengths: new Uint32Array(vocab).fill(1),
    })
  })
  const prompt = [1, ...text(), ...words(random, 3), ...text(), ...common, ...piece()]
  return { set, common, prompt: Uint32Array.from(prompt) }
}

function receiptOf(seed: number): { receipt: ShareReceipt; common: readonly number[]; citations: PromptCitation[] } {
  const random = new Random(seed)
  const { set, common, prompt } = quotedWorld(random)
  const receipt = honestShares(set, {
    ...{ prompt, output: Uint32Array.from(words(random, 10)), signatures: new Map(), table: undefined },
    query: new Int8Array(0),
  })
  const { parts } = receipt
  const citations = parts.citations.length === 0 ? [] : decodeCitations(parts.citations, set.length, prompt.length)
  return { receipt, common, citations }
}

function cite(receipt: ShareReceipt, citations: readonly PromptCitation[]): void {
  const encoded = citations.length === 0 ? new Uint8Array(0) : encodeCitations(citations)
  receipt.parts = { ...receipt.parts, citations: encoded }
  sealParts(receipt)
}

async function judged(receipt: ShareReceipt, challenge: ChallengeV2): Promise<number | string> {
  const batch = await commitShares(world, receipt)
  return await world.ask(judgeOf(challenge.functionName), challenge.functionName, shareArguments(batch, challenge))
}

type Told = Omit<ReturnType<typeof receiptOf>, 'receipt'> & { readonly receipt: ShareReceipt }
/** Undefined where the receipt has no place for the lie. */
type Change = (told: Told, random: Random) => readonly PromptCitation[] | undefined

/** All places of a passage, in the order in which one is cited. */
function placesOf({ set, prompt }: ShareReceipt, { start, length }: Pick<PromptCitation, 'start' | 'length'>) {
  const wanted = [...prompt.subarray(start, start + length)].join()
  const found = set.flatMap(({ index }, i) =>
    Array.from({ length: Math.max(0, index.record.n - length + 1) }, (_, position) => position)
      .filter((position) => tokensAt(index, position, length).join() === wanted)
      .map((position) => ({ index: i, position, contribId: index.contributionAt(position) })),
  )
  return found.sort((a, b) => (precedes(a, b) ? -1 : 1))
}

function tokensAt({ tables }: SuffixIndex, position: number, length: number): number[] {
  return Array.from({ length }, (_, i) => tables.tokens.at(position + i))
}

const cut =
  (atStart: boolean): Change =>
  ({ citations }) => {
    const last = citations.at(-1)
    if (last === undefined || last.length === algoV2.citationTokensMin) return undefined
    const shorter = atStart ? { start: last.start + 1, position: last.position + 1 } : {}
    return [...citations.slice(0, -1), { ...last, ...shorter, length: last.length - 1 }]
  }

const leftOut =
  (which: number): Change =>
  ({ citations }) =>
    citations.at(which) && citations.filter((_, i) => i !== (which + citations.length) % citations.length)

const lies: readonly (readonly [string, string, Change])[] = [
  ['a passage cut at its start', 'longerCitation', cut(true)],
  ['a passage cut at its end', 'longerCitation', cut(false)],
  [
    'a passage of a later contribution, or of a later place',
    'earlierCitation',
    ({ receipt, citations }) => {
      const at = citations.findIndex((one) => placesOf(receipt, one).length > 1)
      const later = at < 0 ? undefined : placesOf(receipt, citations[at] as PromptCitation).at(-1)
      return later && citations.map((one, i) => (i === at ? { ...one, ...later } : one))
    },
  ],
  ['the longest passage left out', 'omittedCitation', leftOut(0)],
  ['the shortest passage left out', 'omittedCitation', leftOut(-1)],
  ['all passages left out', 'omittedCitation', ({ citations }) => (citations.length > 0 ? [] : undefined)],
  [
    'a passage before which a longer one should be that overlaps it',
    'omittedCitation',
    ({ receipt, citations }) => {
      const [first, ...others] = citations
      if (first === undefined) return undefined
      const blocked = candidates(receipt).find(
        (each) => outranks(first, each) && overlaps(each, first) && others.every((other) => !overlaps(other, each)),
      )
      const place = blocked && placesOf(receipt, blocked)[0]
      return (
        place &&
        [...others, { start: blocked.start, length: blocked.length, ...place }].sort((a, b) =>
          outranks(a, b) ? -1 : 1,
        )
      )
    },
  ],
  [
    'a passage that everybody says',
    'commonCitation',
    ({ receipt, common, citations }) => {
      const { prompt } = receipt
      const start = Array.from(prompt.keys()).find((at) => common.every((token, i) => token === prompt[at + i])) ?? -1
      const passage = { start, length: common.length }
      const place = placesOf(receipt, passage)[0]
      const isFree = start > 0 && citations.every((one) => !overlaps(one, passage))
      if (!isFree || place === undefined || placesOf(receipt, passage).length <= algoV2.placesMax) return undefined
      return [...citations, { ...passage, ...place }].sort((a, b) => (outranks(a, b) ? -1 : 1))
    },
  ],
]

/** Maximal passages, those that a longer one keeps from being cited among them. */
function candidates({ set, prompt }: ShareReceipt): readonly MaximalSpan[] {
  const limits = { tokensMin: algoV2.citationTokensMin, placesMax: algoV2.placesMax }
  return maximalSpans(
    set.map(({ index }) => index),
    prompt,
    limits,
  ).filter(({ places }) => places.length <= algoV2.placesMax)
}

describe('lies about citations', () => {
  test.each(lies)('%s: shown by one transaction', async (name, functionName, change) => {
    let tried = 0
    for (let seed = 1; seed < 60 && tried < 2; seed++) {
      const told = receiptOf(seed)
      const citations = change(told, new Random(seed))
      if (citations === undefined) continue
      cite(told.receipt, citations)
      const challenge = checked(told.receipt)
      if (challenge === undefined) throw new Error(`${name}, seed ${seed}: nothing is found`)
      const answer = await judged(told.receipt, challenge)
      expect({ name: challenge.functionName, answer }, `seed ${seed}`).toEqual({
        name: functionName,
        answer: faults.WrongEntry,
      })
      tried++
    }
    expect(tried).toBeGreaterThan(0)
  })
})

describe('honest citations', () => {
  test('are found right, and no opening of any passage of the prompt shows a fault', async () => {
    const refusals = ['NoFault', 'PastEnd', 'OtherTokens', 'WrongAnchor']
    const seen = new Map<string, number>()
    for (let seed = 200; seed < 200 + receipts; seed++) {
      const { receipt, citations } = receiptOf(seed)
      expect(checked(receipt), `seed ${seed}`).toBeUndefined()
      const batch = await commitShares(world, receipt)
      for (const challenge of accusations(receipt, citations, new Random(seed))) {
        const { functionName } = challenge
        const answer = await world.ask('SketchJudge', functionName, shareArguments(batch, challenge))
        expect(refusals, `seed ${seed}, ${functionName}: ${answer}`).toContain(answer)
        seen.set(functionName, (seen.get(functionName) ?? 0) + 1)
      }
    }
    expect([...seen.keys()].sort()).toEqual(['commonCitation', 'earlierCitation', 'longerCitation', 'omittedCitation'])
  })

  test('of an index that counts for nothing are none, and none is left out', async () => {
    const { receipt } = receiptOf(3)
    cite(receipt, [])
    expect(checked(receipt, true)?.functionName).not.toBe('omittedCitation')
    expect(checked(receipt, false)?.functionName).toBe('omittedCitation')
  })
})

/** Openings that are right of passages that are cited rightly, or rightly are not. */
function* accusations(
  receipt: ShareReceipt,
  citations: readonly PromptCitation[],
  random: Random,
): Generator<ChallengeV2> {
  const { set, parts, prompt } = receipt
  const claim = { head: bytesToHex(evidenceHead(parts)), citations: bytesToHex(parts.citations), request: {} }
  const of = (functionName: string, ...rest: unknown[]): ChallengeV2 => ({ functionName, entries: [0], claim, rest })
  const records = set.map(({ index }) => index.record)
  const ids = set.map(({ index }) => index.id)
  const boundsOf = (from: number, to: number) => set.map((opener) => opener.boundsOf(prompt.subarray(from, to)))
  const countOf = (from: number, to: number) =>
    set.reduce((sum, { index }) => {
      const { lo, hi } = index.range(prompt, from, to)
      return sum + hi - lo
    }, 0)
  for (const [number, one] of citations.entries()) {
    const { start, length } = one
    for (const { index: place, position } of placesOf(receipt, one).slice(0, 3)) {
      const opener = set[place] as IndexOpener
      const end = Math.min(position + length + 1, opener.index.record.n)
      const document = opener.index.documentAt(position)
      const shown = {
        ...{ number, at: { ids, number: place, index: records[place] }, document },
        documents: opener.documents(document, Math.min(document + 2, opener.index.record.documents)),
      }
      const here = {
        text: opener.tokens(position, end),
        prompt: openTokens(prompt, start, Math.min(start + length + 1, prompt.length)),
      }
      yield of('earlierCitation', { ...shown, ...here, position })
      yield of('longerCitation', { ...shown, ...here, position }, false)
      if (position === 0 || start === 0) continue
      const before = { text: opener.tokens(position - 1, end), prompt: openTokens(prompt, start - 1, start + length) }
      yield of('longerCitation', { ...shown, ...before, position: position - 1 }, true)
    }
    const size = Math.min(64, length)
    const counts = boundsOf(start, start + size)
    yield of('commonCitation', { set: records, number, prompt: openTokens(prompt, start, start + length), counts })
  }
  for (let i = 0; i < 40; i++) {
    // Any part of any match, maximal or not.
    const start = random.int(prompt.length - 33)
    const length = Math.min(prompt.length - start, 32 + random.int(40))
    const place = placesOf(receipt, { start, length })[0]
    if (place === undefined) continue
    const end = start + length
    const higher = citations.filter((cited) => !outranks({ start, length }, cited))
    const left = Math.max(0, ...higher.map((each) => each.start + each.length).filter((at) => at <= start))
    const right = Math.min(prompt.length, ...higher.map((each) => each.start).filter((at) => at > start))
    /** The part that stands least often. */
    const rarest = (from: number, to: number) => {
      const size = Math.min(64, to - from)
      const starts = Array.from({ length: to - from - size + 1 }, (_, k) => from + k)
      const best = starts.reduce((a, b) => (countOf(b, b + size) < countOf(a, a + size) ? b : a))
      return { start: best, length: size, counts: boundsOf(best, best + size) }
    }
    const sides = {
      before: rarest(left > 0 ? left - 1 : start, end),
      behind: rarest(start, right < prompt.length ? right + 1 : end),
    }
    yield of('omittedCitation', {
      ...{ set: records, start, length, number: place.index, position: place.position, ...sides },
      ...{ part: rarest(start, end), prompt: openTokens(prompt, 0, prompt.length) },
      text: (set[place.index] as IndexOpener).tokens(place.position, place.position + length),
    })
  }
}

test('citations of these texts are several, side by side and in each other’s way', () => {
  const all = Array.from({ length: 20 }, (_, seed) => receiptOf(seed + 1))
  expect(all.some(({ citations }) => citations.length > 2)).toBe(true)
  expect(
    all.some(({ receipt, citations }) =>
      candidates(receipt).some((each) =>
        citations.every(({ start, length }) => start !== each.start || length !== each.length),
      ),
    ),
  ).toBe(true)
  for (const { receipt, citations } of all) {
    expect(
      citationsOf(
        receipt.set.map(({ index }) => index),
        receipt.prompt,
      ),
    ).toEqual(citations)
  }
})
