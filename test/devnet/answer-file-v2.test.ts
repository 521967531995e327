import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnswerFileError } from '../../attribution/answer-file/answer-error.ts'
import { verifyAnswer } from '../../attribution/answer-file/verify-answer.ts'
import { unitsOf } from '../../attribution/epochs/receipt-entries.ts'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import { SpanThread } from '../../attribution/indexes/span-thread.ts'
import { InfluenceFiles } from '../../attribution/influences/influence-files.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import { ShownSignatures } from '../../chain/indexes/shown-signatures.ts'
import { SketchTables } from '../../chain/indexes/sketch-tables.ts'
import { modelTerms } from '../../chain/ledger/model-terms.ts'
import { ContentStore } from '../../common/content-store.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { algoHashV2 } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { contributionsV2, type SourcesV2 } from '../../worker/attribute/contributions-v2.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'
import { openledgerHere } from '../fakes/money-cli.ts'
import { OutputL1 } from '../fakes/output-l1.ts'
import { Random } from '../fakes/random.ts'
import { SketchedModel } from '../fakes/sketched-model.ts'
import { SpanMarket, spanAnswer } from '../fakes/span-market.ts'

/** Changed bytes tried of each file. */
const flips = Number(process.env['OPENLEDGER_FUZZ'] ?? 56)

const dir = mkdtempSync(join(tmpdir(), 'answer-file-v2-'))
const day = 86_400n
const open = 10n ** 18n
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
let l1: OutputL1
let l1Url: string
let sketched: SketchedModel
let spans: SpanThread

beforeAll(async () => {
  sketched = new SketchedModel(texts.map(([, text], i) => [BigInt(i + 1), text]))
  sketched.giveTable()
  chain = await LedgerChain.open()
  const names = [
    'eth_chainId',
    'eth_getBlockByNumber',
    'eth_getLogs',
    'eth_call',
    'eth_getProof',
    'eth_getTransactionByHash',
    'eth_getTransactionReceipt',
    'eth_blockNumber',
  ]
  const methods = Object.fromEntries(
    names.map((name) => [name, (params: readonly unknown[]) => chain.rpc.request(name, params)]),
  )
  rpc = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log: silentLog })
  rpcUrl = `http://127.0.0.1:${await rpc.start()}`
  await settle()
  l1 = await OutputL1.of(chain)
  l1Url = await l1.serve()
  for (const [index, name] of answerNames.entries()) {
    const ran = await exported(index, name)
    expect(ran, ran.stderr).toMatchObject({ code: 0, stderr: '' })
  }
}, 300_000)

