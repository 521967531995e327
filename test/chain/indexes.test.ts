import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { IndexProgress } from '../../attribution/indexes/index-jobs.ts'
import { attribute } from '../../attribution/suffix/attribute.ts'
import { type BuiltIndex, buildVersionIndex, indexBond } from '../../chain/indexes/build-version-index.ts'
import { obtainIndex } from '../../chain/indexes/obtain-index.ts'
import { isDeadAt, publishedIndex, publishedIndexes } from '../../chain/indexes/published-index.ts'
import { Content, contentHashOf } from '../../chain/ledger/content.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { contentRoutes } from '../../node/rpc/content-routes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { publishTexts, sayings, sayingsTokenizer, sayingsTokenizerBytes } from '../fakes/indexed-datanet.ts'
import { LedgerChain } from '../fakes/ledger-chain.ts'

let dir: string
let chain: LedgerChain
let content: ContentStore
const signal = new AbortController().signal

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'indexes-'))
  content = new ContentStore(join(dir, 'content'), merkleRoot)
  chain = await LedgerChain.open()
}, 60_000)
afterAll(async () => {
  await chain.close()
  rmSync(dir, { recursive: true })
})

const source = (store = content, peers: readonly string[] = []) => ({ rpc: chain.rpc, content: store, peers, signal })
const storeOf = (name: string) => new ContentStore(join(dir, name), merkleRoot)
const build = (
  ref: { datanet: bigint; version: number },
  folder = 'built',
  onProgress?: (now: IndexProgress) => void,
) =>
  buildVersionIndex({ ...ref, tokenizer: sayingsTokenizerBytes, dir: join(dir, folder) }, { ...source(), onProgress })
const publish = async ({ record }: Pick<BuiltIndex, 'record'>) =>
  await chain.send(chain.actor('alice'), 'IndexRegistry', 'publish', [record], { value: indexBond })

test('what a process that was killed left half made does not fill the folder for ever', () => {
  const folder = new IndexFolder(join(dir, 'leftovers'))
  const [old, young] = [folder.scratch(1), folder.scratch(1)]
  for (const path of [old, young]) writeFileSync(path, 'half')
  utimesSync(old, 0, Date.now() / 1_000 - 90_000)
  folder.scratch(1)
  expect(readdirSync(folder.dir).map((name) => join(folder.dir, name))).toEqual([young])
})

describe('building the index of a Datanet version', { timeout: 120_000 }, () => {
  test('is of its contents, named by its id, and says how far it is', async () => {
    const texts = await publishTexts(chain, content, sayings)
    const seen: IndexProgress[] = []
    const { id, record, file } = await build(texts, 'built', (now) => seen.push(now))
    expect(file).toBe(join(dir, 'built', `${id}.oli`))
    expect(seen.at(-1)).toEqual({ items: 5, of: 5, tokens: record.n - record.documents })
    const index = new IndexFolder(join(dir, 'built')).get(id)
    if (index === undefined) throw new Error('no index')
    const answer = sayingsTokenizer.encode(new TextEncoder().encode('by the mason of the lower bridge'))
    const { shares } = attribute([index], answer)
    const contributors = shares.filter((share) => share.class === 'S').map((share) => share.id)
    expect(contributors).toEqual([texts.items[0]?.contribId, texts.items[2]?.contribId])
    expect(content.place(record.tokenizerHash)).toBeDefined()
  })

  test.each([
    ['a zero byte', 'binary', Uint8Array.of(65, 0, 66)],
    ['no UTF-8', 'encoding', Uint8Array.of(65, 0xff, 66)],
  ])(
    'content with %s is refused by the name of its contribution, and leaves no file behind',
    async (_, code, bytes) => {
      const texts = await publishTexts(chain, content, ['right', bytes])
      const before = readdirSync(join(dir, 'built'))
      const contribution = `${texts.items[1]?.contribId}`
      await expect(build(texts)).rejects.toMatchObject({ code, message: expect.stringContaining(contribution) })
      expect(readdirSync(join(dir, 'built'))).toEqual(before)
    },
  )

  test('a version of no text, unknown, permissioned, archived or with a withdrawn contribution is refused by name', async () => {
    await expect(build({ datanet: 900n, version: 1 })).rejects.toMatchObject({ code: 'unknown-version' })
    await expect(build(await publishTexts(chain, content, ['']))).rejects.toMatchObject({ code: 'size' })
    await expect(build(await publishTexts(chain, content, ['a secret'], 1))).rejects.toMatchObject({
      code: 'permissioned',
    })
    const archived = await publishTexts(chain, content, ['an old text'])
    await chain.send(chain.actor('datanet owner'), 'DatanetRegistry', 'setStatus', [archived.datanet, 4])
    await expect(build(archived)).rejects.toMatchObject({ code: 'withdrawn' })
    const regretted = await publishTexts(chain, content, ['a text that stays', 'a text that goes'])
    await chain.send(chain.actor('bob'), 'DatanetRegistry', 'withdrawConsent', [regretted.items[1]?.contribId])
    await expect(build(regretted)).rejects.toMatchObject({ code: 'withdrawn', message: /version 2 of the Datanet/ })
  })

  test('an aborted build fails with the reason and leaves no file behind', async () => {
    const texts = await publishTexts(chain, content, ['a text that nobody waits for'])
    const before = readdirSync(join(dir, 'built'))
    const stopped = AbortSignal.abort(new Error('stopped'))
    const of = { ...texts, tokenizer: sayingsTokenizerBytes, dir: join(dir, 'built') }
    await expect(buildVersionIndex(of, { ...source(), signal: stopped })).rejects.toThrow('stopped')
    expect(readdirSync(join(dir, 'built'))).toEqual(before)
  })

  test('a text that is gone, or lies there damaged, is named', async () => {
    const texts = await publishTexts(chain, content, ['one of two', 'two of two'])
    const { contentHash, contribId } = texts.items[1] ?? { contentHash: '0x', contribId: 0n }
    const file = content.place(contentHash)?.file ?? ''
    writeFileSync(file, 'two of three')
    await expect(build(texts)).rejects.toMatchObject({
      code: 'wrong-content',
      message: expect.stringContaining(`${contribId}`),
    })
    rmSync(file)
    await expect(build(texts)).rejects.toMatchObject({
      code: 'no-content',
      message: expect.stringContaining(`${contribId}`),
    })
  })
})

