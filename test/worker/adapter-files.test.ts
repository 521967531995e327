import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Content, contentHashOf } from '../../chain/ledger/content.ts'
import { shareAdapter } from '../../cli/model/share-adapter.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { adapterRoot, encodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { encodeModel, modelRoot } from '../../inference/model-file.ts'
import { contentRoutes } from '../../node/rpc/content-routes.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { AdapterFiles } from '../../worker/backends/adapter-files.ts'
import type { AnswerTask } from '../../worker/backends/backend.ts'
import { InferenceThread } from '../../worker/backends/inference-thread.ts'
import { openModelFolder } from '../../worker/backends/model-folder.ts'
import { randomAdapter } from '../fakes/random-adapter.ts'
import { randomModel } from '../fakes/random-model.ts'
import { until } from '../fakes/until.ts'

const model = randomModel(11)
const adapter = { ...randomAdapter(5, model.config), base: modelRoot(model) }
const root = adapterRoot(adapter)

let dir: string
let server: RpcServer
let url: string
const opened: AdapterFiles[] = []

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'openledger-adapters-'))
  for (const name of ['models', 'made']) mkdirSync(join(dir, name))
  writeFileSync(join(dir, 'models', 'base.olm'), encodeModel(model))
  writeFileSync(join(dir, 'made', 'one.ola'), encodeAdapter(adapter))
  const peers = new ContentPeers({ urls: [], timeoutMs: 1_000 }, contentHashOf)
  const content = new Content(new ContentStore(join(dir, 'content'), merkleRoot), peers, systemClock)
  const routes = contentRoutes({
    ...{ content, indexes: { place: () => undefined } },
    ...{ isNamed: () => false, namedByRequest: () => undefined },
  })
  server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: {}, log: silentLog, ...routes })
  url = `http://127.0.0.1:${await server.start()}`
})
afterEach(async () => {
  for (const files of opened.splice(0)) files.close()
  await server.stop()
  rmSync(dir, { recursive: true })
})

const folder = () => openModelFolder([join(dir, 'models')])

function open(urls: readonly string[] = [url], fetchedMax = 256): AdapterFiles {
  const { models, adapters: own } = folder()
  const files = new AdapterFiles({ own, models, dir: join(dir, 'fetched'), urls, log: silentLog, fetchedMax })
  opened.push(files)
  return files
}

async function here(files: AdapterFiles, isHere: boolean, which = root): Promise<void> {
  await until(() => (files.get(which) !== undefined) === isHere)
}

const publishAdapter = () =>
  shareAdapter.run({
    flags: { models: [join(dir, 'models')], 'content.dir': join(dir, 'content') },
    positionals: [join(dir, 'made', 'one.ola')],
    print: () => {},
    ...{ given: new Set<string>(), env: {}, log: silentLog, signal: new AbortController().signal },
  })

test('an adapter that a node was given is fetched by its root when a request names it, and kept over a restart', async () => {
  expect(await publishAdapter()).toBe(0)
  const files = open()
  expect(files.get(root)).toBeUndefined()
  expect(files.want(root)).toBeGreaterThan(0)
  await here(files, true)
  expect(files.get(root)).toMatchObject({ root, base: modelRoot(model) })
  expect(open([]).get(root)).toMatchObject({ root })
})

test('where no more adapters are kept, the one that was not asked for the longest makes room on disk too', async () => {
  const store = new ContentStore(join(dir, 'content'), merkleRoot)
  const others = [6, 7, 8].map((seed) => ({ ...randomAdapter(seed, model.config), base: modelRoot(model) }))
  for (const each of others) store.keep(adapterRoot(each), encodeAdapter(each))
  const [a, b, c] = others.map(adapterRoot) as [Hex, Hex, Hex]
  const files = open([url], 2)
  for (const each of [a, b]) {
    expect(files.want(each)).toBeGreaterThan(0)
    await here(files, true, each)
  }
  files.get(a)
  files.want(c)
  await here(files, true, c)
  expect([a, b, c].map((each) => files.get(each)?.root)).toEqual([a, undefined, c])
  expect(readdirSync(join(dir, 'fetched')).sort()).toEqual([`${a}.ola`, `${c}.ola`].sort())
})

test('bytes that are not the adapter are not kept, whoever serves them under its name', async () => {
  const other = { ...randomAdapter(6, model.config), base: modelRoot(model) }
  const store = new ContentStore(join(dir, 'content'), merkleRoot)
  for (const bytes of [
    encodeAdapter(other),
    encodeAdapter(adapter).subarray(1),
    new Uint8Array(99),
    new Uint8Array(0),
  ]) {
    store.keep(root, bytes)
    const files = open()
    files.want(root)
    await new Promise((next) => setTimeout(next, 100))
    await here(files, false)
  }
  expect(readdirSync(join(dir, 'fetched'))).toEqual([])
})

test('a request for an adapter that is not here is refused with a time to ask again, and without nodes for good', () => {
  const task: AnswerTask = {
    ...{ modelRoot: modelRoot(model), adapters: [{ root, weight: 1 }], prompt: Uint32Array.of(1), stops: [] },
    sampling: { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens: 1, stopHash: zeroHash },
    ...{ seed: new Uint8Array(32), traced: false, sampled: false },
  }
  const refusalOf = (files: AdapterFiles) => {
    const thread = new InferenceThread({ ...folder(), adapters: files, wantAdapter: (each) => files.want(each) })
    try {
      thread.check(task)
    } catch (error) {
      return error
    }
    return undefined
  }
  expect(refusalOf(open())).toMatchObject({ code: 'unknown-adapter', retryAfterMs: 10_000 })
  expect(refusalOf(open([]))).toMatchObject({ code: 'unknown-adapter', retryAfterMs: 0 })
})
