import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, test } from 'vitest'
import { readToEnd } from '../../../../p2p/stream-io.ts'
import type { PayloadEnvelope } from '../../../../protocol/engine-api.ts'
import { gossipBytesMax } from '../../../../protocol/gossip.ts'
import {
  encodePayloadRequest,
  encodePayloadResponse,
  payloadByNumberProtocols,
  payloadResponse,
} from '../../../../protocol/req-resp.ts'
import { snappyFrameEncode } from '../../../../protocol/snappy.ts'
import { addressOf, metric, presentChain, sealedBlock, startNode, type TestNode } from '../../../fakes/block-net.ts'
import { HostilePeer } from '../../../fakes/hostile-peer.ts'
import { until } from '../../../fakes/until.ts'

const chain = presentChain()
const names = payloadByNumberProtocols(chain.l2ChainId)
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function node(change: Parameters<typeof startNode>[1] = {}): Promise<TestNode> {
  const started = await startNode(chain, change)
  stops.push(() => started.network.stop())
  return started
}

async function stranger(): Promise<HostilePeer> {
  const peer = await HostilePeer.start()
  stops.push(() => peer.stop())
  return peer
}

/** Blocks 900 to 999. */
const ours = async (number: bigint): Promise<PayloadEnvelope | undefined> =>
  number >= 900n && number < 1_000n ? sealedBlock(chain, number) : undefined

describe('server', () => {
  /** What a server answers to one request, byte by byte. */
  async function ask(peer: HostilePeer, server: TestNode, number: bigint, name: string): Promise<Uint8Array> {
    const stream = await peer.host.dialProtocol(multiaddr(addressOf(server)), name)
    await stream.sink([encodePayloadRequest(number)])
    return await readToEnd(stream, 2 * gossipBytesMax)
  }

  test.each(names)('answers by the name %s', async (name) => {
    const server = await node({ payloadByNumber: ours })
    const answer = await ask(await stranger(), server, 950n, name)
    expect(answer).toEqual(encodePayloadResponse(payloadResponse(sealedBlock(chain, 950n), chain.forkTimes)))
    expect([...answer.subarray(0, 5)]).toEqual([0, 1, 0, 0, 0])
  })

  test.each([
    ['a block it lacks', 500n, 1],
    ['a block of the far future', 10_000n, 2],
    ['a block that cannot be read', 777n, 3],
  ])('says of %s so in one byte', async (_, number, code) => {
    const server = await node({
      payloadByNumber: async (wanted) => {
        if (wanted === 777n) throw new Error('disk')
        return await ours(wanted)
      },
    })
    expect([...(await ask(await stranger(), server, number, names[0]))]).toEqual([code])
  })

  test('a block before the genesis is an invalid request', async () => {
    const late = { ...chain, genesis: { ...chain.genesis, l2: { ...chain.genesis.l2, number: 100n } } }
    const server = await startNode(late, { payloadByNumber: ours })
    stops.push(() => server.network.stop())
    expect([...(await ask(await stranger(), server, 99n, names[0]))]).toEqual([2])
  })

  test('a peer that asks too often waits for its turn, others do not wait for it', async () => {
    const server = await node({ payloadByNumber: ours })
    const [greedy, modest] = [await stranger(), await stranger()]
    const startMs = performance.now()
    const first = ask(greedy, server, 950n, names[0])
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 6 }, () => ask(greedy, server, 950n, names[0])))
    expect(performance.now() - startMs).toBeGreaterThan(900)
    await first
    const throttled = Promise.all(Array.from({ length: 6 }, () => ask(greedy, server, 950n, names[0])))
    await expect(
      Promise.race([ask(modest, server, 950n, names[0]).then(() => 'modest'), throttled.then(() => 'throttled')]),
    ).resolves.toBe('modest')
    await throttled
  })

  test('half-open streams are few, and do not keep others from their answers', async () => {
    const server = await node({ payloadByNumber: ours })
    const silent = await stranger()
    const open: Stream[] = []
    for (let i = 0; i < 40; i++) {
      const stream = await silent.host
        .dialProtocol(multiaddr(addressOf(server)), names[i % 2] ?? '')
        .catch(() => undefined)
      if (stream !== undefined) open.push(stream)
    }
    // Sooner than the ten seconds after which each of them would have ended.
    await until(() => open.filter(({ status }) => status === 'open').length <= 8, 5_000)
    const answer = await ask(await stranger(), server, 950n, names[0])
    expect(answer[0]).toBe(0)
    expect(await metric(server.metrics, 'p2p_payload_requests_served_total', { result: 'payload' })).toBe(1)
  })

  test('a node told not to serve does not know the protocol', async () => {
    const server = await node({ payloadByNumber: ours, servePayloads: false })
    await expect(ask(await stranger(), server, 950n, names[0])).rejects.toThrow()
  })
})

