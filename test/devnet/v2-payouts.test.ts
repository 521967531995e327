import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claimOf } from '../../attribution/epochs/claim-proof.ts'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { InfluenceFiles } from '../../attribution/influences/influence-files.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import { ShownSignatures } from '../../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../../chain/indexes/sketch-tables.ts'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import { modelTerms } from '../../chain/ledger/model-terms.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type RunningIndexer, startIndexer } from '../../indexer/indexer.ts'
import { type EntryClass, entryClasses, payeePools, poolOf, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { recomputePayouts } from '../../scripts/recompute-payouts.ts'
import { contributionsV2 } from '../../worker/attribute/contributions-v2.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'
import { clocks } from '../fakes/money-chain.ts'
import { openledgerHere } from '../fakes/money-cli.ts'
import { settleFirstEpoch } from '../fakes/settled-epoch.ts'
import { SketchedModel } from '../fakes/sketched-model.ts'
import { SpanMarket, spanAnswer } from '../fakes/span-market.ts'

const dir = mkdtempSync(join(tmpdir(), 'v2-payouts-'))
const day = 86_400n
const open = 10n ** 18n
const models = { indexed: modelVersionHash(1n, 1), plain: modelVersionHash(2n, 1) }
const passage =
  'A lighthouse keeper counts the ships at dusk and writes their names in a green book that nobody has ever opened, ' +
  'because the key lies under the third stair, where the cat sleeps and the wind from the north comes in at night.'
const texts = [
  ['alice', passage],
  ['bob', `${passage} So they say.`],
  ['datanet owner', 'Bread rises twice: once in the bowl under a cloth, once in the tin before the oven.'],
] as const

let chain: LedgerChain
let rpc: RpcServer
let rpcUrl: string
let indexer: RunningIndexer | undefined
let sketched: SketchedModel
let spans: SpanThread

beforeAll(async () => {
  sketched = new SketchedModel(texts.map(([, text], i) => [BigInt(i + 1), text]))
  sketched.giveTable()
  chain = await LedgerChain.open()
  const asked = ['eth_chainId', 'eth_getBlockByNumber', 'eth_getBlockReceipts', 'eth_getBalance', 'eth_call']
  const names = [...asked, 'eth_blockNumber', 'eth_getLogs', 'eth_getTransactionByHash', 'eth_getCode']
  const methods = Object.fromEntries(
    names.map((name) => [name, (params: readonly unknown[]) => chain.rpc.request(name, params)]),
  )
  rpc = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log: silentLog })
  rpcUrl = `http://127.0.0.1:${await rpc.start()}`
}, 120_000)

afterAll(async () => {
  await indexer?.stop()
  await spans?.close()
  await rpc?.stop()
  await chain?.close()
  sketched?.close()
  rmSync(dir, { recursive: true, force: true })
})

/**
 * A chain under v2: signatures of all texts, a table of influences of two models, of which one has no indexes, and answers as a worker attributes
 * them: two alike, one of the model without indexes, and a private one.
 */
