import { encodeAbiParameters, getAddress, keccak256 } from 'viem'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkSpans, cutOf, type SpanChallenge } from '../../attribution/suffix/check-spans.ts'
import { decodeEvidence } from '../../attribution/suffix/evidence.ts'
import type { IndexOpener, SpanBounds } from '../../attribution/suffix/index-opener.ts'
import { noRun, openTokens, type Run } from '../../attribution/suffix/runs.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { bytesToHex, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { type BatchHeader, batchHash } from '../../protocol/receipt-batch.ts'
import { answerTerms } from '../fakes/dispute-batch.ts'
import { faults } from '../fakes/dispute-corruptions.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { addressOf, clocks, open } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { type SpanLie, spanLies } from '../fakes/span-lies.ts'
import {
  claimed,
  commitSpans,
  honestReceipt,
  quotingOutput,
  randomSet,
  type SpanReceipt,
  sealEvidence,
  spanArguments,
} from '../fakes/span-receipt.ts'

let world: DisputeWorld
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
})

const wrongEntry = faults.WrongEntry

function randomReceipt(seed: number, tokens = 90): SpanReceipt {
  const random = new Random(seed)
  const set = randomSet(random, 1 + random.int(3), 5 + random.int(40))
  return honestReceipt(set, quotingOutput(random, set, tokens))
}

const check = (receipt: SpanReceipt, isDead = false) =>
  checkSpans(receipt.set, { output: receipt.output, entries: claimed(receipt), evidence: receipt.evidence, isDead })

/** What SpanJudge finds by the challenge that the check names. */
async function judged(receipt: SpanReceipt): Promise<{ name: string; answer: number | string } | undefined> {
  const challenge = check(receipt)
  if (challenge === undefined) return undefined
  const batch = await commitSpans(world, receipt)
  const answer = await world.ask('SpanJudge', challenge.functionName, spanArguments(batch, receipt, challenge))
  return { name: challenge.functionName, answer }
}

describe('lies about spans', () => {
  test.each(spanLies.map((lie) => [lie.name, lie] as const))(
    '%s: shown by one transaction',
    async (_, lie: SpanLie) => {
      let tried = 0
      for (let seed = 1; seed < 60 && tried < 3; seed++) {
        const receipt = randomReceipt(seed)
        if (!lie.apply(receipt, new Random(seed))) continue
        tried++
        expect(await judged(receipt), `seed ${seed}`).toEqual({ name: lie.challenge, answer: wrongEntry })
      }
      expect(tried).toBe(3)
    },
  )
})

describe('honest receipts', () => {
  test('whatever the texts and the output, the check finds nothing and no opening shows a fault', async () => {
    for (let seed = 100; seed < 108; seed++) {
      const random = new Random(seed)
      const receipt = randomReceipt(seed, 20 + random.int(120))
      expect(check(receipt), `seed ${seed}`).toBeUndefined()
      const batch = await commitSpans(world, receipt)
      for (const challenge of accusations(receipt, random)) {
        const answer = await world.ask('SpanJudge', challenge.functionName, spanArguments(batch, receipt, challenge))
        expect(refusals, `seed ${seed}, ${challenge.functionName}`).toContain(answer)
      }
    }
  }, 120_000)

  test('what shows a lie shows nothing of the receipt that does not tell it', async () => {
    let tried = 0
    for (const lie of spanLies) {
      for (let seed = 1; seed < 30; seed++) {
        const [lying, honest] = [randomReceipt(seed), randomReceipt(seed)]
        if (!lie.apply(lying, new Random(seed))) continue
        const challenge = check(lying)
        if (challenge === undefined || challenge.functionName === 'badSpanEvidence') break
        const entries = challenge.entries.map((place) => Math.min(place, honest.entries.length - 1))
        const args = spanArguments(await commitSpans(world, honest), honest, { ...challenge, entries })
        expect(refusals, `${lie.name}, seed ${seed}`).toContain(
          await world.ask('SpanJudge', challenge.functionName, args),
        )
        tried++
        break
      }
    }
    expect(tried).toBeGreaterThan(10)
  }, 60_000)
})

/** Reasons for which an honest receipt is not found wrong. */
const refusals: readonly (number | string)[] = [
  'NoFault',
  'Listed',
  'NotListed',
  'NoSuchSpan',
  'PastEnd',
  'OtherTokens',
  'NotInDocument',
  'OutOfOrder',
]

