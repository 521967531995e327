import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, expect, test } from 'vitest'
import type { GossipHandlers } from '../../../p2p/gossip/gossip-port.ts'
import { type MeteredGossip, meteredGossip } from '../../../p2p/gossip/gossipsub.ts'
import { createHost, type Host } from '../../../p2p/host.ts'
import { nextKey } from '../../fakes/block-net.ts'
import { flood, frame, HostilePeer } from '../../fakes/hostile-peer.ts'
import { until } from '../../fakes/until.ts'

type Examined = { readonly id: Uint8Array; readonly data: Uint8Array }
type Node = Host<{ gossip: MeteredGossip<Examined> }>
const topics = ['/a', '/b']

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

/** A node that admits and accepts everything: what is left are the adapter's own defences. */
async function node(change: Partial<GossipHandlers<Examined>> = {}): Promise<Node> {
  const handlers: GossipHandlers<Examined> = {
    admitFrame: () => true,
    admitRpc: () => true,
    admitMessage: () => true,
    onViolation: () => {},
    examine: async (_, data) => ({ id: data.slice(0, 20), data }),
    judge: () => 'accept',
    applicationScore: () => 0,
    ...change,
  }
  const host = await createHost<{ gossip: MeteredGossip<Examined> }>(
    { privateKey: nextKey(), listenIp: '127.0.0.1', listenPort: 0, announce: [], agent: 'test', connectionsMax: 10 },
    { isDenied: () => false },
    {
      gossip: meteredGossip(
        { topics, slotSeconds: 1, frameBytesMax: 12 * 1024 * 1024, costBytes: ({ length }) => length, holdMs: 0 },
        handlers,
      ),
    },
  )
  await host.start()
  host.services.gossip.subscribeAll()
  stops.push(async () => host.stop())
  return host
}

async function attacker(options: Parameters<typeof HostilePeer.start>[0] = {}): Promise<HostilePeer> {
  const peer = await HostilePeer.start(options)
  stops.push(() => peer.stop())
  return peer
}

const addressOf = (host: Node) => String(host.getMultiaddrs()[0])

test('subscriptions to topics that do not exist leave nothing behind', async () => {
  const host = await node()
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(host))
  const frames = Array.from({ length: 200 }, (_, i) =>
    frame({ subscriptions: Array.from({ length: 32 }, (_, j) => ({ topic: `/${i}/${j}`, subscribe: true })) }),
  )
  let seen = 0
  host.services.gossip.addEventListener('subscription-change', () => seen++)
  await Promise.race([flood(stream, frames, AbortSignal.timeout(2_000)), until(() => seen >= frames.length)])
  expect(host.services.gossip['topics'].size).toBeLessThanOrEqual(topics.length)
})

test('a message is forwarded only when it is judged', async () => {
  const judged: string[] = []
  const results = ['reject', 'ignore', 'accept'] as const
  const middle = await node({
    judge: (_, __, { data }) => {
      judged.push(String(data[0]))
      return results[data[0] ?? 0] ?? 'reject'
    },
  })
  const received: number[] = []
  const receiver = await node({
    judge: (_, __, { data }) => {
      received.push(data[0] ?? 0)
      return 'accept'
    },
  })
  const sender = await node()
  for (const host of [receiver, sender]) await host.dial(multiaddr(addressOf(middle)))
  await until(() => middle.services.gossip.getMeshPeers('/a').length === 2)
  for (const kind of [0, 1, 2]) {
    const data = new Uint8Array(randomBytes(300))
    data[0] = kind
    await sender.services.gossip.port.publish('/a', data, data.slice(0, 20))
  }
  await until(() => judged.length === 3 && received.length === 1)
  expect(received).toEqual([2])
})

test('a message that is refused for lack of room may come again', async () => {
  let isBusy = true
  const received: Uint8Array[] = []
  const host = await node({
    examine: async (_, data) => {
      if (isBusy) throw new Error('busy')
      return { id: data.slice(0, 20), data }
    },
    judge: (_, __, { data }) => {
      received.push(data)
      return 'accept'
    },
  })
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(host))
  const message = frame({ messages: [{ topic: '/a', data: new Uint8Array(randomBytes(100)) }] })
  const sending = flood(stream, [message], AbortSignal.timeout(3_000))
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(received).toHaveLength(0)
  isBusy = false
  await until(() => received.length > 0)
  expect(received).toHaveLength(1)
  await sending
})

