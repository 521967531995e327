import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeTable, type InfluenceTable } from '../../../attribution/combined/influence-table.ts'
import { cutTable } from '../../../attribution/combined/table-faults.ts'
import { LeafTree } from '../../../attribution/suffix/item-tree.ts'
import { readBaseModelRecord } from '../../../inference/models/base-model.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'
import { contentHash, merkleRoot } from '../../../protocol/content-hash.ts'
import { modelVersionHash } from '../../../protocol/inference-request.ts'
import { Random } from '../../fakes/random.ts'
import { randomTable } from '../../fakes/share-receipt.ts'
import { SpanMarket, spanTexts } from '../../fakes/span-market.ts'
import { WatchedChain } from '../../fakes/watched-chain.ts'

const open = 10n ** 18n
const [size, rows] = [40, 2]
const model1 = modelVersionHash(1n, 1)

let world: WatchedChain
let server: Server
/** What a node serves, by its path. */
const served = new Map<string, Uint8Array>()
beforeEach(async () => {
  world = await WatchedChain.open({ bare: true })
  await SpanMarket.open(world.chain, world.chain.rpc)
  served.clear()
  server = createServer((request, response) => {
    const found = served.get(request.url ?? '')
    response.writeHead(found === undefined ? 404 : 200).end(found)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world.peers.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}, 60_000)
afterEach(async () => {
  server.close()
  await world.close()
}, 60_000)

function tableOf(seed: number, adapter: Hex): InfluenceTable {
  return { ...randomTable(new Random(seed), [1n, 2n], size), base: readBaseModelRecord().root, adapter }
}

/** Registers a file's table for the adapter as one of two rows, and has a node serve it. */
async function register(adapter: Hex, file: Uint8Array): Promise<Hex> {
  const leaves = [file.subarray(0, 128), file.subarray(128, 128 + 9 + size), file.subarray(128 + 9 + size)]
  const { root } = new LeafTree(leaves)
  expect(cutTable(file, { root, size, rows })).toBeDefined()
  served.set(`/content/${root}`, file)
  const sources = [{ datanet: 1n, version: 1 }]
  const args = [model1, adapter, { root, size, rows }, sources]
  await world.chain.send(world.chain.actor('model owner'), 'SketchRegistry', 'register', args, { value: 100n * open })
  return root
}

/** Has a node serve the list of the Datanet's version. */
function serveList(): void {
  const items = spanTexts.map(([, text], i) => {
    const hash = contentHash(new TextEncoder().encode(text))
    return concatBytes(uintBytes(BigInt(i + 1), 8), hexToBytes(hash))
  })
  const list = concatBytes(...items)
  served.set(`/content/${merkleRoot(list, 40)}`, list)
}

async function rest(): Promise<void> {
  for (let i = 0; i < 6; i++) {
    await world.settle()
    await world.pass(20)
  }
}

const adapterOf = (n: number): Hex => `0x${String(n).repeat(64)}`
const names = () => world.sender.sent.map(({ functionName }) => functionName)

test('a table of false form is proven false by the watcher alone, and the right one beside it stands', async () => {
  serveList()
  const files = [1, 2, 3].map((n) => encodeTable(tableOf(n, adapterOf(n))))
  files[1]?.set([0x80], 128 + 9 + 5)
  files[2]?.set(uintBytes(3n, 8), 128 + 9 + size)
  for (const [i, file] of files.entries()) await register(adapterOf(i + 1), file)
  await rest()
  expect(names()).toEqual(['badTableLeaf', 'badTableLeaf'])
  const found = world.book.events('SketchesProvenFalse').map(({ args }) => args['adapterRoot'])
  expect(found).toEqual([adapterOf(2), adapterOf(3)])
  expect(world.messages('info').filter((line) => line.includes('form of a table'))).toHaveLength(1)
  await world.pass(200)
  for (let i = 0; i < 60; i++) await world.pass(2)
  await world.settle()
  expect(names().slice(2)).toEqual(['payReward', 'payReward'])
}, 60_000)

test('a contribution that the table’s Datanet has not is shown once its list is here', async () => {
  const { chain } = world
  await chain.send(chain.actor('alice'), 'DatanetRegistry', 'submit', [
    ...[1n, adapterOf(7), adapterOf(8), 0, 0, adapterOf(0)],
  ])
  const file = encodeTable(tableOf(4, adapterOf(4)))
  file.set(uintBytes(3n, 8), 128 + 9 + size)
  await register(adapterOf(4), file)
  await rest()
  expect(names()).toEqual([])
  serveList()
  await rest()
  expect(names()).toEqual(['foreignTableRow'])
}, 60_000)

test('a table that nobody shows is asked for again, and nothing is said of it', async () => {
  const root = await register(adapterOf(5), encodeTable(tableOf(5, adapterOf(5))))
  serveList()
  const file = served.get(`/content/${root}`) as Uint8Array
  served.delete(`/content/${root}`)
  await rest()
  expect(names()).toEqual([])
  served.set(`/content/${root}`, file)
  await rest()
  expect(names()).toEqual([])
}, 60_000)
