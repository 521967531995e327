import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answerOfBatch } from '../../../attribution/epochs/answer.ts'
import { decodeBatchFile } from '../../../attribution/epochs/batch-file.ts'
import { OpenBatch } from '../../../attribution/epochs/batch-trees.ts'
import type { Contribution } from '../../../attribution/epochs/receipt-entries.ts'
import { IndexFolder } from '../../../attribution/indexes/index-folder.ts'
import { SpanJobs } from '../../../attribution/indexes/span-jobs.ts'
import { GradientFolders } from '../../../attribution/influences/gradient-folders.ts'
import { QueryMaker } from '../../../attribution/influences/query-maker.ts'
import { recordOf } from '../../../attribution/suffix/build-index.ts'
import { evidenceHash } from '../../../attribution/suffix/evidence.ts'
import { encodeIndexFile } from '../../../attribution/suffix/index-file.ts'
import { SuffixIndex } from '../../../attribution/suffix/suffix-index.ts'
import { entriesTable } from '../../../attribution/suffix/table.ts'
import { publishedIndex } from '../../../chain/indexes/published-index.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { Content, contentHashOf } from '../../../chain/ledger/content.ts'
import { openDemands } from '../../../chain/ledger/demand-state.ts'
import { systemClock } from '../../../common/clock.ts'
import { ContentPeers } from '../../../common/content-peers.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog } from '../../../common/log.ts'
import { decodeModel } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { contentRoutes } from '../../../node/rpc/content-routes.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import { fileWith, receiptsOf } from '../../fakes/file-batch.ts'
import { Random } from '../../fakes/random.ts'
import { type SpanLie, spanLies } from '../../fakes/span-lies.ts'
import { SpanMarket } from '../../fakes/span-market.ts'
import { honestReceipt, type SpanReceipt } from '../../fakes/span-receipt.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const window = 30
const texts = [
  ['alice', 'A lighthouse keeper counts the ships at dusk and writes their names in a green book.'],
  ['bob', 'Nobody reads the green book but the gulls; she writes their names in a green book all the same.'],
  ['datanet owner', 'Bread rises twice: once in the bowl under a cloth, once in the tin before the oven.'],
  ['bob', 'The oven of the island is lit at dusk, when a lighthouse keeper counts the ships and the loaves.'],
] as const
const answer =
  'It is said that he writes their names in a green book, and bread, we hear, is made once in the bowl under a cloth, ' +
  'while a lighthouse keeper counts the ships in vain. '

let world: WatchedChain
let market: SpanMarket
const hookMs = 60_000
beforeEach(async () => {
  world = await WatchedChain.open({ bare: true })
  market = await SpanMarket.open(world.chain, world.chain.rpc, texts)
  putContents()
  mkdirSync(world.indexes.dir, { recursive: true })
  writeFileSync(world.indexes.path(market.index.id), encodeIndexFile(market.index))
}, hookMs)
afterEach(() => world.close(), hookMs)

/** What the watcher makes the index of. */
function putContents(): void {
  const items = texts.map(([, text], i) => [BigInt(i + 1), world.content.put(new TextEncoder().encode(text))] as const)
  world.content.putRecords(
    concatBytes(...items.map(([id, hash]) => concatBytes(uintBytes(id, 8), hexToBytes(hash)))),
    40,
  )
  world.content.put(decodeModel(readFileSync(baseModelFile)).tokenizer)
}

/** The entries that a receipt says, as a worker has them. */
function contributionsOf({ entries }: SpanReceipt): Contribution[] {
  return entries
    .map(({ class: kind, id, weight, evidenceHash: hash }) => ({
      class: kind,
      id,
      weight: BigInt(weight),
      evidenceHash: hash,
    }))
    .toSorted((a, b) => a.class - b.class || (a.id < b.id ? -1 : 1))
}

function honest(text: string): SpanReceipt {
  return honestReceipt([market.index], Uint32Array.from(market.tokenizer.encode(text)))
}

