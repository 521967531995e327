import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { fillBytesMax, GapFiller, graceMs, retryMs } from '../../../node/unsafe-sync/gap-filler.ts'
import { peersAskedMax, quarantineMax } from '../../../node/unsafe-sync/reverse-sync.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { FakeNetwork } from '../../fakes/fake-network.ts'
import { hash } from '../../fakes/rollup-config.ts'

const signal = new AbortController().signal

/** A node at genesis, the chain that its peers have, and the newest block of it in its queue. */
async function world(blocks: number) {
  const peersWorld = await DriverWorld.create()
  await peersWorld.driver.step()
  const chain = new Map<bigint, PayloadEnvelope>()
  for (let i = 0; i < blocks; i++) {
    const envelope = peersWorld.payload(peersWorld.state.heads.unsafe)
    peersWorld.driver.onUnsafePayload(envelope)
    await peersWorld.settleUnsafe()
    chain.set(envelope.executionPayload.blockNumber, envelope)
  }
  const us = await DriverWorld.create()
  await us.driver.step()
  const network = new FakeNetwork()
  const queue = us.unsafePayloads
  const room = { bytes: 0 }
  const filler = new GapFiller(us.config, {
    network,
    queue: {
      peek: () => queue.peek(),
      get bytes() {
        return queue.bytes + room.bytes
      },
    },
    heads: () => us.state.heads,
    isReady: () => us.state.isReady,
    accept: (envelope) => us.driver.onUnsafePayload(envelope),
    clock: us.clock,
    log: silentLog,
    registry: us.registry,
  })
  const gossip = (number: number) => us.driver.onUnsafePayload(chain.get(BigInt(number)) as PayloadEnvelope)
  const fill = async () => {
    await filler.step(signal)
    us.clock.advance(graceMs)
    return filler.step(signal)
  }
  return { us, network, filler, chain, gossip, fill, room, serve: (number: bigint) => chain.get(number) }
}

const forged = (envelope: PayloadEnvelope, change: Partial<PayloadEnvelope['executionPayload']>): PayloadEnvelope => ({
  executionPayload: { ...envelope.executionPayload, ...change },
})

