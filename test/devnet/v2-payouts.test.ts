import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
import { type EntryClass, entryClasses, poolOf } from '../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { recomputePayouts } from '../../scripts/recompute-payouts.ts'
import { contributionsV2 } from '../../worker/attribute/contributions-v2.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'
import { clocks } from '../fakes/money-chain.ts'
import { settleFirstEpoch } from '../fakes/settled-epoch.ts'
import { SketchedModel } from '../fakes/sketched-model.ts'
import { SpanMarket, spanAnswer } from '../fakes/span-market.ts'

const dir = mkdtempSync(join(tmpdir(), 'v2-payouts-'))
const day = 86_400n
const open = 10n ** 18n
const modelVersion = modelVersionHash(1n, 1)
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
  const names = ['eth_chainId', 'eth_getBlockByNumber', 'eth_getBlockReceipts', 'eth_getBalance', 'eth_call']
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

/** A chain under v2: signatures of all texts, a table of influences, and an answer as a worker attributes it. */
async function settle() {
  const market = await SpanMarket.open(chain, chain.rpc, texts)
  await chain.deposit(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHashV2])
  for (const [i, [, text]] of texts.entries()) await market.show(BigInt(i + 1), text)
  const owner = chain.actor('model owner')
  const args = [modelVersion, sketched.adapter, sketched.registered]
  await chain.send(owner, 'SketchRegistry', 'register', args, { value: 100n * open })
  chain.advance(day)
  await chain.mine()
  const indexes = new IndexFolder(join(dir, 'indexes'))
  mkdirSync(indexes.dir)
  writeFileSync(indexes.path(market.index.id), encodeIndexFile(market.index))
  spans = new SpanThread(indexes.dir, sketched.folders)
  const [prompt, output] = [passage, spanAnswer].map((text) => Uint32Array.from(market.tokenizer.encode(text)))
  const terms = await modelTerms(chain.rpc, modelVersion)
  if (terms === undefined || prompt === undefined || output === undefined) throw new Error('no such model')
  const request = { modelVersion, adapters: [{ root: sketched.adapter, weight: 256 }] }
  const contributions = await contributionsV2(
    terms,
    { request, prompt, output, isDead: false, time: chain.now },
    {
      ...{ indexes, spans, signatures: new ShownSignatures(chain.rpc), tables: new SketchTables(chain.rpc) },
      influences: new InfluenceFiles({
        ...{ folders: sketched.folders, dir: join(dir, 'fetched'), urls: [], log: silentLog },
      }),
    },
  )
  const answer = { text: spanAnswer, model: 1 as const, contributions, prompt: passage, adapter: sketched.adapter }
  const { batchId, file, receipts } = await market.settle([answer, { ...answer }], algoHashV2)
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
    { dataDir: join(dir, 'index'), l2Url: rpcUrl, contentDir: join(dir, 'content'), host: '127.0.0.1', port: 0 },
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
  expect(found).toMatchObject({ epochs: 1, receipts: 2 })
  expect(found.compared).toBeGreaterThanOrEqual(6)
}, 240_000)
