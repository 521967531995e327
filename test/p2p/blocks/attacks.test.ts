import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { blockTopic, gossipBytesMax } from '../../../protocol/gossip.ts'
import { snappyEncode } from '../../../protocol/snappy.ts'
import { encodeUvarint } from '../../../protocol/uvarint.ts'
import {
  addressOf,
  gossipMessage,
  meshed,
  metric,
  presentChain,
  sealedBlock,
  startNode,
  strangerKey,
  type TestNode,
} from '../../fakes/block-net.ts'
import { flood, frame, HostilePeer } from '../../fakes/hostile-peer.ts'
import { standingClock } from '../../fakes/manual-clock.ts'
import { until } from '../../fakes/until.ts'

const chain = presentChain()
const topic = blockTopic(chain.l2ChainId, 3)
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function victim(change: NodeChange = {}): Promise<TestNode> {
  const node = await startNode(chain, { clock: standingClock(), ...change })
  stops.push(() => node.network.stop())
  return node
}

async function attacker(options: Parameters<typeof HostilePeer.start>[0] = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.start(options)
  stops.push(() => peer.stop())
  return peer
}

/** Frames with one message each, all different. */
function messages(count: number, data: (i: number) => Uint8Array, name = topic): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => frame({ messages: [{ topic: name, data: data(i) }] }))
}

/** The same, a hundred to a frame: few frames, and none of them large. */
function packed(count: number, data: (i: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count / 100 }, (_, i) =>
    frame({ messages: Array.from({ length: 100 }, (_, j) => ({ topic, data: data(100 * i + j) })) }),
  )
}

const forged = (i: number) => gossipMessage(chain, sealedBlock(chain, 1_000n, { gasUsed: BigInt(i) }), strangerKey)

/** Floods until cut, whose peer is then no longer connected. */
async function floodUntilCut(node: TestNode, peer: HostilePeer, frames: readonly Uint8Array[]): Promise<void> {
  const stream = await peer.openGossip(addressOf(node))
  await flood(stream, frames, AbortSignal.timeout(floodMsMax))
  await until(() => !peer.isConnected)
}

type NodeChange = NonNullable<Parameters<typeof startNode>[1]>
type Flood = { readonly of: string; readonly frames: () => Uint8Array[]; readonly change?: NodeChange }

/** An attacker that is still there after this long is not cut; how fast it goes, the bench `blocks-p2p` measures. */
const floodMsMax = 16_000

const strangeTopics = Array.from({ length: 32 }, (_, i) => ({ topic: `/${i}`, subscribe: true }))
const unknownIds = Array.from({ length: 900 }, () => new Uint8Array(randomBytes(20)))

describe('a flooding peer is cut, and its address banned', () => {
  const floods: readonly Flood[] = [
    { of: 'blocks of a forged signer', frames: () => messages(500, forged) },
    { of: 'messages that are not compressed', frames: () => messages(500, () => new Uint8Array(randomBytes(300))) },
    {
      of: 'messages we ignore, since no signer is known',
      frames: () => packed(2_000, forged),
      change: { blockSigners: () => [] },
    },
    {
      of: 'one good block, again and again',
      frames: () => packed(100, () => gossipMessage(chain, sealedBlock(chain, 1_000n))),
    },
    { of: 'subscriptions', frames: () => [frame({ subscriptions: strangeTopics })] },
    {
      of: 'announcements',
      frames: () => [frame({ control: control({ ihave: [{ topicID: topic, messageIDs: unknownIds }] }) })],
    },
    { of: 'frames that do not decode', frames: () => [frameOf(new Uint8Array(20_000).fill(0xff))] },
    { of: 'frames without anything', frames: () => [frameOf(new Uint8Array(0))] },
  ]

  test.each(floods)('$of', async ({ frames, change }) => {
    const node = await victim(change)
    const peer = await attacker()
    await floodUntilCut(node, peer, frames())
    expect(node.gater.bans.has(peer.id)).toBe(true)
    expect(node.gater.bans.has('127.0.0.66')).toBe(true)
  })
})

describe('a few messages, far below any rate limit, are enough for a ban', () => {
  const signed = { topic, data: forged(1), from: new Uint8Array(34), seqno: new Uint8Array(8) }
  const wrongHash = (i: number) => sealedBlock(chain, 1_000n, { gasUsed: BigInt(i), blockHash: `0x${'ab'.repeat(32)}` })
  test.each([
    { of: 'signed messages', frames: Array.from({ length: 10 }, () => frame({ messages: [signed] })) },
    { of: 'messages on a topic of nobody', frames: messages(10, forged, '/nobody') },
    { of: 'blocks of a forged signer', frames: messages(60, forged) },
    { of: 'blocks with a wrong hash', frames: messages(10, (i) => gossipMessage(chain, wrongHash(i))) },
    { of: 'messages that are not compressed', frames: messages(10, (i) => new Uint8Array([0xff, 0xff, i])) },
  ])('$of', async ({ frames }) => {
    const node = await victim()
    const peer = await attacker()
    const stream = await peer.openGossip(addressOf(node))
    void stream.sink(frames).catch(() => undefined)
    await until(() => node.gater.bans.has(peer.id))
  })
})