describe('a gap below the newest block', () => {
  test('is filled from several peers down to the unsafe head, and the chain follows', async () => {
    const { us, network, fill, gossip, serve } = await world(150)
    for (const peer of ['a', 'b', 'c']) network.serve(peer, serve)
    gossip(150)
    expect(await fill()).toBe('again')
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.number).toBe(150n)
    expect(new Set(network.requests.map(({ peerId }) => peerId))).toEqual(new Set(['a', 'b', 'c']))
    expect(network.reported).toEqual([])
  })

  test('is left alone for a moment: blocks may only have overtaken each other', async () => {
    const { us, network, filler, gossip, serve } = await world(2)
    network.serve('a', serve)
    gossip(2)
    expect(await filler.step(signal)).toEqual({ afterMs: graceMs })
    gossip(1)
    await us.settleUnsafe()
    us.clock.advance(graceMs)
    expect(await filler.step(signal)).toBe('idle')
    expect(network.requests).toEqual([])
  })

  test('a peer with another block is reported, and the block comes from another peer', async () => {
    const { us, network, fill, gossip, serve } = await world(5)
    network.serve('liar', (number) => {
      const envelope = serve(number)
      return envelope && forged(envelope, { blockHash: hash(number + 7_000n) })
    })
    network.serve('honest', serve)
    gossip(5)
    await fill()
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.number).toBe(5n)
    expect(new Set(network.reported)).toEqual(new Set(['liar']))
  })

  test.each([
    ['another number', { blockNumber: 9n }],
    ['a time that its number cannot have', { timestamp: 12_345n }],
  ])('a block with %s counts against who gave it, whatever its hash says', async (_what, change) => {
    const { us, network, fill, gossip, serve } = await world(3)
    network.serve('liar', (number) => forged(serve(number) as PayloadEnvelope, change))
    gossip(3)
    expect(await fill()).toEqual({ afterMs: retryMs })
    await us.settleUnsafe()
    expect([us.state.heads.unsafe.number, network.reported]).toEqual([0n, ['liar']])
  })

  test('a peer without the block is not blamed; that nobody has it is waited for', async () => {
    const { network, fill, gossip } = await world(3)
    network.serve('a', () => undefined)
    network.serve('b', () => new Error('stream reset'))
    gossip(3)
    expect(await fill()).toEqual({ afterMs: retryMs })
    expect(network.reported).toEqual([])
    expect(network.requests.length).toBeLessThanOrEqual(8)
  })

  test('derivation that overtakes ends the search', async () => {
    const { us, network, fill, gossip, serve } = await world(60)
    let asked = 0
    network.serve('a', (number) => {
      // Meanwhile L1 brings the node to block 58.
      if (++asked === 3) us.state.move({ unsafe: us.l2.refOf(serve(58n) as PayloadEnvelope) })
      return serve(number)
    })
    gossip(60)
    await fill()
    expect(asked).toBeLessThan(5)
    expect(us.state.heads.unsafe.number).toBe(58n)
  })

  test('a chain that does not build on our head is fetched once, not for ever', async () => {
    const { us, network, filler, fill, gossip, serve } = await world(6)
    us.driver.onUnsafePayload(us.payload(us.state.heads.unsafe, undefined, [Uint8Array.of(1)]))
    await us.settleUnsafe()
    const ours = us.state.heads.unsafe
    network.serve('a', serve)
    gossip(6)
    expect(await fill()).toBe('idle')
    const asked = network.requests.length
    await us.settleUnsafe()
    expect(await filler.step(signal)).toBe('idle')
    expect([network.requests.length, us.state.heads.unsafe.hash]).toEqual([asked, ours.hash])
    expect(network.reported).toEqual([])
  })

  test('nothing is fetched into a queue that is nearly full', async () => {
    const { network, fill, gossip, serve, room } = await world(5)
    network.serve('a', serve)
    room.bytes = fillBytesMax
    gossip(5)
    expect(await fill()).toEqual({ afterMs: retryMs })
    expect(network.requests).toEqual([])
  })

  test('a slow peer holds up no more than the quarantine, and few requests are under way', async () => {
    const { network, fill, gossip, serve } = await world(250)
    for (let i = 0; i < 20; i++) network.serve(`peer ${i}`, serve)
    gossip(250)
    await fill()
    expect(network.inFlightMax).toBeLessThanOrEqual(peersAskedMax)
    const lowest = network.requests.map(({ number }) => number)
    for (const [i, number] of lowest.entries()) expect(250 - Number(number)).toBeLessThanOrEqual(i + quarantineMax)
  })

  test('a peer that does not speak the protocol is not asked', async () => {
    const { network, fill, gossip } = await world(3)
    network.add('gossip only', { protocols: ['/meshsub/1.1.0'] })
    gossip(3)
    expect(await fill()).toEqual({ afterMs: retryMs })
    expect(network.requests).toEqual([])
  })

  test('where the best peers know nothing, the others have their turn', async () => {
    const { us, network, filler, fill, gossip, serve } = await world(3)
    for (let i = 0; i < 2 * peersAskedMax; i++) network.serve(`ignorant ${i}`, () => undefined)
    network.serve('knows', serve)
    network.add('knows', { score: -5 })
    gossip(3)
    await fill()
    for (let run = 0; run < 3; run++) await filler.step(signal)
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.number).toBe(3n)
  })

  test('stops at once when the node stops', async () => {
    const { us, network, filler, gossip } = await world(3)
    const stopping = new AbortController()
    network.serve('a', () => {
      stopping.abort()
      return undefined
    })
    gossip(3)
    await filler.step(stopping.signal)
    us.clock.advance(graceMs)
    await filler.step(stopping.signal)
    expect(network.requests).toHaveLength(1)
  })
})