describe('having an index that somebody published', { timeout: 120_000 }, () => {
  let built: BuiltIndex
  let server: RpcServer
  let url: string

  beforeAll(async () => {
    built = await build(await publishTexts(chain, content, sayings.slice(0, 3)), 'served')
    await publish(built)
    const peers = new ContentPeers({ urls: [], timeoutMs: 1_000 }, contentHashOf)
    const routes = contentRoutes({
      content: new Content(content, peers, systemClock),
      indexes: new IndexFolder(join(dir, 'served')),
      isNamed: () => false,
      namedByRequest: () => undefined,
    })
    server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: {}, log: silentLog, ...routes })
    url = `http://127.0.0.1:${await server.start()}`
  })
  afterAll(() => server.stop())

  test('the chain tells its record and whether it counts', async () => {
    const found = await publishedIndex(chain.rpc, built.id)
    expect(found).toMatchObject({ id: built.id, record: built.record, deadFrom: 0n, isFalse: false, bond: indexBond })
    expect((await publishedIndexes(chain.rpc, built.record.datanet)).map(({ id }) => id)).toEqual([built.id])
    expect(await publishedIndex(chain.rpc, `0x${'11'.repeat(32)}`)).toBeUndefined()
    expect(await isDeadAt(chain.rpc, [built.id], 2n ** 64n - 1n)).toBe(false)
  })

  test('a peer that has it sends it', async () => {
    const folder = new IndexFolder(join(dir, 'fetched'))
    await obtainIndex(folder, built.id, source(storeOf('own-1'), [url]))
    expect(readFileSync(folder.path(built.id))).toEqual(readFileSync(built.file))
    expect(readdirSync(join(dir, 'fetched'))).toEqual([`${built.id}.oli`])
  })

  test('where the peer’s file is damaged it is made of the contents', async () => {
    const bytes = readFileSync(built.file)
    const damaged = Uint8Array.from(bytes)
    damaged[300] = (damaged[300] ?? 0) ^ 1
    writeFileSync(built.file, damaged)
    try {
      const folder = new IndexFolder(join(dir, 'rebuilt'))
      await obtainIndex(folder, built.id, source(storeOf('own-2'), [url]))
      expect(readFileSync(folder.path(built.id))).toEqual(bytes)
    } finally {
      writeFileSync(built.file, bytes)
    }
  })

  test('a peer that sends something without end takes no room, and the next one is asked', async () => {
    let sent = 0
    const endless = createServer((_, response) => {
      const more = () => {
        do sent += 65_536
        while (!response.destroyed && response.write(Buffer.alloc(65_536)))
      }
      response.on('drain', more)
      more()
    })
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve))
    try {
      const folder = new IndexFolder(join(dir, 'endless'))
      const { port } = endless.address() as AddressInfo
      await obtainIndex(folder, built.id, source(storeOf('own-4'), [`http://127.0.0.1:${port}`, url]))
      expect(sent).toBeGreaterThan(readFileSync(built.file).length)
      expect(readdirSync(join(dir, 'endless'))).toEqual([`${built.id}.oli`])
    } finally {
      endless.closeAllConnections()
      endless.close()
    }
  })

  test('a folder without room refuses it by name and keeps nothing of it', async () => {
    const folder = new IndexFolder(join(dir, 'small'), 1_000)
    await expect(obtainIndex(folder, built.id, source(storeOf('own-3'), [url]))).rejects.toMatchObject({
      code: 'folder-full',
    })
    expect(readdirSync(join(dir, 'small'))).toEqual([])
  })

  test('one that nobody published is unknown; one that its contents do not make is nowhere', async () => {
    const folder = new IndexFolder(join(dir, 'none'))
    await expect(obtainIndex(folder, `0x${'22'.repeat(32)}`, source())).rejects.toMatchObject({ code: 'unknown-index' })
    const texts = await publishTexts(chain, content, ['a text of which somebody lies'])
    const { record } = await build(texts, 'lies')
    const lie = { record: { ...record, suffixRoot: `0x${'33'.repeat(32)}` as const } }
    const { result } = await publish(lie)
    await expect(obtainIndex(folder, result as `0x${string}`, source())).rejects.toMatchObject({ code: 'no-file' })
  })
})