/** Every kind of challenge with openings that are right, of things that are not wrong. */
function* accusations(receipt: SpanReceipt, random: Random): Generator<SpanChallenge> {
  const { set, output, entries } = receipt
  const { spans, scores } = decodeEvidence(receipt.evidence)
  const records = set.map(({ index }) => index.record)
  const ids = set.map(({ index }) => index.id)
  const at = (number: number) => ({ ids, number, index: records[number] })
  const of = (functionName: string, ...rest: readonly unknown[]): SpanChallenge => ({
    functionName,
    entries: [0],
    rest,
  })
  yield of('badSpanForm', ids)
  for (const place of entries.keys()) {
    yield { functionName: 'badSpanWeight', entries: [place], rest: [records, cutOf({ spans })] }
    yield { functionName: 'badSpanEvidence', entries: [0, place], rest: [] }
  }
  for (let i = 0; i < 5; i++) {
    const token = random.int(scores.length)
    const unigrams = set.map((opener) => opener.unigrams(output[token] as number))
    yield of('badSpanScore', { set: records, token, output: openTokens(output, token, token + 1), unigrams })
  }
  for (const [k, { start, length, places }] of spans.entries()) {
    for (const { index: number, position } of places) {
      const opener = set[number] as IndexOpener
      const offset = random.int(length)
      const shown = {
        ...{ span: k, at: at(number), position, text: opener.tokens(position, position + length) },
        output: openTokens(output, start, start + length),
      }
      yield of('badSpanPlace', shown, offset)
      yield of('missedSpanPlace', shown)
      const document = opener.index.documentAt(position)
      const documents = opener.documents(document, Math.min(document + 2, opener.index.record.documents))
      yield of('badSpanContribution', { span: k, at: at(number), position, document, documents })
      yield of('omittedSpan', omission(receipt, number, position, start, Math.min(length, 64)))
      if (start > 0 && position > 0) {
        const text = opener.tokens(position - 1, position + length)
        const longer = openTokens(output, start - 1, start + length)
        yield of('longerSpan', { ...shown, position: position - 1, text, output: longer }, true)
      }
      if (start + length < scores.length && position + length < opener.index.record.n) {
        const text = opener.tokens(position, position + length + 1)
        yield of('longerSpan', { ...shown, text, output: openTokens(output, start, start + length + 1) }, false)
      }
    }
  }
  for (let i = 0; i < 10; i++) {
    const length = 5 + random.int(6)
    const start = random.int(scores.length - length)
    if (output.subarray(start, start + length).includes(0xffff_ffff)) continue
    yield of('omittedSpan', omission(receipt, 0, 0, start, length))
  }
}

function omission({ set, output }: SpanReceipt, number: number, position: number, start: number, length: number) {
  return {
    set: set.map(({ index }) => index.record),
    ...{ start, length, anchorStart: 0, anchorLength: length, number, position, text: noRun },
    output: openTokens(output, start, start + length),
    counts: set.map((opener) => opener.boundsOf(output.slice(start, start + length))),
  }
}

describe('forged openings', () => {
  const lieOf = (name: string) => {
    const lie = spanLies.find((each) => each.challenge === name)
    if (lie === undefined) throw new Error(`no lie is shown by ${name}`)
    return lie
  }

  /** A receipt that lies, and the challenge that shows it. */
  function lying(name: string): { receipt: SpanReceipt; challenge: SpanChallenge; shown: Record<string, unknown> } {
    for (let seed = 1; ; seed++) {
      const receipt = randomReceipt(seed)
      if (!lieOf(name).apply(receipt, new Random(seed))) continue
      const challenge = check(receipt)
      if (challenge?.functionName === name)
        return { receipt, challenge, shown: challenge.rest[0] as Record<string, unknown> }
    }
  }

  async function answer(receipt: SpanReceipt, challenge: SpanChallenge, evidence = receipt.evidence) {
    const args = spanArguments(await commitSpans(world, receipt), { ...receipt, evidence }, challenge)
    return await world.ask('SpanJudge', challenge.functionName, args)
  }

  const flip = (run: unknown): Run => {
    const { data, ...rest } = run as Run
    return { ...rest, data: `${data.slice(0, -1)}${data.endsWith('0') ? '1' : '0'}` as Hex }
  }

  test.each([
    ['missedSpanPlace', 'text'],
    ['missedSpanPlace', 'output'],
    ['badSpanPlace', 'text'],
    ['badSpanContribution', 'documents'],
    ['badSpanScore', 'output'],
    ['omittedSpan', 'output'],
  ])('%s with another %s is refused', async (name, field) => {
    const { receipt, challenge, shown } = lying(name)
    const rest = [{ ...shown, [field]: flip(shown[field]) }, ...challenge.rest.slice(1)]
    expect(await answer(receipt, { ...challenge, rest })).toBe('WrongRun')
  })

  test('a run with a sibling too many or too few is refused', async () => {
    const { receipt, challenge, shown } = lying('missedSpanPlace')
    const text = shown['text'] as Run
    for (const siblings of [[...text.siblings, `0x${'11'.repeat(32)}`], text.siblings.slice(0, -1)]) {
      const rest = [{ ...shown, text: { ...text, siblings } }]
      expect(await answer(receipt, { ...challenge, rest })).toBe('WrongRunSiblings')
    }
  })

  test('another index, set or evidence is refused', async () => {
    const { receipt, challenge, shown } = lying('missedSpanPlace')
    const at = shown['at'] as { ids: Hex[]; index: Record<string, unknown> }
    const other = { ...at, index: { ...at.index, n: 7 } }
    const set = { ...at, ids: [...at.ids, `0x${'ff'.repeat(32)}`] }
    expect(await answer(receipt, { ...challenge, rest: [{ ...shown, at: other }] })).toBe('WrongIndex')
    expect(await answer(receipt, { ...challenge, rest: [{ ...shown, at: set }] })).toBe('WrongIndexSet')
    expect(await answer(receipt, challenge, receipt.evidence.slice(1))).toBe('WrongEvidence')
  })

  test('bounds that leave suffixes out are refused', async () => {
    const { receipt, challenge, shown } = lying('omittedSpan')
    const counts = shown['counts'] as SpanBounds[]
    const [first] = counts.flatMap((count, i) => (count.hi > count.lo ? [i] : []))
    const changed = counts.map((count, i) => (i === first ? { ...count, hi: count.lo } : count))
    expect(await answer(receipt, { ...challenge, rest: [{ ...shown, counts: changed }] })).toBe('OutOfOrder')
  })
})

