import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { Closers } from '../../common/closers.ts'
import { silentLog } from '../../common/log.ts'
import type { P2pOptions } from '../../node/node-options.ts'
import { type P2pPart, startP2p } from '../../node/p2p-part.ts'
import { decodeEnr, enrAddress } from '../../protocol/enr.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'

let folder: string
let closers: Closers
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'p2p-part-'))
  closers = new Closers(silentLog)
})
afterEach(async () => {
  await closers.close()
  await rm(folder, { recursive: true })
})

function options(change: Partial<P2pOptions> = {}): P2pOptions {
  return {
    privateKeyPath: join(folder, 'priv.txt'),
    listen: { ip: '127.0.0.1', tcp: 0, udp: 0 },
    advertise: { tcp: 0, udp: 0 },
    staticPeers: [],
    discovery: true,
    bootnodes: [],
    netRestrict: [],
    peers: { lo: 2, hi: 4, graceMs: 0 },
    banMs: 1_000,
    banScore: -100,
    peerstorePath: join(folder, 'peerstore'),
    discoveryPath: join(folder, 'discovery'),
    reqResp: true,
    gossipAgeSecondsMax: 60,
    agent: 'openledger',
    ...change,
  }
}

const parts = {
  config: testRollupConfig(),
  signer: { accepted: () => [] },
  payloadByNumber: async () => undefined,
  onBlock: () => true,
  clock: systemClock,
  log: silentLog,
}
const start = (change: Partial<P2pOptions> = {}): Promise<P2pPart> =>
  startP2p(options(change), { ...parts, registry: new Registry() }, closers)

test('the identity and the stores are the same after a restart', async () => {
  const first = await start()
  const { peerId } = first.network
  first.bans.block('peer', peerId)
  await closers.close()
  const second = await start()
  expect([second.network.peerId, second.bans.list('peer')]).toEqual([peerId, [peerId]])
})

test('a TCP port that is taken is said with the flag that changes it, and nothing stays open', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port)),
  )
  const listen = { ip: '127.0.0.1', tcp: port, udp: 0 }
  await expect(start({ listen })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining('--p2p.listen.tcp'),
  })
  await closers.close()
  await new Promise((resolve) => server.close(resolve))
  const { network } = await start({ listen })
  expect(network.addresses()[0]).toContain(`/tcp/${port}/`)
})

test('a UDP port that is taken is said with its flag, and the stores are free again', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const listen = { ip: '127.0.0.1', tcp: 0, udp: socket.address().port }
  const message = expect.stringContaining('--p2p.listen.udp')
  await expect(start({ listen })).rejects.toMatchObject({ code: 'port-in-use', message })
  await closers.close()
  socket.close()
  expect((await start()).discovery).toBeDefined()
})

test('discovery takes the number of the TCP port, and tells both', async () => {
  const { discovery, network } = await start()
  const port = Number(/\/tcp\/(\d+)/.exec(network.addresses()[0] ?? '')?.[1])
  expect(enrAddress(decodeEnr(discovery?.enr ?? ''))).toEqual({ ip: '127.0.0.1', tcp: port, udp: port })
})

test('an advertised host name is resolved for record and peers; one that cannot be is said', async () => {
  const { network, discovery } = await start({ advertise: { host: 'localhost', tcp: 1_234, udp: 1_235 } })
  expect(network.addresses()[0]).toMatch(/^\/ip[46]\/[^/]+\/tcp\/1234\/p2p\//)
  expect(discovery?.enr).toMatch(/^enr:/)
  await closers.close()
  const advertise = { host: 'no-such-host.invalid', tcp: 0, udp: 0 }
  await expect(start({ advertise })).rejects.toMatchObject({ code: 'address' })
})

test.each([
  ['a static peer without peer id', { staticPeers: ['/ip4/10.0.0.1/tcp/9222'] }],
  ['a bootnode that is no record', { bootnodes: ['enr:garbage'] }],
  ['a subnet that is none', { netRestrict: ['10.0.0.0/99'] }],
])('%s is refused at the start', async (_what, change) => {
  await expect(start(change)).rejects.toMatchObject({ name: 'PeersError', code: 'address' })
})

test('a key file that holds no key is refused, and left as it is', async () => {
  const privateKeyPath = join(folder, 'bad.txt')
  await writeFile(privateKeyPath, 'not a key')
  await expect(start({ privateKeyPath })).rejects.toMatchObject({ name: 'PeersError', code: 'key' })
  expect(await readFile(privateKeyPath, 'utf8')).toBe('not a key')
})

test('without a key nothing is published; with one a failing network does not stop the sequencer', async () => {
  expect((await start()).publish).toBeUndefined()
  await closers.close()
  const { publish } = await start({ signerKey: `0x${'11'.repeat(32)}` })
  await closers.close()
  await expect(publish?.({ executionPayload: { blockNumber: 1n } } as never)).resolves.toBeUndefined()
})
