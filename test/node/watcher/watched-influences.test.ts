import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { influencesOn } from '../../../attribution/combined/attribute-v2.ts'
import {
  decodeParts,
  type EvidenceParts,
  encodeParts,
  encodeScores,
  evidenceHashV2,
} from '../../../attribution/combined/evidence-v2.ts'
import { encodeTable } from '../../../attribution/combined/influence-table.ts'
import type { Contribution } from '../../../attribution/epochs/receipt-entries.ts'
import { SpanThread } from '../../../attribution/indexes/span-thread.ts'
import { InfluenceFiles } from '../../../attribution/influences/influence-files.ts'
import { encodeIndexFile } from '../../../attribution/suffix/index-file.ts'
import { ShownSignatures } from '../../../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../../../chain/indexes/sketch-tables.ts'
import { batchState } from '../../../chain/ledger/batch-state.ts'
import { modelTerms } from '../../../chain/ledger/model-terms.ts'
import { silentLog } from '../../../common/log.ts'
import { openLedgerPredeploys } from '../../../contracts/addresses.ts'
import { entryClasses } from '../../../protocol/attribution-entry.ts'
import { algoHashV2 } from '../../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { modelVersionHash } from '../../../protocol/inference-request.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import {
  type AnswerV2,
  attributedV2,
  contributionsV2,
  type SourcesV2,
} from '../../../worker/attribute/contributions-v2.ts'
import { permissive } from '../../fakes/licences.ts'
import { SketchedModel } from '../../fakes/sketched-model.ts'
import { SpanMarket, spanAnswer, spanTexts } from '../../fakes/span-market.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const window = 30
const day = 86_400
const open = 10n ** 18n
const asked = 'What is said of ships and bread?'
const model1 = modelVersionHash(1n, 1)
const model2 = modelVersionHash(2n, 1)

let world: WatchedChain
let market: SpanMarket
let sketched: SketchedModel
let spans: SpanThread
beforeEach(async () => {
  sketched = new SketchedModel(spanTexts.map(([, text], i) => [BigInt(i + 1), text]))
  world = await WatchedChain.open({ bare: true, models: sketched.folders })
  market = await SpanMarket.open(world.chain, world.chain.rpc)
  mkdirSync(world.indexes.dir, { recursive: true })
  writeFileSync(world.indexes.path(market.index.id), encodeIndexFile(market.index))
  spans = new SpanThread(world.indexes.dir, [...sketched.folders, join(sketched.dir, 'fetched')])
  await world.chain.deposit(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHashV2])
  const owner = world.chain.actor('model owner')
  for (const model of [model1, model2]) {
    const args = [model, sketched.adapter, sketched.registered, [{ datanet: 1n, version: 1 }]]
    await world.chain.send(owner, 'SketchRegistry', 'register', args, { value: 100n * open })
  }
  await world.pass(day)
}, 60_000)
afterEach(async () => {
  await spans.close()
  await world.close()
  sketched.close()
}, 60_000)

/** What a worker has, with the tables that lie in its folders when it is opened. */
function worker(urls: readonly string[] = []): SourcesV2 & { readonly influences: InfluenceFiles } {
  const { rpc } = world.chain
  const dir = join(sketched.dir, 'fetched')
  const influences = new InfluenceFiles({ folders: sketched.folders, dir, urls, log: silentLog })
  const onChain = { signatures: new ShownSignatures(rpc), tables: new SketchTables(rpc) }
  return { ...onChain, indexes: world.indexes, influences, spans }
}

function answerOf(text: string, modelVersion = model1): AnswerV2 {
  const [prompt, output] = [asked, text].map((each) => Uint32Array.from(market.tokenizer.encode(each)))
  const request = { modelVersion, adapters: [{ root: sketched.adapter, weight: 256 }] }
  return { request, prompt: prompt as Uint32Array, output: output as Uint32Array, isDead: false, time: world.chain.now }
}

async function termsOf(modelVersion = model1) {
  const terms = await modelTerms(world.chain.rpc, modelVersion)
  if (terms === undefined) throw new Error('no such model')
  return terms
}

type Given = { text: string; contributions: readonly Contribution[]; model?: 1 | 2; adapter?: Hex | undefined }

/** Answers of the adapter, where nothing else is said. */
async function settle(given: readonly Given[]) {
  const answers = given.map(({ model = 1, ...each }) => {
    const { adapter, ...answer } = { adapter: sketched.adapter, ...each, model, prompt: asked }
    return adapter === undefined ? answer : { ...answer, adapter }
  })
  const settled = await market.settle(answers, algoHashV2)
  world.publish(settled.file)
  await world.settle()
  return settled.batchId
}

/** Evidence that the worker made up, and entries by it. */
async function told(text: string, change: (parts: EvidenceParts) => Partial<EvidenceParts>) {
  const honest = await attributedV2(await termsOf(), answerOf(text), worker())
  if (honest === undefined) throw new Error('nothing is attributed')
  const { parts: right, shares } = { shares: honest.shares, parts: decodeParts(honest.evidence) }
  const parts = { ...right, ...change(right) }
  const evidenceHash = evidenceHashV2(parts)
  const contributions = shares.map(
    ({ class: letter, id, weight }): Contribution => ({
      ...{ class: entryClasses[letter], id, weight: BigInt(weight), evidenceHash },
    }),
  )
  return { text, contributions, parts }
}

async function show(batchId: bigint, index: number, parts: EvidenceParts): Promise<void> {
  const state = batchState(world.book, batchId)
  if (state === undefined) throw new Error('no batch')
  const shown = [bytesToHex(batchHash(state.header)), index, bytesToHex(encodeParts(parts))]
  await world.chain.send(world.chain.actor('worker'), 'EvidenceDemands', 'serveEvidence', shown)
}