test('blocks out of their time are refused, and no reason for a ban', async () => {
  const node = await victim()
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(node))
  const number = (i: number) => (i % 2 === 0 ? BigInt(i) : 2_000n + BigInt(i))
  void stream.sink(messages(40, (i) => gossipMessage(chain, sealedBlock(chain, number(i))))).catch(() => undefined)
  await untilMetric(node, 'p2p_gossip_blocks_total', { reason: 'stale' }, 20)
  await untilMetric(node, 'p2p_gossip_blocks_total', { reason: 'future' }, 20)
  expect(node.gater.bans.size).toBe(0)
  expect(node.received).toEqual([])
  expect(node.network.peers()[0]?.score).toBeLessThan(0)
})

test('a flood leaves the scores of honest peers and their blocks alone', async () => {
  const sequencer = await victim({ sequencer: true })
  const node = await victim()
  await node.network.connect(addressOf(sequencer))
  await meshed([sequencer, node])
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(node))
  const flooding = flood(stream, messages(500, forged), AbortSignal.timeout(8_000))
  for (let i = 0n; i < 5n; i++) {
    await sequencer.network.publish(sealedBlock(chain, 1_000n, { gasUsed: i }))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await flooding
  await until(() => node.received.length === 5)
  const [summary] = node.network.peers()
  expect(summary?.peerId).toBe(sequencer.network.peerId)
  expect(summary?.score).toBeGreaterThanOrEqual(0)
})

test('a handful of decompression bombs is enough for a ban', async () => {
  const node = await victim()
  const peer = await attacker()
  const bombs = Array.from({ length: 8 }, (_, i) => {
    const zeros = new Uint8Array(gossipBytesMax)
    zeros[0] = i
    const data = snappyEncode(zeros)
    expect(data.length).toBeLessThan(gossipBytesMax / 20)
    return frame({ messages: [{ topic, data }] })
  })
  await floodUntilCut(node, peer, bombs)
  expect(await metric(node.metrics, 'p2p_gossip_blocks_total', { reason: 'signature' })).toBeLessThanOrEqual(6)
  expect(node.gater.bans.has(peer.id)).toBe(true)
})

test('a message that declares more than 10 MiB is refused by its length alone', async () => {
  const node = await victim()
  const peer = await attacker()
  const data = snappyEncode(new Uint8Array(100))
  const declared = new Uint8Array([...encodeUvarint(gossipBytesMax + 1), ...data.subarray(1)])
  const stream = await peer.openGossip(addressOf(node))
  void stream.sink([frame({ messages: [{ topic, data: declared }] })])
  await untilMetric(node, 'p2p_gossip_blocks_total', { reason: 'size' }, 1)
})

test('a banned peer is refused before the handshake, under any name', async () => {
  const node = await victim()
  const peer = await attacker()
  await floodUntilCut(node, peer, messages(500, forged))
  const renamed = await attacker()
  await Promise.all([peer, renamed].map((each) => expect(each.dial(addressOf(node))).rejects.toThrow()))
  const neighbour = await attacker({ ip: '127.0.0.67' })
  await neighbour.dial(addressOf(node))
  await until(() => node.network.peers()[0]?.peerId === neighbour.id)
})

test('a flood from a shared loopback address bans the peer, not the address', async () => {
  const node = await victim()
  const peer = await attacker({ ip: '127.0.0.1' })
  await floodUntilCut(node, peer, messages(500, forged))
  expect([...node.gater.bans.keys()]).toEqual([peer.id])
})

test('a static peer is never banned, but its flood is dropped', async () => {
  const peer = await attacker()
  const node = await victim({ staticPeers: [peer.id] })
  const stream = await peer.openGossip(addressOf(node))
  await flood(stream, messages(2_000, forged), AbortSignal.timeout(1_500))
  expect(node.gater.bans.size).toBe(0)
  expect(await metric(node.metrics, 'p2p_gossip_dropped_total', { reason: 'rpc' })).toBeGreaterThan(0)
})

test('a frame larger than a message may be ends in a hang-up, not in silence for ever', async () => {
  let offsetMs = 0
  const sleep = (_: number, signal?: AbortSignal) => systemClock.sleep(20, signal)
  const node = await victim({ clock: { nowMs: () => Date.now() + offsetMs, sleep } })
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(node))
  void stream.sink([frame({}), encodeUvarint(14 * 1024 * 1024), new Uint8Array(1_000)]).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(peer.isConnected).toBe(true)
  offsetMs = 11_000
  await until(() => !peer.isConnected)
  expect(await metric(node.metrics, 'p2p_peers_cut_total', { reason: 'silent' })).toBe(1)
})

async function untilMetric(node: TestNode, name: string, labels: Record<string, string>, value: number): Promise<void> {
  await until(async () => (await metric(node.metrics, name, labels)) >= value)
}

function control(entries: Partial<NonNullable<Parameters<typeof frame>[0]['control']>>) {
  return { ihave: [], iwant: [], graft: [], prune: [], idontwant: [], ...entries }
}

function frameOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([...encodeUvarint(bytes.length), ...bytes])
}
