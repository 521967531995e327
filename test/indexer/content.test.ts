import { chmodSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { contentBytesMax } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { ContentFetcher, goItems } from '../../indexer/content/fetcher.ts'
import { queryTextBytesMax, textBytesMax } from '../../indexer/graphql/content-text.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { batchRecordBytes, encodeBatchRecords } from '../../protocol/datanets/item-record.ts'
import { datanetEvent, word } from '../fakes/datanet-events.ts'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, dump, IndexWorld, putManifest, submitBatch, type TestIndex } from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
  world.chain.mine([createDatanet(1n)])
})

afterEach(() => world.stop())

const author = address(0xb)
const bytesOf = (text: string) => new TextEncoder().encode(text)
const fileOf = (hash: string) => join(world.dir, 'content', hash.slice(2, 4), hash.slice(4))

function contribute(id: bigint, hash: string): void {
  const values = { id: 1n, contribId: id, author, contentHash: hash, simHash: word('s'), consent: 0, bond: 0n }
  world.chain.mine([{ logs: [datanetEvent('ContributionSubmitted', values)] }])
}

const text = async (id: bigint) => (await index.ask(`{ contribution(id: ${id}) { text } }`)).data.contribution.text
const missing = () => index.store.missingContents()

describe('content', () => {
  test.each([
    ['damaged', (file: string) => writeFileSync(file, 'another text')],
    ['cut short', (file: string) => truncateSync(file, 3)],
    // Sparse: the size is what counts, and it must not be read to be refused.
    ['larger than any content', (file: string) => truncateSync(file, contentBytesMax + 1)],
    ['larger than a buffer', (file: string) => truncateSync(file, 2 ** 33)],
    [
      'a directory',
      (file: string) => {
        rmSync(file)
        mkdirSync(file)
      },
    ],
  ])('a file that is %s counts as missing, holds up nothing, and is taken once replaced', async (_name, damage) => {
    const first = world.content.put(bytesOf('first'))
    const second = world.content.put(bytesOf('second'))
    damage(fileOf(first))
    contribute(1n, first)
    contribute(2n, second)
    await index.follow()
    await index.fetchContent()
    expect(await text(1n)).toBeNull()
    expect(await text(2n)).toBe('second')
    // The metadata document of the Datanet is missing too.
    expect(missing()).toBe(2)
    rmSync(fileOf(first), { recursive: true })
    world.content.put(bytesOf('first'))
    await index.fetchContent()
    expect(await text(1n)).toBe('first')
    expect(missing()).toBe(1)
  })

  test('a file that becomes unreadable after it was indexed fails that field alone', async () => {
    const hash = world.content.put(bytesOf('gone'))
    contribute(1n, hash)
    await index.follow()
    await index.fetchContent()
    writeFileSync(fileOf(hash), 'another text')
    const { data, errors } = await index.ask('{ contribution(id: 1) { text preview } datanets { totalCount } }')
    expect(data).toEqual({ contribution: { text: null, preview: 'gone' }, datanets: { totalCount: 1 } })
    expect(errors?.map((error) => error.extensions?.code)).toEqual(['INTERNAL'])
    chmodSync(fileOf(hash), 0o600)
  })

  test('lists that nobody has do not hide the lists behind them', async () => {
    const withheld = Array.from({ length: goItems + 5 }, (_, i) =>
      submitBatch(1n, BigInt(10 * i + 1), author, 10, word(`withheld ${i}`)),
    )
    world.chain.mine(withheld)
    const firstId = BigInt(10 * withheld.length + 1)
    world.chain.mine([submitBatch(1n, firstId, author, 1, putManifest(world.content, ['seen']))])
    await index.follow()
    await index.fetchContent()
    expect(await text(firstId)).toBe('seen')
  })

  test('naming the list of another’s batch with a false count does not hide that batch', async () => {
    const root = putManifest(world.content, ['one', 'two'])
    world.chain.mine([submitBatch(1n, 1n, address(0xbad), 5, root), submitBatch(1n, 6n, author, 2, root)])
    await index.follow()
    await index.fetchContent()
    expect([await text(6n), await text(7n)]).toEqual(['one', 'two'])
    expect(index.store.all('select first_id, state from manifest order by 1')).toEqual([
      { first_id: 1, state: 'bad' },
      { first_id: 6, state: 'present' },
    ])
  })

  test('a batch of more items than one transaction takes is written whole, also after a stop in the middle', async () => {
    const count = 12_000
    const item = { contentHash: word('text'), simHash: word('sim'), consent: 0, size: 3 }
    const root = world.content.putRecords(
      encodeBatchRecords(Array.from({ length: count }, () => item)),
      batchRecordBytes,
    )
    world.chain.mine([submitBatch(1n, 1n, author, count, root)])
    await index.follow()
    const stopping = new AbortController()
    const clock = { nowMs: () => 0, sleep: async () => stopping.abort() }
    await new ContentFetcher({ store: index.store, content: world.content, clock, log: silentLog }).run(stopping.signal)
    const written = () => Number(index.store.get('select count(*) as n from contribution')?.['n'])
    expect(written()).toBeGreaterThan(0)
    expect(written()).toBeLessThan(count)
    await index.fetchContent()
    expect(written()).toBe(count)
  })

  test('a reorg that takes a batch away while its items are written leaves none of them', async () => {
    const item = { contentHash: word('text'), simHash: word('sim'), consent: 0, size: 3 }
    const records = encodeBatchRecords(Array.from({ length: 12_000 }, () => item))
    const root = world.content.putRecords(records, batchRecordBytes)
    const fresh = world.open('fresh')
    await fresh.follow()
    world.chain.mine([submitBatch(1n, 1n, author, 12_000, root)])
    await index.follow()
    const clock = {
      nowMs: () => 0,
      sleep: async () => {
        if (index.store.cursor()?.number === 2) index.store.rollbackTo(1)
      },
    }
    const fetcher = new ContentFetcher({ store: index.store, content: world.content, clock, log: silentLog })
    await fetcher.round('missing', new AbortController().signal)
    expect(dump(index.store)).toEqual(dump(fresh.store))
  })

  test('missing content costs little of the processor', async () => {
    for (let block = 0; block < 5; block++) {
      world.chain.mine(
        Array.from({ length: 200 }, (_, i) => {
          const id = BigInt(200 * block + i + 1)
          const values = {
            id: 1n,
            contribId: id,
            author,
            contentHash: word(`${id}`),
            simHash: word('s'),
            consent: 0,
            bond: 0n,
          }
          return { logs: [datanetEvent('ContributionSubmitted', values)] }
        }),
      )
    }
    await index.follow()
    const stopping = new AbortController()
    let sleeps = 0
    const clock = {
      nowMs: () => 0,
      sleep: async (ms: number) => {
        expect(ms).toBeGreaterThan(0)
        if (++sleeps > 30) stopping.abort()
      },
    }
    await new ContentFetcher({ store: index.store, content: world.content, clock, log: silentLog }).run(stopping.signal)
  })

  test('texts too long for an answer are null, and many texts are refused by their bytes', async () => {
    const long = world.content.put(new Uint8Array(textBytesMax + 1).fill(97))
    contribute(1n, long)
    const size = textBytesMax - 1
    for (let i = 0; i <= queryTextBytesMax / size; i++)
      contribute(BigInt(i + 2), world.content.put(new Uint8Array(size).fill(98 + i)))
    await index.follow()
    await index.fetchContent()
    expect(await text(1n)).toBeNull()
    expect(await text(2n)).toHaveLength(size)
    const { errors } = await index.ask('{ contributions { nodes { text } } }')
    expect(errors?.map((error) => error.extensions?.code)).toEqual(['LIMIT_EXCEEDED'])
    expect(contentHash(new Uint8Array(textBytesMax + 1).fill(97))).toBe(long)
  })

  test('the fetcher stops at once while it waits', async () => {
    const stopping = new AbortController()
    const running = new ContentFetcher({
      store: index.store,
      content: world.content,
      clock: systemClock,
      log: silentLog,
    }).run(stopping.signal)
    stopping.abort()
    await running
  })
})