describe('consequences', () => {
  test('a lie voids the receipt and slashes its worker for a wrong entry', async () => {
    const receipt = randomReceipt(1)
    for (const lie of spanLies) {
      if (lie.challenge !== 'badSpanWeight') continue
      lie.apply(receipt, new Random(1))
      break
    }
    const challenge = check(receipt)
    if (challenge === undefined) throw new Error('nothing is found')
    const batch = await commitSpans(world, receipt)
    const { calls } = await world.challenge(challenge.functionName, spanArguments(batch, receipt, challenge))
    expect(calls.map(({ name }) => name)).toEqual(['voidReceipt', 'slash'])
    expect(calls[1]?.args.slice(0, 2)).toEqual([getAddress(batch.header.worker), wrongEntry])
  })

  test('a receipt by another rule of attribution is not judged by this one', async () => {
    const receipt = randomReceipt(2)
    const batch = await commitSpans(world, receipt, { algoHash: `0x${'a2'.repeat(32)}` })
    const challenge = { functionName: 'badSpanForm', entries: [0], rest: [receipt.set.map(({ index }) => index.id)] }
    expect(await world.ask('SpanJudge', 'badSpanForm', spanArguments(batch, receipt, challenge))).toBe('WrongAlgorithm')
  })

  test('where a model has no index, an S entry is wrong', async () => {
    const receipt = { ...randomReceipt(3), set: [] }
    const challenge = check(receipt)
    expect(challenge?.functionName).toBe('badSpanEvidence')
    const batch = await commitSpans(world, receipt)
    const args = spanArguments(batch, receipt, challenge as SpanChallenge)
    expect(await world.ask('SpanJudge', 'badSpanEvidence', args)).toBe(wrongEntry)
  })

  test('where a model has indexes, entries without evidence are wrong', async () => {
    const receipt = randomReceipt(3)
    receipt.entries = receipt.entries.map((entry) => ({ ...entry, evidenceHash: zeroHash }))
    const batch = await commitSpans(world, receipt)
    const args = spanArguments(batch, receipt, { functionName: 'badSpanEvidence', entries: [0, 0], rest: [] })
    expect(await world.ask('SpanJudge', 'badSpanEvidence', args)).toBe(wrongEntry)
  })

  test('an answer over an index that counts for nothing any more has no evidence but of no tokens', async () => {
    const receipt = randomReceipt(4)
    const dead = await DisputeWorld.create()
    await answerTerms(dead)
    const form = { functionName: 'badSpanForm', entries: [0], rest: [receipt.set.map(({ index }) => index.id)] }
    const judge = async () => {
      const batch = await commitSpans(dead, receipt)
      return await dead.ask('SpanJudge', 'badSpanForm', spanArguments(batch, receipt, form))
    }
    expect(await judge()).toBe('NoFault')
    const [index] = receipt.set
    const slot = loadArtifact('IndexRegistry').storageLayout.find(({ label }) => label === '_indexes')?.slot
    const key = keccak256(
      encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [index?.index.id as Hex, BigInt(slot ?? 0)]),
    )
    // deadFrom stands behind the publisher and publishedAt: the lowest eight bytes of the second word.
    dead.chain.evm.state.account(addressOf('IndexRegistry')).storage.set(wordAfter(key), uintBytes(dead.chain.now, 32))
    expect(await judge()).toBe(wrongEntry)
    expect(check(receipt, true)?.functionName).toBe('badSpanForm')
    receipt.evidence = Uint8Array.of(1, 0, 0, 0, 0, 0)
    sealEvidence(receipt)
    expect(await judge()).toBe('NoFault')
  })
})

