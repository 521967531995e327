import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { p2pMethods } from '../../../node/rpc/p2p-methods.ts'
import { BanList } from '../../../p2p/peers/ban-list.ts'
import { PeerBook } from '../../../p2p/peers/peer-book.ts'
import { PeerManager } from '../../../p2p/peers/peer-manager.ts'
import { memoryRecordStore } from '../../../p2p/peers/record-store.ts'
import { FakeNetwork } from '../../fakes/fake-network.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

const us = '16Uiu2HAmSH2XVgZqYHWucap5kuPzLnt2TsNQkoppVxB5eJGvaXwm'
const peer = '16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY'
const address = `/ip4/10.0.0.1/tcp/9222/p2p/${peer}`

async function world() {
  const parts = { store: memoryRecordStore(), clock: new ManualClock(1_000), log: silentLog, registry: new Registry() }
  const fake = new FakeNetwork()
  fake.peerId = us
  const network = Object.assign(fake, {
    addresses: () => [`/ip4/10.0.0.9/tcp/9222/p2p/${us}`],
    topicPeers: () => ({ 0: 0, 1: 0, 2: 0, 3: 1 }),
    publish: async () => 0,
    stop: async () => undefined,
  })
  const bans = await BanList.open({ staticPeers: new Set(), staticIps: new Set() }, parts)
  const book = await PeerBook.open(parts)
  const isDenied = bans.isDenied
  const manager = new PeerManager({ lo: 2, hi: 4, graceMs: 0 }, { network, book, isDenied, ...parts })
  const methods = p2pMethods({ network, bans, book, manager, discovery: undefined, chainId: 901n })
  const call = async (name: string, ...params: readonly unknown[]) =>
    methods[`opp2p_${name}`]?.(params, { closed: new AbortController().signal })
  return { call, network, bans, book, manager }
}

test('peers are shown as op-node shows them', async () => {
  const { call, network, book } = await world()
  network.add(peer, { address, direction: 'inbound', agent: 'optimism', latencyMs: 1.5, score: -3 })
  book.seen({ peerId: us, multiaddr: '/ip4/10.0.0.9/tcp/1', enr: 'enr:x', chainId: '901' })
  const dump = (await call('peers', false)) as { readonly peers: Record<string, Record<string, unknown>> }
  expect(dump).toMatchObject({ totalConnected: 1, bannedPeers: [], bannedIPS: [], bannedSubnets: [] })
  expect(dump.peers[peer]).toMatchObject({
    peerID: peer,
    nodeID: expect.stringMatching(/^[0-9a-f]{64}$/),
    userAgent: 'optimism',
    addresses: [address],
    connectedness: 1,
    direction: 1,
    latency: 1_500_000,
    gossipBlocks: true,
    protected: false,
    scores: { gossip: { total: -3 } },
  })
  expect(dump.peers[us]).toMatchObject({ connectedness: 0, direction: 0, ENR: 'enr:x', chainID: 901 })
  expect(Object.keys(((await call('peers', true)) as typeof dump).peers)).toEqual([peer])
})

test('the node tells of itself and counts its peers', async () => {
  const { call, network } = await world()
  network.add(peer)
  expect(await call('self')).toMatchObject({
    peerID: us,
    chainID: 901,
    addresses: [`/ip4/10.0.0.9/tcp/9222/p2p/${us}`],
  })
  expect(await call('peerStats')).toEqual({
    connected: 1,
    table: 0,
    blocksTopic: 0,
    blocksTopicV2: 0,
    blocksTopicV3: 0,
    blocksTopicV4: 1,
    banned: 0,
    known: 1,
  })
  await expect(call('discoveryTable')).rejects.toThrow('discovery disabled')
})

test('what is blocked is denied until it is unblocked', async () => {
  const { call, bans } = await world()
  await call('blockPeer', peer)
  await call('blockAddr', '10.0.0.1')
  // Go's client sends a subnet as net.IPNet, its mask in base64.
  await call('blockSubnet', { IP: '10.1.0.0', Mask: '//8AAA==' })
  expect([peer, '10.0.0.1', '10.1.2.3', '10.2.0.1'].map(bans.isDenied)).toEqual([true, true, true, false])
  expect(await call('listBlockedPeers')).toEqual([peer])
  expect(await call('listBlockedAddrs')).toEqual(['10.0.0.1'])
  expect(await call('listBlockedSubnets')).toEqual([{ IP: '10.1.0.0', Mask: '//8AAA==' }])
  await call('unblockPeer', peer)
  await call('unblockAddr', '10.0.0.1')
  await call('unblockSubnet', '10.1.0.0/16')
  expect([peer, '10.0.0.1', '10.1.2.3'].map(bans.isDenied)).toEqual([false, false, false])
})

test('a protected peer stays, a disconnected one is forgotten and let in again', async () => {
  const { call, network, manager, book, bans } = await world()
  network.reachable.add(address)
  await call('connectPeer', address)
  expect(network.peers()).toHaveLength(1)
  await call('protectPeer', peer)
  expect(manager.isProtected(peer)).toBe(true)
  await call('unprotectPeer', peer)
  expect(manager.isProtected(peer)).toBe(false)
  book.seen({ peerId: peer, multiaddr: address })
  await call('blockPeer', peer)
  await call('disconnectPeer', peer)
  expect([network.peers(), book.get(peer), bans.isDenied(peer)]).toEqual([[], undefined, false])
})

test.each([
  ['blockPeer', 'nobody'],
  ['blockPeer', undefined],
  ['blockAddr', 'host.name'],
  ['blockSubnet', '10.0.0.0'],
  ['blockSubnet', { IP: '10.0.0.0', Mask: '/wD/AA==' }],
  ['connectPeer', '/ip4/10.0.0.1/tcp/9222'],
  ['connectPeer', 7],
])('%s of %j is refused as an RPC error, not an internal one', async (method, param) => {
  const { call } = await world()
  await expect(call(method, param)).rejects.toMatchObject({ name: 'RpcError' })
})