async function passWindow(): Promise<void> {
  const end = world.chain.now + BigInt(window)
  while (world.chain.now < end) {
    await world.settle()
    await world.pass(4)
  }
  await world.settle()
}

async function voided(batchId: bigint) {
  await world.follow()
  return batchState(world.book, batchId)?.voided
}

const names = () => world.sender.sent.map(({ functionName }) => functionName)

/** A node that serves the table. */
async function serveTable(): Promise<Server> {
  const server = createServer((request, response) => {
    const isTable = request.url === `/content/${sketched.source.table}`
    response.writeHead(isTable ? 200 : 404).end(isTable ? encodeTable(sketched.table) : undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

test('an answer waits until a node gave the table of influences, then owes its trainers 30 %, and the watcher finds it right', async () => {
  const server = await serveTable()
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const sources = worker([url])
    const early = await contributionsV2(await termsOf(), answerOf(spanAnswer), sources).catch((error: unknown) => error)
    expect(early).toMatchObject({ code: 'unknown-model', message: expect.stringContaining('table of influences') })
    await sources.influences.settle()
    const contributions = await contributionsV2(await termsOf(), answerOf(spanAnswer), sources)
    const ofClass = (letter: 'S' | 'G' | 'U') =>
      contributions.filter((each) => each.class === entryClasses[letter]).reduce((sum, { weight }) => sum + weight, 0n)
    expect([ofClass('G'), ofClass('S') + ofClass('U')]).toEqual([300_000n, 700_000n])
    expect(ofClass('S')).toBeGreaterThan(0n)
    const bare = await contributionsV2(await termsOf(model2), answerOf(spanAnswer, model2), sources)
    expect(bare.map(({ class: kind }) => kind)).toContain(entryClasses.G)
    const answers = [
      { text: spanAnswer, contributions },
      { text: spanAnswer, contributions: bare, model: 2 as const },
    ]
    const id = await settle(answers)
    const unattributed = () => world.messages('warn').filter((line) => line.includes('not attributed')).length
    expect(unattributed(), 'the watcher has no table yet').toBe(1)
    world.peers.push(url)
    await passWindow()
    expect(names()).toEqual([])
    expect(await voided(id)).toEqual([])
    expect(world.lines.at(-1)?.message).not.toContain('wrong')
    expect(unattributed()).toBe(1)
  } finally {
    server.close()
  }
}, 120_000)

test('influences that are made up are void: another score, a row left out, the query left out, an entry given to units', async () => {
  sketched.giveTable()
  const text = `${spanAnswer} So they say.`
  const query = (parts: EvidenceParts) => new Int8Array(parts.query)
  const lies = [
    await told(spanAnswer, (parts) => {
      const scores = influencesOn(sketched.table.rows, query(parts))
      return { scores: encodeScores(scores.map((each) => ({ ...each, score: each.score + 1n }))) }
    }),
    await told(text, () => ({ scores: new Uint8Array() })),
    await told(spanAnswer, () => ({ query: new Uint8Array(), scores: new Uint8Array() })),
  ]
  const units: Contribution = {
    class: entryClasses.U,
    id: 1n,
    weight: 1_000_000n,
    evidenceHash: `0x${'00'.repeat(32)}`,
  }
  const bare = await contributionsV2(await termsOf(model2), answerOf(text, model2), worker())
  const left = bare.find((each) => each.class === entryClasses.G)
  if (left === undefined) throw new Error('nothing influenced it')
  const kept = bare.flatMap((each) => {
    if (each === left) return []
    return each.class === entryClasses.U ? [{ ...each, weight: each.weight + left.weight }] : [each]
  })
  const ofBare = [[units], kept].map((contributions) => ({ text, contributions, model: 2 as const }))
  const owner = world.chain.actor('datanet owner')
  await world.chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, zeroHash, 0n, zeroHash])
  const ofAnother = { text, contributions: [{ ...units, id: 2n }], model: 2 as const, adapter: undefined }
  const honest = { ...ofAnother, contributions: [units] }
  const id = await settle([...lies, ...ofBare, ofAnother, honest])
  const asked = ['requestEvidence', 'requestEvidence', 'requestEvidence']
  expect(names().sort()).toEqual(['badSketchForm', 'badUnitWeight', 'badUnitWeight', ...asked])
  for (const [index, { parts }] of lies.entries()) await show(id, index, parts)
  await passWindow()
  expect(names().slice(6).sort()).toEqual(['badSketchForm', 'badSketchScore', 'omittedScore'])
  expect(await voided(id)).toEqual([0, 1, 2, 3, 4, 5])
}, 120_000)

test('a query that is another answer’s is put before the checkers, once', async () => {
  sketched.giveTable()
  const other = await attributedV2(await termsOf(), answerOf('Bread rises twice.'), worker())
  if (other === undefined) throw new Error('nothing is attributed')
  const { query, scores } = decodeParts(other.evidence)
  const lie = await told(spanAnswer, () => ({ query, scores }))
  const shares = lie.contributions.filter((each) => each.class !== entryClasses.G)
  const influences = other.shares.filter((each) => each.class === 'G')
  const [{ evidenceHash }] = shares as [Contribution]
  const ofG = influences.map(({ id, weight }) => ({ class: entryClasses.G, id, weight: BigInt(weight), evidenceHash }))
  const contributions = [...shares, ...ofG].sort((a, b) => a.class - b.class)
  const id = await settle([{ text: spanAnswer, contributions }])
  await show(id, 0, lie.parts)
  await passWindow()
  expect(names()).toEqual(['requestEvidence', 'questionQuery'])
  expect(world.book.events('CaseOpened').map(({ args }) => Number(args['kind']))).toEqual([1])
}, 120_000)