/** The first way, over seeds, in which the lie can be told about a text. */
function lying(lie: SpanLie, text: string): SpanReceipt {
  for (let seed = 1; seed < 60; seed++) {
    const receipt = honest(text)
    if (lie.apply(receipt, new Random(seed))) return receipt
  }
  throw new Error(`no place for ${lie.name}`)
}

async function state(batchId: bigint) {
  await world.follow()
  const found = batchState(world.book, batchId)
  if (found === undefined) throw new Error(`no batch ${batchId}`)
  return found
}

/** Settles receipts of the model with the index, one an answer, and lets the watcher have the file. */
async function settle(answers: readonly { readonly text: string; readonly receipt?: SpanReceipt }[]): Promise<bigint> {
  const settled = await market.settle(
    answers.map(({ text, receipt }) => ({
      ...{ text, model: 1 },
      ...(receipt === undefined ? {} : { contributions: contributionsOf(receipt) }),
    })),
  )
  world.publish(settled.file)
  return settled.batchId
}

/** The worker shows what is asked for, as far as it has it. */
async function serve(batchId: bigint, evidence: readonly Uint8Array[]): Promise<number> {
  const { header } = await state(batchId)
  let served = 0
  for (const { args } of world.book.events('EvidenceRequested')) {
    const index = evidence.findIndex((each) => evidenceHash(each) === args['evidenceHash'])
    if (index < 0 || world.book.lastEvent('EvidenceServed', args['demandId'] as Hex) !== undefined) continue
    const shown = [bytesToHex(batchHash(header)), index, bytesToHex(evidence[index] ?? new Uint8Array())]
    await world.chain.send(world.chain.actor('worker'), 'EvidenceDemands', 'serveEvidence', shown)
    served++
  }
  return served
}

async function passWindow(): Promise<void> {
  const end = world.chain.now + BigInt(window)
  while (world.chain.now < end) {
    await world.settle()
    await world.pass(4)
  }
  await world.settle()
}

const names = () => world.sender.sent.map(({ functionName }) => functionName)
// No registry knows such a contribution, so that its entry has no payee.
const lies = spanLies.filter(({ name }) => name !== 'an entry for a contribution that has no span')
/** As many at once as a worker can show evidence of in time, a transaction a block. */
const lots = [lies.filter((_, i) => i % 2 === 0), lies.filter((_, i) => i % 2 === 1)]