test('one block from many peers at once is examined once', async () => {
  let examined = 0
  const host = await node({
    examine: async (_, data) => {
      examined++
      await new Promise((resolve) => setTimeout(resolve, 200))
      return { id: data.slice(0, 20), data }
    },
  })
  const message = frame({ messages: [{ topic: '/a', data: new Uint8Array(randomBytes(100)) }] })
  for (let i = 0; i < 5; i++) {
    const stream = await (await attacker()).openGossip(addressOf(host))
    void stream.sink([message]).catch(() => undefined)
  }
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(examined).toBe(1)
})

test('the messages of one peer wait for each other, not for those of another', async () => {
  let slow = 0
  let highest = 0
  const fast: number[] = []
  const host = await node({
    examine: async (topic, data) => {
      if (topic === '/b') fast.push(slow)
      else {
        highest = Math.max(highest, ++slow)
        await new Promise((resolve) => setTimeout(resolve, 50))
        slow--
      }
      return { id: data.slice(0, 20), data }
    },
  })
  const many = Array.from({ length: 100 }, () =>
    frame({ messages: [{ topic: '/a', data: new Uint8Array(randomBytes(100)) }] }),
  )
  const flooding = flood(await (await attacker()).openGossip(addressOf(host)), many, AbortSignal.timeout(1_000))
  await until(() => highest > 0)
  const other = await (await attacker()).openGossip(addressOf(host))
  void other
    .sink([frame({ messages: [{ topic: '/b', data: new Uint8Array(randomBytes(100)) }] })])
    .catch(() => undefined)
  await until(() => fast.length === 1)
  expect(highest).toBe(1)
  await flooding
})

test('a peer that does not read holds up no other, and no more than 16 MiB', async () => {
  const received: Uint8Array[] = []
  const sender = await node()
  const honest = await node({
    judge: (_, __, { data }) => {
      received.push(data)
      return 'accept'
    },
  })
  await honest.dial(multiaddr(addressOf(sender)))
  const slow = await attacker({ reads: false })
  const stream = await slow.openGossip(addressOf(sender))
  void stream.sink([frame({ subscriptions: [{ topic: '/a', subscribe: true }] })]).catch(() => undefined)
  await until(() => sender.services.gossip.getSubscribers('/a').length === 2)
  for (let i = 0; i < 30; i++) {
    const data = new Uint8Array(randomBytes(1024 * 1024))
    await sender.services.gossip.port.publish('/a', data, data.slice(0, 20))
    await until(() => received.length === i + 1)
  }
  const waiting = sender.services.gossip.streamsOutbound.get(slow.id)?.['pushable'].readableLength ?? 0
  expect(waiting).toBeGreaterThan(1024 * 1024)
  expect(waiting).toBeLessThan(18 * 1024 * 1024)
})

test('frames that are no RPC are told of, one by one; an empty RPC is one', async () => {
  const violations: string[] = []
  const host = await node({ onViolation: (_, what) => violations.push(what) })
  const peer = await attacker()
  const stream = await peer.openGossip(addressOf(host))
  const garbage = new Uint8Array([3, 0xff, 0xff, 0xff])
  const tooMany = frame({ messages: Array.from({ length: 300 }, () => ({ topic: '/a', data: new Uint8Array(1) })) })
  void stream.sink([garbage, frame({}), tooMany, new Uint8Array([0])]).catch(() => undefined)
  await until(() => violations.length >= 2)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(violations).toEqual(['encoding', 'encoding'])
})

test('nobody monitors connections but our own pings', async () => {
  const host = await node()
  expect(Reflect.get(Reflect.get(host, 'components'), 'connectionManager')).toBeDefined()
  expect(() => Reflect.get(Reflect.get(host, 'components'), 'connectionMonitor')).toThrow()
})