async function settle() {
  const market = await SpanMarket.open(chain, chain.rpc, texts)
  await chain.deposit(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHashV2])
  for (const [i, [, text]] of texts.entries()) await market.show(BigInt(i + 1), text)
  const owner = chain.actor('model owner')
  for (const modelVersion of Object.values(models)) {
    const args = [modelVersion, sketched.adapter, sketched.registered, [{ datanet: 1n, version: 1 }]]
    await chain.send(owner, 'SketchRegistry', 'register', args, { value: 100n * open })
  }
  chain.advance(day)
  await chain.mine()
  const indexes = new IndexFolder(join(dir, 'indexes'))
  mkdirSync(indexes.dir)
  writeFileSync(indexes.path(market.index.id), encodeIndexFile(market.index))
  spans = new SpanThread(indexes.dir, sketched.folders)
  const sources = {
    ...{ indexes, spans, signatures: new ShownSignatures(chain.rpc), tables: new SketchTables(chain.rpc) },
    influences: new InfluenceFiles({
      ...{ folders: sketched.folders, dir: join(dir, 'fetched'), urls: [], log: silentLog },
    }),
  }
  const attributed = async (model: keyof typeof models, isPrivate = false) => {
    const modelVersion = models[model]
    const terms = await modelTerms(chain.rpc, modelVersion)
    if (terms === undefined) throw new Error('no such model')
    const request = { modelVersion, adapters: [{ root: sketched.adapter, weight: 256 }] }
    const tokens = { prompt: market.tokensOf(passage, isPrivate), output: market.tokensOf(spanAnswer, isPrivate) }
    return await contributionsV2(terms, { request, ...tokens, isDead: false, time: chain.now }, sources)
  }
  const contributions = await attributed('indexed')
  const answer = { text: spanAnswer, model: 1 as const, contributions, prompt: passage, adapter: sketched.adapter }
  const plain = { ...answer, model: 2 as const, contributions: await attributed('plain') }
  const hidden = { ...answer, contributions: await attributed('indexed', true), isPrivate: true }
  const { batchId, file, receipts } = await market.settle([answer, { ...answer }, plain, hidden], algoHashV2)
  new ContentStore(join(dir, 'content'), merkleRoot).put(file)
  const header = (await committedBatch(chain.rpc, batchId))?.header
  chain.advance(clocks.window)
  await chain.send(chain.actor('worker'), 'InferenceMarket', 'matureBatches', [[header]])
  const epoch = await settleFirstEpoch(chain, [{ batchId, file, voided: [] }], algoHashV2)
  new ContentStore(join(dir, 'content'), merkleRoot).put(epoch.file)
  return { receipts, epoch, contributions }
}

async function indexed(): Promise<string> {
  indexer = await startIndexer(
    {
      ...{ dataDir: join(dir, 'index'), l2Url: rpcUrl, contentDir: join(dir, 'content'), host: '127.0.0.1', port: 0 },
      folders: { indexes: join(dir, 'indexes'), models: sketched.folders },
    },
    { log: silentLog, clock: systemClock },
  )
  const url = `${indexer.url}/graphql`
  for (let i = 0; ; i++) {
    const body = JSON.stringify({ query: '{ epochs { nodes { status data { state } } } }' })
    const answer = await (
      await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).text()
    if (answer.includes('"status":"final"') && answer.includes('"state":"present"')) return url
    if (i > 300) throw new Error(`the epoch was not indexed: ${answer}`)
    await new Promise((next) => setTimeout(next, 200))
  }
}

test('an answer under v2 pays what its words, its training and its quotations give, to the wei, and the script without our code agrees', async () => {
  const { receipts, epoch, contributions } = await settle()
  const classes = (['S', 'G', 'R', 'U'] as const).filter((letter) =>
    contributions.some((each) => each.class === entryClasses[letter]),
  )
  expect(classes).toEqual(['S', 'G', 'R', 'U'])
  const ofR = contributions.filter((each) => each.class === entryClasses.R)
  expect(ofR.map(({ id, weight }) => [id, weight])).toEqual([[1n, 100_000n]])
  expect(
    contributions.some((each) => each.class === entryClasses.S && each.id === 2n),
    'a copy earns nothing',
  ).toBe(false)

  // Floors of pool times weight, by the receipts alone.
  const owed = new Map<Hex, bigint>()
  for (const { entries, sums, receipt } of receipts) {
    expect(sums[receiptSumNames.indexOf('fee')]).toBe(receipt.fee)
    for (const { payee, class: kind, weight } of entries) {
      const pool = sums[receiptSumNames.indexOf(poolOf(kind as EntryClass))] ?? 0n
      const amount = (pool * BigInt(weight)) / 1_000_000n
      owed.set(payee.toLowerCase() as Hex, (owed.get(payee.toLowerCase() as Hex) ?? 0n) + amount)
    }
  }
  const { payouts } = decodeEpochFile(epoch.file)
  for (const name of ['alice', 'bob', 'datanet owner'] as const) {
    const actor = chain.actor(name)
    const claim = claimOf(1n, { rows: payouts, tree: payoutTree(payouts) }, actor.address)
    const right = owed.get(actor.address.toLowerCase() as Hex) ?? 0n
    expect(right, name).toBeGreaterThan(0n)
    const { result } = await chain.send(actor, 'RoyaltyVault', 'claim', [claim])
    expect(result, name).toBe(right)
  }
  const found = await recomputePayouts({ graphql: await indexed(), rpc: rpcUrl }, 1_000, 3)
  expect(found.differences).toEqual([])
  expect(found).toMatchObject({ epochs: 1, receipts: 4 })
  expect(found.compared).toBeGreaterThanOrEqual(6)
}, 240_000)