describe('client', () => {
  /** A server of another make, which answers with these bytes. */
  async function other(answer: (stream: Stream) => Promise<void>, name = names[1]): Promise<HostilePeer> {
    const peer = await stranger()
    await peer.host.handle(name, ({ stream }) => void answer(stream).catch(() => undefined))
    return peer
  }
  const says = (bytes: Uint8Array) => async (stream: Stream) => {
    await stream.sink([bytes])
  }
  const good = encodePayloadResponse(payloadResponse(sealedBlock(chain, 950n), chain.forkTimes))

  async function request(peers: readonly HostilePeer[], number = 950n) {
    const client = await node()
    for (const peer of peers) await peer.dial(addressOf(client))
    await until(() => {
      const known = client.network.peers()
      return (
        known.length === peers.length && known.every(({ protocols }) => names.some((name) => protocols.includes(name)))
      )
    })
    const result = client.network.request(number)
    return {
      client,
      result,
      score: (peer: HostilePeer) => client.network.peers().find(({ peerId }) => peerId === peer.id)?.score ?? 0,
    }
  }

  test('between two nodes of ours a block arrives whole', async () => {
    const server = await node({ payloadByNumber: ours })
    const client = await node()
    await client.network.connect(addressOf(server))
    await until(() => client.network.peers()[0]?.protocols.includes(names[0]) === true)
    expect(await client.network.request(950n)).toEqual(sealedBlock(chain, 950n))
    expect(await client.network.request(1n, { peerId: server.network.peerId })).toBeUndefined()
  })

  test.each(names)('a server that knows only the name %s is understood', async (name) => {
    const peer = await other(says(good), name)
    const { result, score } = await request([peer])
    expect(await result).toEqual(sealedBlock(chain, 950n))
    expect(score(peer)).toBeGreaterThan(0)
  })

  test.each([
    ['op-node', Uint8Array.of(1)],
    ["kona's stub", Uint8Array.of(1, 0, 0, 0, 0)],
  ])('"not found" of %s is no fault', async (_, answer) => {
    const peer = await other(says(answer))
    const { result, score } = await request([peer])
    expect(await result).toBeUndefined()
    expect(score(peer)).toBe(0)
  })

  test('a server that fails is passed over for the next', async () => {
    const bad = await other(says(Uint8Array.of(3)))
    const empty = await other(says(Uint8Array.of(1)))
    const fine = await other(says(good))
    const { client, result, score } = await request([bad, empty, fine])
    expect(await result).toEqual(sealedBlock(chain, 950n))
    expect(score(fine)).toBeGreaterThan(0)
    await expect(client.network.request(950n, { peerId: bad.id })).resolves.toEqual(sealedBlock(chain, 950n))
    expect(score(bad)).toBeLessThan(0)
  })

  const lie = sealedBlock(chain, 950n, { gasUsed: 5n, blockHash: sealedBlock(chain, 950n).executionPayload.blockHash })
  const framed = (bytes: Uint8Array) => new Uint8Array([0, 1, 0, 0, 0, ...snappyFrameEncode(bytes)])
  test.each([
    ['a block whose hash is not its own', encodePayloadResponse(payloadResponse(lie, chain.forkTimes))],
    ['another block', encodePayloadResponse(payloadResponse(sealedBlock(chain, 951n), chain.forkTimes))],
    ['what is no block', framed(new Uint8Array(1_000))],
    ['a version of nobody', new Uint8Array([0, 9, 0, 0, 0, ...good.subarray(5)])],
    ['nothing', new Uint8Array(0)],
  ])('%s costs the server 20 points', async (_, answer) => {
    const peer = await other(says(answer))
    const { result, score } = await request([peer])
    await expect(result).rejects.toMatchObject({ name: 'P2pError', code: 'request' })
    expect(score(peer)).toBeLessThan(-18)
  })

  test('a response that expands beyond 10 MiB is refused', async () => {
    const peer = await other(says(framed(new Uint8Array(gossipBytesMax + 1))))
    const { result } = await request([peer])
    await expect(result).rejects.toThrow(/exceeds|bytes/)
  })

  test('a response without an end is cut', async () => {
    let sent = 0
    const peer = await other(async (stream) => {
      await stream.sink(
        (async function* () {
          for (;;) {
            yield new Uint8Array(65_536)
            sent += 65_536
          }
        })(),
      )
    })
    const { result } = await request([peer])
    await expect(result).rejects.toThrow(/more than/)
    expect(sent).toBeLessThan(3 * gossipBytesMax)
  })

  test('a request that is given up leaves no stream behind', async () => {
    const peer = await other(() => new Promise(() => {}))
    const client = await node()
    await peer.dial(addressOf(client))
    await until(() => client.network.peers()[0]?.protocols.includes(names[1]) === true)
    const abort = new AbortController()
    const result = client.network.request(950n, { signal: abort.signal })
    setTimeout(() => abort.abort(), 100)
    await expect(result).rejects.toMatchObject({ code: 'stopped' })
  })

  test('nobody to ask is an error of its own', async () => {
    const client = await node()
    await expect(client.network.request(950n)).rejects.toMatchObject({ code: 'no-peers' })
  })
})
