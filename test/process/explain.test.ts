import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BuiltEpoch } from '../../attribution/epochs/build-epoch.ts'
import { claimOf } from '../../attribution/epochs/claim-proof.ts'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { creditAt, creditBytes, payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { type RunningIndexer, startIndexer } from '../../indexer/indexer.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { clocks } from '../fakes/money-chain.ts'
import { openledgerHere } from '../fakes/money-cli.ts'
import { ServedChain } from '../fakes/served-chain.ts'
import { settleFirstEpoch } from '../fakes/settled-epoch.ts'
import { SpanMarket, spanAnswer, spanTexts } from '../fakes/span-market.ts'

const dir = mkdtempSync(join(tmpdir(), 'explain-'))
const content = join(dir, 'content')

let served: ServedChain
let market: SpanMarket
let epoch: BuiltEpoch
/** The second receipt of batch 2 says that its words are all another's. */
let batches: Awaited<ReturnType<SpanMarket['settle']>>[]

beforeAll(async () => {
  served = await ServedChain.open()
  const { chain } = served
  market = await SpanMarket.open(chain, chain.rpc)
  const [owner, alice] = [chain.actor('datanet owner'), chain.actor('alice')]
  await chain.send(owner, 'DatanetUnits', 'transfer', [alice.address, (1n << 32n) | 1n, 200n])
  const right = await market.settle([
    { text: spanAnswer, model: 1 },
    { text: 'Nothing that anybody said.', model: 2 },
  ])
  const output = Uint32Array.from(market.tokenizer.encode(spanAnswer))
  const lie = market
    .contributions(output)
    .map((each, i) => ({ ...each, weight: each.weight + ([1000n, -1000n][i] ?? 0n) }))
  const wrong = await market.settle([
    { text: 'A second answer.', model: 1 },
    { text: spanAnswer, model: 1, contributions: lie },
  ])
  batches = [right, wrong]
  const headers = await Promise.all([1n, 2n].map(async (id) => (await committedBatch(chain.rpc, id))?.header))
  chain.advance(clocks.window)
  await chain.send(chain.actor('worker'), 'InferenceMarket', 'matureBatches', [headers])
  epoch = await settleFirstEpoch(
    chain,
    batches.map(({ batchId, file }) => ({ batchId, file, voided: [] })),
  )
  const store = new ContentStore(content, merkleRoot)
  for (const file of [...batches.map(({ file }) => file), epoch.file]) store.put(file)
  mkdirSync(join(dir, 'indexes'))
  writeFileSync(join(dir, 'indexes', `${market.index.id}.oli`), encodeIndexFile(market.index))
}, 120_000)

afterAll(async () => {
  await served?.close()
  rmSync(dir, { recursive: true, force: true })
})

type Shown = {
  readonly amount: string
  readonly unitHolders: {
    readonly units: string
    readonly state: string
    readonly holders: readonly { holder: Hex; units: string; amount: string }[]
    readonly holdersNotShown?: number
  }
  readonly differences: readonly string[]
  readonly figures: readonly { name: string; value: string }[]
  readonly receipts: readonly { words: Words; entries: readonly { class: string; id: string; amount: string }[] }[]
  readonly words: Words
}
type Words = {
  readonly matched: string
  readonly spans: readonly { words: string; from: readonly { contribution: string; characters: string }[] }[]
}

const explain = (...words: readonly string[]) => explainFrom(content, words)

async function explainFrom(
  folder: string,
  words: readonly string[],
): Promise<{ code: number | null; shown: Shown; stderr: string }> {
  const given = ['explain', '--rpc', served.url, '--content.dir', folder, '--json', ...words]
  const { code, stdout, stderr } = await openledgerHere(given)
  return { code, shown: (stdout === '' ? {} : JSON.parse(stdout)) as Shown, stderr }
}

const creditsOf = (payee: Hex) =>
  Array.from({ length: epoch.header.creditsCount }, (_, i) => creditAt(epochCredits(), i)).filter(
    (each) => each.payee === payee,
  )
const epochCredits = () => epoch.file.subarray(72, 72 + epoch.header.creditsCount * creditBytes)

describe('openledger explain', () => {
  test('recomputes every payee’s payout to the wei', async () => {
    const payees = [
      ...new Set(Array.from({ length: epoch.header.creditsCount }, (_, i) => creditAt(epochCredits(), i).payee)),
    ]
    expect(payees.length).toBeGreaterThanOrEqual(5)
    for (const payee of payees) {
      const { code, shown, stderr } = await explain('--payout', `1:${payee}`)
      expect(shown.differences, stderr).toEqual([])
      expect(code).toBe(0)
      expect(BigInt(shown.amount)).toBe(creditsOf(payee).reduce((sum, { amount }) => sum + amount, 0n))
    }
  }, 60_000)

  test('goes on from a Datanet’s pool to its unit holders, a page at a time, before and after the epoch is brought to it', async () => {
    const pool = poolPayee(payeePools.units, 1n)
    const [owner, alice] = [served.chain.actor('datanet owner').address, served.chain.actor('alice').address]
    const wei = creditsOf(pool).reduce((sum, { amount }) => sum + amount, 0n)
    expect(wei).toBeGreaterThan(0n)
    const divided = [
      { holder: owner, units: '500', amount: String((wei * 500n) / 700n) },
      { holder: alice, units: '200', amount: String((wei * 200n) / 700n) },
    ]
    const ask = async (...words: readonly string[]) => {
      const { code, shown, stderr } = await explain('--payout', `1:${pool}:U`, ...words)
      expect([code, shown.differences], stderr).toEqual([0, []])
      return shown.unitHolders
    }
    const before = await ask()
    expect(before).toMatchObject({ units: '700', holders: divided })
    expect(before.state).toContain('claim to-datanet')
    const payouts = decodeEpochFile(epoch.file).payouts
    const claim = claimOf(1n, { rows: payouts, tree: payoutTree(payouts) }, pool)
    await served.chain.send(served.chain.actor('bob'), 'RoyaltyVault', 'claimToPool', [1, 1n, claim])
    expect(await ask('--holders.max', '1')).toMatchObject({
      state: 'brought to the pool',
      holders: divided.slice(0, 1),
      holdersNotShown: 1,
    })
    expect((await ask('--holders.from', '1')).holders).toMatchObject(divided.slice(1))
    for (const { holder, amount } of divided) {
      const claimable = await served.chain.read('RoyaltyVault', 'claimable', [1, 1n, holder])
      expect(claimable).toBe(BigInt(amount))
    }
  }, 60_000)

  test('shows which words came from which contribution, by characters that are those words', async () => {
    const { code, shown } = await explain(
      '--receipt',
      '1:0',
      '--indexes',
      join(dir, 'indexes'),
      '--models',
      dirname(baseModelFile),
    )
    expect(shown.differences).toEqual([])
    expect(code).toBe(0)
    expect(shown.words.spans.length).toBeGreaterThanOrEqual(2)
    for (const { words, from } of shown.words.spans) {
      expect(spanAnswer).toContain(words)
      for (const { contribution, characters } of from) {
        const [first = 0, end = 0] = characters.split('–').map(Number)
        expect(spanTexts[Number(contribution) - 1]?.[1].slice(first, end)).toBe(words)
      }
    }
  })

  test('tells a weight that is not what the words give, with exit code 1', async () => {
    const without = await explain('--receipt', '2:1')
    expect(without.code).toBe(0)
    const { code, shown } = await explain('--receipt', '2:1', '--indexes', join(dir, 'indexes'))
    expect(code).toBe(1)
    expect(shown.differences).toHaveLength(2)
    expect(shown.differences[0]).toMatch(/^receipt 2:1: weight of S 1 is \d+ on chain and \d+ by/)
    const alice = served.chain.actor('alice').address
    const payout = await explain('--payout', `1:${alice}:S`, '--indexes', join(dir, 'indexes'))
    expect(payout.code).toBe(1)
    expect(payout.shown.differences).toEqual(shown.differences)
  })

  test('what is missing is named INCOMPLETE, what is not there and wrong ids are refused', async () => {
    expect(await explainFrom(join(dir, 'nothing'), ['--receipt', '1:0'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('INCOMPLETE'),
    })
    for (const [words, why] of [
      [['--receipt', '9:0'], /there is no batch 9/],
      [['--receipt', '1:2'], /batch 1 has 2 receipts/],
      [['--payout', `7:${served.chain.actor('alice').address}`], /there is no epoch 7/],
      [['--payout', 'all'], /is no EPOCH:PAYEE/],
      [[], /give either --payout or --receipt/],
    ] as const) {
      const { code, stderr } = await explain(...words)
      expect(stderr).toMatch(why)
      expect(code).toBe(2)
    }
  })

  test('who was never credited earned nothing', async () => {
    const { code, shown } = await explain('--payout', `1:0x${'99'.repeat(20)}`)
    expect(shown).toMatchObject({ amount: '0', differences: [], receipts: [] })
    expect(code).toBe(0)
  })
})

describe('explain of GraphQL', () => {
  type Place = { readonly contribution: string; readonly characters: readonly [number, number] | null }
  type Told = {
    readonly receipts: readonly {
      readonly batchId: string
      readonly index: number
      readonly spans: {
        readonly why: string | null
        readonly matched: number
        readonly spanCount: number
        readonly figures: readonly { readonly recomputed: string; readonly onChain: string }[]
        readonly spans: readonly {
          text: string | null
          placeCount: number
          earners: string[]
          places: readonly Place[]
        }[]
      }
    }[]
  }

  /** Filled only after the indexer was started and asked. */
  const folder = join(dir, 'later')
  let indexer: RunningIndexer

  beforeAll(async () => {
    indexer = await startIndexer(
      {
        ...{ dataDir: join(dir, 'index'), l2Url: served.url, contentDir: content, host: '127.0.0.1', port: 0 },
        folders: { indexes: folder, models: [folder, dirname(baseModelFile)] },
      },
      { log: silentLog, clock: systemClock },
    )
  })

  afterAll(async () => {
    await indexer?.stop()
  })

  /** As `explain` answers, and why words are not shown where the same is asked twice more in the request. */
  async function told(payee: Hex): Promise<Told & { readonly again: readonly (string | null)[] }> {
    const query = `{ explain(payout: "1:${payee}:S") { missing receipts { batchId index spans { why matched spanCount
      figures { recomputed onChain } spans { text placeCount earners places { contribution characters } } } } }
      again: explain(payout: "1:${payee}:S") { receipts { spans { why } } }
      third: explain(payout: "1:${payee}:S") { receipts { spans { why } } } }`
    const ask = async () => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${indexer.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
      const { data, errors } = (await answer.json()) as {
        data: { explain: Told & { missing: string[] }; again: Told; third: Told }
        errors: unknown
      }
      expect(errors).toBeUndefined()
      expect(data.explain?.missing).toEqual([])
      return {
        ...data.explain,
        again: [data.again, data.third].flatMap(({ receipts }) => receipts.map(({ spans }) => spans.why)),
      }
    }
    return await vi.waitFor(ask, { timeout: 60_000, interval: 100 })
  }

  test('says why it shows no words while it has not the index, and how to get it', async () => {
    const { receipts } = await told(served.chain.actor('alice').address)
    expect(receipts).not.toHaveLength(0)
    for (const { spans } of receipts) {
      const lacking = new RegExp(`INCOMPLETE: the index ${market.index.id} is not in --indexes: .*/content/`)
      expect(spans).toMatchObject({ why: expect.stringMatching(lacking), spans: [] })
    }
  }, 90_000)

  test('shows the words of a payee’s contributions as the command does once the index comes, and what is not what the words give', async () => {
    const alice = served.chain.actor('alice').address
    mkdirSync(folder)
    copyFileSync(join(dir, 'indexes', `${market.index.id}.oli`), join(folder, 'of the first Datanet.oli'))
    const { receipts, again } = await told(alice)
    const flags = ['--indexes', join(dir, 'indexes'), '--models', dirname(baseModelFile)]
    const { shown } = await explain('--payout', `1:${alice}:S`, ...flags)
    expect(receipts).toHaveLength(shown.receipts.length)
    // Two receipts three times over: a request has five looked up.
    expect(again).toEqual([null, null, null, 'a request shows the words of 5 receipts; ask for this one by itself'])
    for (const [i, { spans }] of receipts.entries()) {
      const { words } = shown.receipts[i] as Shown['receipts'][number]
      expect([spans.why, spans.spanCount]).toEqual([null, words.spans.length])
      expect(spans.spans.map(({ text }) => text)).toEqual(words.spans.map((span) => span.words))
      expect(words.matched.startsWith(`${spans.matched} of `)).toBe(true)
      for (const { text, earners, places } of spans.spans) {
        expect(places.every(({ contribution }) => earners.includes(contribution))).toBe(true)
        for (const { contribution, characters } of places) {
          const [, from] = spanTexts[Number(contribution) - 1] as readonly [string, string]
          expect(from.slice(...(characters as [number, number]))).toBe(text)
        }
      }
    }
    expect(receipts.flatMap(({ spans }) => spans.spans).length).toBeGreaterThan(1)
    const wrong = receipts.filter(({ spans }) => spans.figures.some((each) => each.recomputed !== each.onChain))
    expect(wrong.map(({ batchId, index }) => `${batchId}:${index}`)).toEqual(['2:1'])
  }, 90_000)
})
