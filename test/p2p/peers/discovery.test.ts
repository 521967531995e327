import { createSocket } from 'node:dgram'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { silentLog } from '../../../common/log.ts'
import { Discovery } from '../../../p2p/peers/discovery.ts'
import { checkKey, loadIdentity } from '../../../p2p/peers/identity.ts'
import { PacketLimit, packetsPerIp } from '../../../p2p/peers/packet-limit.ts'
import { addressOfRecord, nodeIdOfPeer, nodeIdOfRecord } from '../../../p2p/peers/peer-address.ts'
import { memoryRecordStore, type RecordStore } from '../../../p2p/peers/record-store.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { decodeEnr, encodeEnr, encodeOpStack, enrAddress, enrOpStack, signEnr } from '../../../protocol/enr.ts'
import { expandPublicKey, publicKeyOf } from '../../../protocol/secp256k1.ts'
import { until } from '../../fakes/until.ts'

const started: Discovery[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((discovery) => discovery.stop()))
})

const keyOf = (seed: number) => new Uint8Array(32).fill(seed)
const peerOf = (discovery: Discovery) => addressOfRecord(decodeEnr(discovery.enr))?.peerId

type Node = { readonly discovery: Discovery; readonly found: Set<string> }

async function node(
  seed: number,
  change: { chainId?: bigint; bootnodes?: string[]; store?: RecordStore; isDenied?: (ip: string) => boolean } = {},
): Promise<Node> {
  const { chainId = 901n, bootnodes = [], store = memoryRecordStore(), isDenied = () => false } = change
  const found = new Set<string>()
  const discovery = await Discovery.start(
    {
      privateKey: keyOf(seed),
      chainId,
      listenIp: '127.0.0.1',
      listenPort: 0,
      advertise: { tcp: 9_000 + seed },
      bootnodes,
    },
    {
      store,
      clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(200, signal) },
      log: silentLog,
      registry: new Registry(),
      isDenied,
      isHungry: () => true,
      onPeer: ({ peerId, multiaddr }) => found.add(`${peerId} ${multiaddr}`),
    },
  )
  started.push(discovery)
  return { discovery, found }
}

test('nodes of one chain find each other through a bootnode; another chain’s node is not reported', async () => {
  const boot = await node(1)
  const bootnodes = [boot.discovery.enr]
  const a = await node(2, { bootnodes })
  const b = await node(3, { bootnodes })
  const stranger = await node(4, { bootnodes, chainId: 902n })
  const entry = (seed: number, { discovery }: Node) =>
    `${peerOf(discovery)} /ip4/127.0.0.1/tcp/${9_000 + seed}/p2p/${peerOf(discovery)}`
  await until(() => a.found.has(entry(3, b)) && b.found.has(entry(2, a)) && boot.found.size >= 2)
  // It is in the table, which discv5 shares among chains, and all the same nobody's peer.
  await until(() => boot.discovery.table().some((enr) => enrOpStack(decodeEnr(enr))?.chainId === 902n))
  for (const { found } of [boot, a, b]) {
    expect([...found].filter((text) => text.startsWith(String(peerOf(stranger.discovery))))).toEqual([])
  }
  expect(stranger.found.size).toBe(0)
})

test('an enode bootnode, which has no record, is asked for it', async () => {
  const boot = await node(1)
  const key = bytesToHex(expandPublicKey(publicKeyOf(keyOf(1)))).slice(2)
  const [, udp] = udpAddress(boot.discovery)
  const a = await node(2, { bootnodes: [`enode://${key}@127.0.0.1:9222?discport=${udp}`] })
  await until(() => a.found.size === 1 && boot.found.size === 1)
})