describe('a watcher with the indexes', { timeout: 120_000 }, () => {
  test('leaves answers alone whose entries are what their output makes', async () => {
    const id = await settle([
      { text: answer },
      { text: 'Nobody said anything of the kind.' },
      { text: answer.slice(40) },
    ])
    await passWindow()
    expect(names()).toEqual([])
    expect((await state(id)).voided).toEqual([])
    expect(world.messages('warn')).toEqual([])
    expect(world.messages('info').toSorted()).toEqual(['a batch is right', 'an index is right'])
  })

  test.each(lots)('has every kind of lie voided once its evidence is shown, and no honest answer', async (...lot) => {
    // Each of another output, so that each has evidence of its own.
    const told = lot.map((lie, i) => ({ text: `${answer} ${i}`, receipt: lying(lie, `${answer} ${i}`) }))
    const id = await settle([...told, { text: answer }])
    await world.settle()
    await serve(
      id,
      told.map(({ receipt }) => receipt.evidence),
    )
    await passWindow()
    expect((await state(id)).voided).toEqual(told.map((_, i) => i))
    const challenges = names().filter((name) => name !== 'requestEvidence')
    expect(challenges.toSorted()).toEqual(lot.map(({ challenge }) => challenge).toSorted())
  })

  test('has an answer voided whose evidence nobody shows', async () => {
    const [lie] = lies
    if (lie === undefined) throw new Error('no lies')
    const id = await settle([{ text: answer, receipt: lying(lie, answer) }, { text: answer }])
    await passWindow()
    expect(names().toSorted()).toEqual(['evidenceMissing', 'requestEvidence', 'returnPrepaid'])
    expect((await state(id)).voided).toEqual([0])
  })

  test('an output that nobody published is asked for, and then attributed', async () => {
    const text = 'A lighthouse keeper counts the ships'
    const units = honestReceipt([market.index], new Uint32Array())
    const answers = [{ text, model: 1 as const, contributions: contributionsOf(units) }]
    const { batchId: id, file } = await market.settle(answers)
    // What the worker hands out has no tokens; what it keeps has.
    world.files.set(
      contentHash(file),
      fileWith(file, (one) => ({ ...one, output: new Uint32Array() })),
    )
    await world.settle()
    for (const { demand } of openDemands(world.book)) {
      const call = answerOfBatch(demand, (await state(id)).header, file)
      if (call === undefined) throw new Error('the file has not what is asked for')
      await world.chain.send(world.chain.actor('worker'), 'AttributionLedger', call.functionName, call.args)
    }
    await world.settle()
    await serve(id, [units.evidence])
    await passWindow()
    expect(names()).toEqual(['requestOutput', 'requestEvidence', 'badSpanForm'])
    expect((await state(id)).voided).toEqual([0])
  })

  test('a receipt that cannot be judged, or states entries without end, keeps no other from it', async () => {
    const { file } = await market.settle([
      { text: answer, model: 1 },
      { text: answer, model: 2 },
      { text: answer, model: 2 },
    ])
    const endless = fileWith(file, (one, i) =>
      i === 2 ? { ...one, receipt: { ...one.receipt, attrEntries: 2 ** 32 - 1 } } : one,
    )
    const { header, segments } = await state(1n)
    const receiptRoot = bytesToHex(new OpenBatch(header, decodeBatchFile(endless)).treeWith().root)
    const batch = { header: { ...header, receiptRoot }, segments, data: { file: endless } }
    const [indexed, bare] = receiptsOf(file).map(({ request }) => request.modelVersion)
    const trainedOn = [{ datanet: 1n, version: 1, weightBps: 10_000 }]
    const sets = new Map([
      [indexed ?? zeroHash, { ids: [market.index.id], trainedOn, isDead: false }],
      [bare ?? zeroHash, { ids: [], trainedOn, isDead: false }],
    ])
    const question = { batch, chainId: 901n, sets, signatures: new Map(), sketched: new Map(), shown: new Map() }
    writeFileSync(world.indexes.path(market.index.id), encodeIndexFile(market.index).subarray(0, 5_000))
    const jobs = new SpanJobs(new IndexFolder(world.indexes.dir), new QueryMaker(new GradientFolders([])))
    const { findings, right, unknown, failed } = jobs.judge(question)
    expect({ findings, right, unknown, failed: [...failed.keys()] }).toEqual({
      ...{ findings: [], right: 1, unknown: 2 },
      failed: [0],
    })
  })

  test('an answer stays owed what it is where texts, Datanet and index are withdrawn while it is settled', async () => {
    const { chain, index } = market
    await chain.send(chain.actor('alice'), 'DatanetRegistry', 'withdrawConsent', [1n])
    await chain.send(chain.actor('datanet owner'), 'DatanetRegistry', 'setStatus', [1n, 4])
    await chain.send(chain.actor('model owner'), 'IndexRegistry', 'retire', [index.id])
    const id = await settle([{ text: answer }])
    await passWindow()
    expect(names()).toEqual([])
    expect((await state(id)).voided).toEqual([])
  })
})

