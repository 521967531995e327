import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { versionedHash } from '../../../chain/tx/kzg.ts'
import { BeaconClient, type BeaconOptions } from '../../../node/l1/beacon-client.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { log } from '../../fakes/l1-parts.ts'
import { hash } from '../../fakes/rollup-config.ts'

const blobs = [1, 2, 3].map((seed) => new Uint8Array(131_072).fill(seed))
// Strings are compared quickly, a hundred thousand bytes are not.
const hexes = (list: readonly Uint8Array[]) => list.map(bytesToHex)
const hexBlobs = hexes(blobs)
const commitment = async (blob: Uint8Array) => new Uint8Array(createHash('sha384').update(blob).digest())
const wanted = await Promise.all(
  blobs.map(async (blob, index) => ({ index, hash: versionedHash(await commitment(blob)) })),
)
// Slot 10 of a beacon chain that began at 1000 with 12 s slots.
const ref = { hash: hash(1), number: 77n, parentHash: hash(0), timestamp: 1120n }

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A beacon node that serves the given paths and answers 404 to all others. */
async function beacon(routes: Record<string, unknown>): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://beacon.test')
    asked.push(request.url ?? '')
    const body = routes[url.pathname]
    response.writeHead(typeof body === 'number' ? body : body === undefined ? 404 : 200)
    response.end(JSON.stringify(body ?? {}))
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const genesis = { '/eth/v1/beacon/genesis': { data: { genesis_time: '1000' } } }
const mainnet = {
  ...genesis,
  '/eth/v1/config/spec': { data: { SECONDS_PER_SLOT: '12' } },
  '/eth/v1/node/version': { data: { version: 'test' } },
}

const client = (urls: readonly string[], options: Partial<BeaconOptions> = {}) =>
  new BeaconClient({ urls, ...options }, { kzg: { commitment }, log, registry: new Registry() })

test('blobs are asked by slot and versioned hashes, as one comma-separated value', async () => {
  const node = await beacon({ ...mainnet, '/eth/v1/beacon/blobs/10': { data: hexBlobs } })
  expect(hexes(await client([node.url]).blobs(ref, wanted))).toEqual(hexBlobs)
  expect(node.asked.at(-1)).toBe(`/eth/v1/beacon/blobs/10?versioned_hashes=${wanted.map(({ hash }) => hash).join(',')}`)
})

test('a node without /blobs is asked for sidecars, whose order does not matter', async () => {
  const data = [2, 0, 1].map((i) => ({ index: String(i), blob: hexBlobs[i] }))
  const node = await beacon({ ...mainnet, '/eth/v1/beacon/blob_sidecars/10': { data } })
  const beaconClient = client([node.url])
  expect(hexes(await beaconClient.blobs(ref, wanted))).toEqual(hexBlobs)
  expect(node.asked.at(-1)).toBe('/eth/v1/beacon/blob_sidecars/10?indices=0,1,2')
})

test('a node that serves neither spec nor version is addressed by block number, as anvil wants it', async () => {
  const node = await beacon({ ...genesis, '/eth/v1/beacon/blobs/77': { data: hexBlobs } })
  expect(hexes(await client([node.url]).blobs(ref, wanted))).toEqual(hexBlobs)
})

test('the length of a slot can be given where the node does not say it', async () => {
  const { '/eth/v1/config/spec': _, ...withoutSpec } = mainnet
  const node = await beacon({ ...withoutSpec, '/eth/v1/beacon/blobs/20': { data: hexBlobs } })
  await expect(client([node.url]).blobs(ref, wanted)).rejects.toMatchObject({ code: 'unavailable' })
  expect(hexes(await client([node.url], { secondsPerSlot: 6 }).blobs(ref, wanted))).toEqual(hexBlobs)
})

test('a wrong blob never gets through; the next node is asked for what is lacking', async () => {
  const liar = await beacon({
    ...mainnet,
    '/eth/v1/beacon/blobs/10': { data: [hexBlobs[0], hexBlobs[0], hexBlobs[2]] },
  })
  await expect(client([liar.url]).blobs(ref, wanted)).rejects.toMatchObject({ code: 'unavailable' })
  const archive = await beacon({ ...mainnet, '/eth/v1/beacon/blobs/10': { data: [hexBlobs[1]] } })
  expect(hexes(await client([liar.url, archive.url]).blobs(ref, wanted))).toEqual(hexBlobs)
  expect(archive.asked.at(-1)).toBe(`/eth/v1/beacon/blobs/10?versioned_hashes=${wanted[1]?.hash}`)
})

test('garbage, failures and silence are errors to try again after', async () => {
  const routes: Record<string, unknown>[] = [
    { ...mainnet, '/eth/v1/beacon/blobs/10': { data: ['0x12'] } },
    { ...mainnet, '/eth/v1/beacon/blobs/10': 503 },
    { ...mainnet, '/eth/v1/beacon/blobs/10': { nothing: true } },
  ]
  for (const each of routes) {
    const node = await beacon(each)
    await expect(client([node.url]).blobs(ref, wanted)).rejects.toMatchObject({ code: 'unavailable' })
  }
  await expect(client(['http://127.0.0.1:1']).blobs(ref, wanted)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(client([]).blobs(ref, wanted)).rejects.toThrow('no beacon node is given')
})