test('the table is there again after a restart, without a bootnode', async () => {
  const boot = await node(1)
  const store = memoryRecordStore()
  const first = await node(2, { bootnodes: [boot.discovery.enr], store })
  await until(() => first.found.size === 1)
  await first.discovery.stop()
  started.splice(started.indexOf(first.discovery), 1)
  const second = await node(2, { store })
  await until(() => second.found.size === 1)
  expect(decodeEnr(second.discovery.enr).seq).toBeGreaterThan(decodeEnr(first.discovery.enr).seq)
})

test('what comes from outside the allowed networks is not answered', async () => {
  const boot = await node(1, { isDenied: () => true })
  const a = await node(2, { bootnodes: [boot.discovery.enr] })
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect(boot.found.size + boot.discovery.table().length).toBe(0)
  expect(a.discovery.table()).toHaveLength(1)
})

test('a port that is taken is said, and a bootnode that cannot be read', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const options = { privateKey: keyOf(1), chainId: 1n, listenIp: '127.0.0.1', advertise: { tcp: 1 } }
  const parts = {
    store: memoryRecordStore(),
    clock: systemClock,
    log: silentLog,
    registry: new Registry(),
    isDenied: () => false,
    isHungry: () => false,
    onPeer: () => undefined,
  }
  const taken = { ...options, listenPort: socket.address().port, bootnodes: [] }
  await expect(Discovery.start(taken, parts)).rejects.toMatchObject({ code: 'discovery' })
  socket.close()
  const misspelt = { ...options, listenPort: 0, bootnodes: ['enr:abc'] }
  await expect(Discovery.start(misspelt, parts)).rejects.toMatchObject({ code: 'address' })
})

test('garbage and a record with an address that cannot be sent to do not end the process', async () => {
  const a = await node(1, { bootnodes: [unsendable] })
  const [ip, port] = udpAddress(a.discovery)
  const socket = createSocket('udp4')
  for (let size = 0; size < 2_000; size += 97) socket.send(Buffer.alloc(size, size), port, ip)
  await new Promise((resolve) => setTimeout(resolve, 500))
  socket.close()
  const b = await node(2, { bootnodes: [a.discovery.enr] })
  await until(() => b.found.size === 1)
})

test('an address that floods is held to its rate, others are served', () => {
  let nowMs = 0
  const limit = new PacketLimit(() => nowMs)
  const passed = Array.from({ length: 1_000 }, () => limit.allows('10.0.0.1')).filter(Boolean).length
  expect([passed, limit.allows('10.0.0.2')]).toEqual([packetsPerIp.burst, true])
  nowMs += 1_000
  expect(Array.from({ length: 100 }, () => limit.allows('10.0.0.1')).filter(Boolean)).toHaveLength(50)
  limit.expect('10.0.0.1')
  expect(limit.allows('10.0.0.1')).toBe(true)
})

test('the identity is made once, readable by its owner alone, and stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'identity-'))
  try {
    const path = join(folder, 'deep', 'p2p.txt')
    const key = await loadIdentity(path)
    expect(await loadIdentity(path)).toEqual(key)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readFile(path, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    expect(() => checkKey(new Uint8Array(32))).toThrow('not a private key')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a peer and its record have one node id', async () => {
  const { discovery } = await node(5)
  const enr = decodeEnr(discovery.enr)
  expect(nodeIdOfPeer(String(peerOf(discovery)))).toBe(nodeIdOfRecord(enr))
})

/** A record of our chain whose address is the broadcast address: sending there is refused by the system. */
const unsendable = makeUnsendable()

function makeUnsendable(): string {
  const port = Uint8Array.of(0x23, 0x28)
  const pairs = new Map([
    ['ip', Uint8Array.of(255, 255, 255, 255)],
    ['udp', port],
    ['tcp', port],
    ['opstack', encodeOpStack({ chainId: 901n, version: 0n })],
  ])
  return encodeEnr(signEnr(1n, pairs, keyOf(9)))
}

function udpAddress(discovery: Discovery): [ip: string, port: number] {
  const { ip = '', udp = 0 } = enrAddress(decodeEnr(discovery.enr))
  return [ip, udp]
}