const wordAfter = (slot: Hex): Hex => bytesToHex(uintBytes(BigInt(slot) + 1n, 32))

describe('evidence that is not shown', () => {
  const window = BigInt(clocks.window)
  let asked: DisputeWorld
  let receipt: SpanReceipt
  let opened: readonly unknown[]
  let entry: unknown
  beforeEach(async () => {
    asked = await DisputeWorld.create()
    await answerTerms(asked)
    receipt = randomReceipt(5)
    const batch = await commitSpans(asked, receipt)
    const [first, segments, one] = spanArguments(batch, receipt, {
      functionName: 'badSpanEvidence',
      entries: [0],
      rest: [],
    })
    opened = [first, segments]
    entry = one
  })

  const send = async (name: string, args: readonly unknown[], value = 0n) =>
    await asked.chain.send(asked.challenger, 'EvidenceDemands', name, args, { value })
  const refusal = async (name: string, args: readonly unknown[], value = 0n) =>
    (await asked.chain.fails(asked.challenger, 'EvidenceDemands', name, args, { value })).error
  const request = async () => {
    const price = (await asked.chain.read('EvidenceDemands', 'answerPrice', [receipt.output.length])) as bigint
    const { events } = await send('requestEvidence', [opened[0], entry], price + 1n)
    return { price: price + 1n, id: events[0]?.args['demandId'] as Hex }
  }
  const serve = () => {
    const { header, index } = opened[0] as { header: BatchHeader; index: number }
    return [bytesToHex(batchHash(header)), index, bytesToHex(receipt.evidence)]
  }

  test('voids the receipt after the second third of its window, and what was prepaid goes back', async () => {
    const { price, id } = await request()
    expect(await refusal('requestEvidence', [opened[0], entry], price)).toBe('AlreadyRequested')
    expect(await asked.ask('EvidenceDemands', 'evidenceMissing', [...opened, entry])).toBe('AnswerNotDue')
    expect(await refusal('returnPrepaid', [id])).toBe('AnswerNotDue')
    asked.chain.advance((window * 2n) / 3n)
    expect(await refusal('serveEvidence', serve())).toBe('AnswerLate')
    const { calls } = await asked.challenge('evidenceMissing', [...opened, entry])
    expect(calls.map(({ name }) => name)).toEqual(['voidReceipt', 'slash'])
    const before = asked.chain.balance(asked.challenger)
    await send('returnPrepaid', [id])
    expect(asked.chain.balance(asked.challenger)).toBe(before + price)
    expect(await refusal('returnPrepaid', [id])).toBe('NothingPrepaid')
  })

  test('is no fault once it is shown, and who shows it is paid', async () => {
    const { price } = await request()
    const { events } = await asked.chain.send(asked.chain.actor('worker'), 'EvidenceDemands', 'serveEvidence', serve())
    expect(events[0]?.args['evidence']).toBe(bytesToHex(receipt.evidence))
    expect(asked.chain.balance(asked.chain.actor('worker'))).toBe(10_000n * open + price)
    asked.chain.advance((window * 2n) / 3n)
    expect(await asked.ask('EvidenceDemands', 'evidenceMissing', [...opened, entry])).toBe('AlreadyServed')
    expect(asked.chain.balance('EvidenceDemands')).toBe(0n)
  })

  test('of more bytes than a challenge has room for counts as not shown', async () => {
    await request()
    const [hash, index] = serve()
    const long = (bytes: number) => [hash, index, `0x${'00'.repeat(bytes)}`]
    expect(await refusal('serveEvidence', long(98_305))).toBe('EvidenceTooLong')
    expect(await refusal('serveEvidence', long(98_304))).toBe('NotRequested')
  })

  test('is asked for in time, of an entry that has some, for a price', async () => {
    expect(await refusal('serveEvidence', serve())).toBe('NotRequested')
    expect(await refusal('requestEvidence', [opened[0], entry])).toBe('PrepaidTooSmall')
    asked.chain.advance(window / 3n)
    expect(await refusal('requestEvidence', [opened[0], entry], open)).toBe('RequestsClosed')
    receipt.entries = receipt.entries.map((each) => ({ ...each, evidenceHash: zeroHash }))
    const batch = await commitSpans(asked, receipt)
    const none = spanArguments(batch, receipt, { functionName: 'badSpanEvidence', entries: [0], rest: [] })
    expect(await refusal('requestEvidence', [none[0], none[2]], open)).toBe('NoEvidence')
  })
})