describe('an index that its publisher retires', { timeout: 120_000 }, () => {
  const day = 86_400
  const retire = async () => {
    const { chain, index } = market
    await world.settle()
    await chain.send(chain.actor('model owner'), 'IndexRegistry', 'retire', [index.id])
  }
  const takeOver = async () => {
    const { chain, index } = market
    const call = [index.record]
    await chain.send(chain.actor('bob'), 'IndexRegistry', 'publish', call, { value: 100n * 10n ** 18n })
  }

  test('is told of once before it dies, counts for nothing in batches of the time that it was dead, also once it is back, and counts in those behind', async () => {
    await retire()
    for (let i = 0; i < 2; i++) await world.settle()
    expect(world.messages('warn').filter((message) => message.includes('is retired'))).toHaveLength(1)
    world.chain.advance(30 * day)
    const { chain } = market
    const price = [1n, 1, 0, 3n * 10n ** 15n, 6n * 10n ** 15n, chain.now + BigInt(20 * day)]
    await chain.send(chain.actor('model owner'), 'ModelRegistry', 'setPrice', price)
    market.priceVersion = 2
    const units = market.contributions(new Uint32Array())
    const batches = async () => {
      const lists = [units, market.contributions(market.tokensOf(answer))]
      const settled = await market.settle(lists.map((contributions) => ({ text: answer, model: 1, contributions })))
      world.publish(settled.file)
      return settled.batchId
    }
    const dead = await batches()
    await takeOver()
    const known = await publishedIndex(world.chain.rpc, market.index.id)
    expect([known?.publisher.toLowerCase(), known?.lapses.length]).toEqual([chain.actor('bob').address, 1])
    await passWindow()
    expect((await state(dead)).voided, 'the words count that did not').toEqual([1])
    await world.pass(8 * day)
    await chain.send(chain.actor('worker'), 'WorkerRegistry', 'unjail', [])
    const back = await batches()
    await passWindow()
    expect((await state(back)).voided, 'the words do not count that do').toEqual([0])
  })
})

describe('an index that is false', { timeout: 120_000 }, () => {
  let server: RpcServer
  let lying: SpanMarket

  /** The model pins an index that counts a token once that never stands, and a peer serves it. */
  beforeEach(async () => {
    await world.close()
    world = await WatchedChain.open({ bare: true })
    lying = await SpanMarket.open(world.chain, world.chain.rpc, texts, ({ record, tables }, tokenLengths) => {
      const unigrams = tables.unigrams.slice()
      unigrams[unigrams.indexOf(0)] = 1
      const wrong = { ...tables, unigrams }
      const hashed = { tokens: entriesTable(tables.tokens), suffixes: entriesTable(tables.suffixes) }
      return new SuffixIndex(recordOf(wrong, hashed, { ...record, tokenLengths }), wrong, 64)
    })
    putContents()
    const folder = new IndexFolder(join(world.indexes.dir, 'of-a-peer'))
    mkdirSync(folder.dir, { recursive: true })
    writeFileSync(folder.path(lying.index.id), encodeIndexFile(lying.index))
    const content = new Content(
      world.content,
      new ContentPeers({ urls: [], timeoutMs: 1_000 }, contentHashOf),
      systemClock,
    )
    const routes = contentRoutes({ content, indexes: folder, isNamed: () => false, namedByRequest: () => undefined })
    server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: {}, log: silentLog, ...routes })
    world.peers.push(`http://127.0.0.1:${await server.start()}`)
  }, hookMs)
  afterEach(() => server.stop())

  test('is proven so by itself; what was committed before stays, what comes a day later is for the units', async () => {
    market = lying
    const { index } = market
    const before = await settle([{ text: answer }])
    await passWindow()
    expect(names()).toEqual(['badUnigram'])
    expect(await publishedIndex(world.chain.rpc, index.id)).toMatchObject({ isFalse: true, bond: 0n })
    expect((await state(before)).voided).toEqual([])
    for (let i = 0; i < 52; i++) await world.pass(2)
    await world.settle()
    expect(world.sender.sent.at(-1)).toMatchObject({ contract: 'IndexRegistry', functionName: 'payReward' })

    await world.pass(86_400)
    const [asBefore, units] = [honest(answer), honestReceipt([index], new Uint32Array())]
    const after = await settle([
      { text: answer, receipt: asBefore },
      { text: answer, receipt: units },
    ])
    await world.settle()
    expect(await serve(after, [asBefore.evidence])).toBe(1)
    await passWindow()
    expect(names().slice(2)).toEqual(['requestEvidence', 'badSpanForm'])
    expect((await state(after)).voided).toEqual([0])
  })
})