type ShownFigure = { readonly name: string; readonly value: string; readonly formula: string }
type Shown = {
  readonly amount: string
  readonly differences: readonly string[]
  readonly receipts: readonly {
    readonly receipt: string
    readonly entries: readonly { readonly class: string; readonly id: string; readonly weight: string }[]
    readonly words: {
      readonly private?: string
      readonly weights: readonly ShownFigure[]
      readonly spans: readonly { readonly words?: string; readonly earners: readonly string[] | string }[]
      readonly copies?: readonly object[]
      readonly quoted?: readonly { readonly words: string; readonly from: { readonly contribution: string } }[]
      readonly influences: {
        readonly table: string
        readonly query?: string
        readonly scores?: readonly { readonly contribution: string; readonly score: string }[]
      }
      readonly missing?: readonly string[]
    }
  }[]
}

async function explain(payout: string, ...words: readonly string[]) {
  const given = ['explain', '--rpc', rpcUrl, '--content.dir', join(dir, 'content'), '--json', '--payout', payout]
  const { code, stdout, stderr } = await openledgerHere([...given, ...words])
  return { code, stderr, shown: (stdout === '' ? {} : JSON.parse(stdout)) as Shown }
}

describe('explain under v2', () => {
  const indexes = ['--indexes', join(dir, 'indexes')]
  const [answered, plain, hidden] = [['1:0', '1:1'], '1:2', '1:3']
  /** Of S and U, of G, and of R. */
  const poolsOf: Readonly<Record<string, readonly string[]>> = {
    '1:0': ['600000', '300000', '100000'],
    '1:1': ['600000', '300000', '100000'],
    '1:2': ['700000', '300000', '0'],
    '1:3': ['1000000', '0', '0'],
  }
  const weightsOf = (words: Shown['receipts'][number]['words']) =>
    Object.fromEntries(words.weights.map(({ name, value }) => [name, value]))

  test('recomputes every payee’s payout to the wei, with words, influences and quotations behind each weight', async () => {
    const payees = [
      ...(['alice', 'bob', 'datanet owner'] as const).map((name) => chain.actor(name).address),
      poolPayee(payeePools.units, 1n),
    ]
    const [classes, places] = [new Set<string>(), new Set<string>()]
    for (const payee of payees) {
      const { code, shown, stderr } = await explain(`1:${payee}`, ...indexes, '--models', sketched.folders.join(','))
      expect([code, shown.differences], stderr).toEqual([0, []])
      expect(BigInt(shown.amount)).toBeGreaterThan(0n)
      for (const { receipt, entries, words } of shown.receipts) {
        places.add(receipt)
        expect(words.missing).toBeUndefined()
        const right = weightsOf(words)
        for (const { class: letter, id, weight } of entries) {
          classes.add(letter)
          if (!'MWA'.includes(letter)) expect(weight, `${letter} ${id}`).toBe(right[`weight of ${letter} ${id}`])
        }
        expect([right['part of S and U'], right['part of G'], right['part of R']]).toEqual(poolsOf[receipt])
        expect(words.private === undefined).toBe(receipt !== hidden)
        if (answered.includes(receipt)) {
          expect(words.copies).toEqual([{ contribution: '2', of: '1' }])
          expect(words.quoted).toMatchObject([{ from: { contribution: '1' } }])
          expect(passage).toContain(words.quoted?.[0]?.words)
        } else {
          expect([words.spans, words.copies, words.quoted]).toEqual([[], undefined, undefined])
        }
        expect(words.influences.table).toBe(sketched.source.table)
        expect(words.influences.query).toHaveLength(2 + 2 * sketched.source.size)
        for (const { words: said } of words.spans) expect(spanAnswer).toContain(said)
      }
    }
    expect([...classes].sort().join('')).toMatch(/G.*R.*S.*U/)
    expect([...places].sort()).toEqual([...answered, plain, hidden])
  }, 120_000)

  test('names what is not at hand, and computes what can be without it', async () => {
    const alice = `1:${chain.actor('alice').address}`
    const [base = ''] = sketched.folders
    const noTable = await explain(alice, ...indexes, '--models', base)
    expect([noTable.code, noTable.shown.differences]).toEqual([0, []])
    for (const { receipt, words } of noTable.shown.receipts) {
      const names = words.weights.map(({ name }) => name)
      expect(names).toContain(receipt === plain ? 'weight of U 1' : 'weight of S 1')
      if (receipt !== plain) expect(names).toContain('weight of R 1')
      expect(names.filter((name) => /^(weight|part) of G/.test(name))).toEqual([])
      expect(words.missing).toEqual([
        expect.stringMatching(new RegExp(`^INCOMPLETE: the table of influences ${sketched.source.table} is not here`)),
      ])
    }
    const noIndex = await explain(alice, '--models', sketched.folders.join(','))
    expect([noIndex.code, noIndex.shown.differences]).toEqual([0, []])
    for (const { receipt, words } of noIndex.shown.receipts) {
      if (receipt === plain) {
        expect([words.missing, weightsOf(words)['weight of U 1']]).toEqual([undefined, '700000'])
        continue
      }
      expect(words.weights.every(({ name }) => / of G/.test(name))).toBe(true)
      expect(words.weights.length).toBeGreaterThan(1)
      expect(words.missing).toEqual([
        expect.stringMatching(/^INCOMPLETE: the index 0x[0-9a-f]{64} is not in --indexes/),
      ])
    }
    const nothing = await explain(alice)
    expect(nothing.code).toBe(0)
    for (const { receipt, words } of nothing.shown.receipts) {
      if (receipt === plain) continue
      expect(words).toMatch(/^INCOMPLETE: the index .*; the table of influences /)
    }
  }, 120_000)

  test('GraphQL shows the same as the command', async () => {
    const alice = chain.actor('alice').address
    const query = `{ explain(payout: "1:${alice}") { state differences receipts { spans { why rule isPrivate
      figures { name formula recomputed onChain } spans { text earners } copies { contribution of }
      citations { rank text place { contribution } } influences { table model adapter size rowCount queryHash query
      scores { row contribution shift score } } } } } }`
    const headers = { 'content-type': 'application/json' }
    const url = `${indexer?.url}/graphql`
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const { data, errors } = (await answer.json()) as { data: { explain: Told }; errors: unknown }
    expect(errors).toBeUndefined()
    expect(data.explain).toMatchObject({ state: 'COMPLETE', differences: [] })
    const { shown } = await explain(`1:${alice}`, ...indexes, '--models', sketched.folders.join(','))
    expect(data.explain.receipts).toHaveLength(shown.receipts.length)
    for (const [i, { spans }] of data.explain.receipts.entries()) {
      const { words } = shown.receipts[i] as Shown['receipts'][number]
      expect(spans).toMatchObject({ why: null, rule: 2, isPrivate: false, copies: words.copies ?? [] })
      const figures = spans.figures.map(({ name, formula, recomputed }) => ({ name, formula, value: recomputed }))
      expect(figures).toEqual(words.weights)
      expect(spans.figures.every(({ recomputed, onChain }) => recomputed === onChain)).toBe(true)
      expect(spans.spans.map(({ text, earners }) => ({ words: text, earners }))).toEqual(
        words.spans.map((span) => ({ words: span.words, earners: span.earners })),
      )
      expect(spans.citations.map(({ text }) => text)).toEqual((words.quoted ?? []).map((each) => each.words))
      const { model, adapter, table, size, rows } = sketched.source
      expect(spans.influences).toMatchObject({ model, adapter, table, size, rowCount: rows })
      expect(spans.influences.query).toBe(words.influences.query)
      expect(spans.influences.scores.map(({ contribution, score }) => [contribution, score])).toEqual(
        words.influences.scores?.map((each) => [each.contribution, each.score]),
      )
    }
  }, 120_000)

  type Told = {
    readonly receipts: readonly {
      readonly spans: {
        readonly figures: readonly { name: string; formula: string; recomputed: string; onChain: string }[]
        readonly spans: readonly { readonly text: string; readonly earners: readonly string[] }[]
        readonly citations: readonly { readonly text: string }[]
        readonly influences: {
          readonly query: string
          readonly scores: readonly { readonly contribution: string; readonly score: string }[]
        }
      }
    }[]
  }
})