afterAll(async () => {
  await spans?.close()
  await l1?.close()
  await rpc?.stop()
  await chain?.close()
  sketched?.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Receipts of the batch, in order. */
const answerNames = ['all', 'no-index', 'no-table', 'units', 'private'] as const

/** A chain under v2: signatures of all texts, tables of influences, and answers as a worker attributes them. */
async function settle(): Promise<void> {
  const market = await SpanMarket.open(chain, chain.rpc, texts)
  await chain.deposit(openLedgerPredeploys.moneyTimelock, 'AttributionLedger', 'setAlgo', [algoHashV2])
  for (const [i, [, text]] of texts.entries()) await market.show(BigInt(i + 1), text)
  const owner = chain.actor('model owner')
  for (const model of [1n, 2n]) {
    const args = [modelVersionHash(model, 1), sketched.adapter, sketched.registered, [{ datanet: 1n, version: 1 }]]
    await chain.send(owner, 'SketchRegistry', 'register', args, { value: 100n * open })
  }
  chain.advance(day)
  await chain.mine()
  const indexes = new IndexFolder(join(dir, 'indexes'))
  mkdirSync(indexes.dir)
  writeFileSync(indexes.path(market.index.id), encodeIndexFile(market.index))
  spans = new SpanThread(indexes.dir, sketched.folders)
  const parts = { folders: sketched.folders, dir: join(dir, 'fetched'), urls: [], log: silentLog }
  const sources: SourcesV2 = {
    ...{ indexes, spans, signatures: new ShownSignatures(chain.rpc), tables: new SketchTables(chain.rpc) },
    influences: new InfluenceFiles(parts),
  }
  const contributionsOf = async (model: 1 | 2, adapter?: Hex, isPrivate?: boolean) => {
    const [prompt, output] = [passage, spanAnswer].map((text) => market.tokensOf(text, isPrivate))
    const modelVersion = modelVersionHash(BigInt(model), 1)
    const terms = await modelTerms(chain.rpc, modelVersion)
    if (terms === undefined || prompt === undefined || output === undefined) throw new Error('no such model')
    const adapters = adapter === undefined ? [] : [{ root: adapter, weight: 256 }]
    const request = { modelVersion, adapters }
    return await contributionsV2(terms, { request, prompt, output, isDead: false, time: chain.now }, sources)
  }
  const answer = async (model: 1 | 2, adapter?: Hex) => ({
    ...{ text: spanAnswer, model, prompt: passage, contributions: await contributionsOf(model, adapter) },
    ...(adapter && { adapter }),
  })
  const answers = [await answer(1, sketched.adapter), await answer(2, sketched.adapter), await answer(1)]
  const units = { text: spanAnswer, model: 2 as const, prompt: passage, contributions: [unitsOf(1n)] }
  const secret = { contributions: await contributionsOf(1, sketched.adapter, true), isPrivate: true }
  const sealed = { text: spanAnswer, model: 1 as const, prompt: passage, adapter: sketched.adapter, ...secret }
  const { file } = await market.settle([...answers, units, sealed], algoHashV2)
  new ContentStore(join(dir, 'content'), merkleRoot).put(file)
}

const path = (name: string) => join(dir, `${name}.answer`)
const exported = (index: number, name: string, models = sketched.folders.join()) =>
  openledgerHere([
    ...['answer', 'export', '--receipt', `1:${index}`, '--out', path(name), '--l1', l1Url, '--oracle', l1.oracle],
    ...['--rpc', rpcUrl, '--content.dir', join(dir, 'content'), '--indexes', join(dir, 'indexes'), '--json'],
    ...['--models', models],
  ])
const bytesOf = (name: string) => new Uint8Array(readFileSync(path(name)))

type Shown = {
  readonly prompt: string
  readonly answer: string
  readonly rule: string
  readonly matched: string
  readonly quotations: readonly { readonly contribution: string }[]
  readonly influences: string | { readonly table: Hex; readonly adapter: Hex; readonly products: readonly unknown[] }
  readonly entries: readonly { readonly class: string; readonly id: string; readonly weight: string }[]
  readonly shown: readonly string[]
  readonly notShown: readonly { readonly statement: string; readonly restsOn: string }[]
}

async function verified(name: string, ...more: readonly string[]): Promise<Shown> {
  const { code, stdout, stderr } = await openledgerHere([
    ...['answer', 'verify', path(name), '--json', '--l1-hash', l1.hash, '--oracle', l1.oracle, ...more],
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Shown
}

describe('answer files under algoHash v2, over the contracts', () => {
  test('words, near-duplicates, quotations, training and units are verified without the chain', async () => {
    const { prompt, answer, rule, entries, quotations, influences, notShown } = await verified('all')
    expect({ prompt, answer, rule }).toEqual({ prompt: passage, answer: spanAnswer, rule: 'algoHash v2' })
    const own = entries.filter((entry) => 'SGRU'.includes(entry.class))
    expect(new Set(own.map((entry) => entry.class))).toEqual(new Set(['S', 'G', 'R', 'U']))
    expect(
      own.some((entry) => entry.class === 'S' && entry.id === '2'),
      'a copy earns nothing',
    ).toBe(false)
    expect(quotations.map(({ contribution }) => contribution)).toEqual(['1'])
    expect(influences).toMatchObject({ table: sketched.registered.root, adapter: sketched.adapter })
    expect(notShown.map(({ restsOn }) => restsOn).filter((each) => each.includes('questionQuery'))).toHaveLength(1)
  })

  test('class G of a model without indexes, answers without a table in force and units alone are verified too', async () => {
    const ofG = await verified('no-index')
    expect(ofG.matched).toBe('no index')
    expect(new Set(ofG.entries.map((entry) => entry.class))).toEqual(new Set(['M', 'W', 'G', 'U']))
    const ofWords = await verified('no-table')
    expect(ofWords.influences).toBe('no table of influences was in force')
    expect(ofWords.entries.some((entry) => entry.class === 'G')).toBe(false)
    const units = await verified('units')
    expect(units.entries.map((entry) => entry.class)).toEqual(['M', 'W', 'U'])
  })

  test('of a private request a file shows that all is owed to units, and that the query is zeros as it must be', async () => {
    const { answer, entries, matched, influences, shown, notShown } = await verified('private')
    expect(answer).toBe('sealed: a private request')
    expect(matched).toMatch(/^0 spans shown of [1-9]\d* tokens$/)
    expect(entries.map((entry) => entry.class)).toEqual(['M', 'W', 'U'])
    expect(influences).toMatchObject({ products: [] })
    expect(shown.filter((each) => each.startsWith('the query is zeros'))).toHaveLength(1)
    expect(notShown.some(({ restsOn }) => restsOn.includes('questionQuery'))).toBe(false)
  })

  test('who has indexes, model, adapter and table computes again what the file cannot show, and is told where one is not there', async () => {
    const [indexes, models] = [join(dir, 'indexes'), sketched.folders.join()]
    const alone = await verified('all')
    const all = await verified('all', '--indexes', indexes, '--models', models)
    const statements = ({ notShown }: Shown) => notShown.map(({ statement }) => statement)
    const shownNow = statements(alone).filter((each) => !statements(all).includes(each))
    expect(shownNow).toHaveLength(4)
    expect(all.shown).toEqual(expect.arrayContaining(shownNow))
    for (const [flag, folder] of [
      ['--indexes', dirname(baseModelFile)],
      ['--models', indexes],
    ] as const) {
      const ran = await openledgerHere(['answer', 'verify', path('all'), flag, folder])
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining(flag) })
    }
  })

  test('a file is not written where the adapter, the table or the model is not there, and says what to look at', async () => {
    const ran = await exported(0, 'none', dirname(baseModelFile))
    expect(ran.code).not.toBe(0)
    expect(ran.stderr).toMatch(/INCOMPLETE: .*--models/)
  })

  test.each(answerNames)('%s: any changed byte and any other length is refused by a named error', (name) => {
    const right = bytesOf(name)
    const trust = { l1Hash: l1.hash, oracle: l1.oracle }
    expect(verifyAnswer(right, trust).l1.hash).toBe(l1.hash)
    const random = new Random(11)
    const accepted: string[] = []
    for (const at of sampled(right, random)) {
      const wrong = right.slice()
      wrong[at] = (wrong[at] ?? 0) ^ (1 << random.int(8))
      if (refusal(wrong, trust) === undefined) accepted.push(`byte ${at}`)
      // A forger makes the checksum again.
      if (at < right.length - 32 && refusal(resealed(wrong), trust) === undefined) accepted.push(`byte ${at}, resealed`)
    }
    expect(accepted).toEqual([])
    for (const length of [0, 7, 8, right.length >> 1, right.length - 33, right.length - 1])
      expect(refusal(resealed(right.slice(0, length)), trust)).toBeDefined()
    expect(refusal(resealed(Uint8Array.of(...right, 0)), trust)).toBeDefined()
  })

  test('a file of one rule passed off as one of the other is refused', () => {
    const wrong = bytesOf('units')
    wrong[7] = 1
    expect(refusal(resealed(wrong), {})).toBe('format')
    wrong[7] = 3
    expect(refusal(resealed(wrong), {})).toBe('format')
  })
})

test('what v2 is judged by is stored where a file looks for it', () => {
  const slotOf = (contract: string, label: string) =>
    loadArtifact(contract).storageLayout.find((variable) => variable.label === label)?.slot
  expect([
    slotOf('AttributionLedger', '_terms'),
    slotOf('IndexRegistry', '_indexes'),
    slotOf('IndexRegistry', '_lapses'),
    slotOf('SignatureRegistry', '_shown'),
    slotOf('SketchRegistry', '_tables'),
  ]).toEqual([1, 3, 4, 0, 3])
})

/** Places in a file: as many in each part, whatever its length, and as many anywhere. */
function sampled(bytes: Uint8Array, random: Random): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const parts: { start: number; length: number }[] = []
  for (let at = 8; at < bytes.length - 32; at += 4 + view.getUint32(at))
    parts.push({ start: at, length: 4 + view.getUint32(at) })
  expect(parts).toHaveLength(14)
  return Array.from({ length: flips }, (_, i) => {
    const part =
      i % 2 === 0 ? (parts[(i >> 1) % parts.length] as (typeof parts)[number]) : { start: 0, length: bytes.length }
    return part.start + random.int(part.length)
  })
}

/** Why a file is refused; undefined: it is not. Other errors than named ones are the test's. */
function refusal(bytes: Uint8Array, trust: Parameters<typeof verifyAnswer>[1]): string | undefined {
  try {
    verifyAnswer(bytes, trust)
    return undefined
  } catch (error) {
    if (error instanceof AnswerFileError) return error.code
    throw error
  }
}

function resealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - 32))
  return new Uint8Array([...body, ...createHash('sha256').update(body).digest()])
}
