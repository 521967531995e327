import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../common/clock.ts'
import { product } from '../../../p2p/workers/challenge/hardware-challenge.ts'
import type { ServedProof } from '../../../p2p/workers/proofs/proof-store.ts'
import { leafBytes } from '../../../p2p/workers/proofs/proof-tree.ts'
import { stakePerUnit } from '../../../p2p/workers/registry-view.ts'
import { workerProtocol, workerTopic } from '../../../p2p/workers/wire/topics.ts'
import { encodeUvarint } from '../../../protocol/uvarint.ts'
import { metric } from '../../fakes/block-net.ts'
import { flood, frame, HostilePeer } from '../../fakes/hostile-peer.ts'
import { standingClock } from '../../fakes/manual-clock.ts'
import { until } from '../../fakes/until.ts'
import {
  account,
  addressOfWorker,
  announcement,
  authorOf,
  bookOf,
  join,
  netChain,
  startWorkerNode,
  type TestWorkerNode,
} from '../../fakes/worker-net.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function node(...args: Parameters<typeof startWorkerNode>): Promise<TestWorkerNode> {
  const started = await startWorkerNode(...args)
  stops.push(() => started.network.stop())
  return started
}

async function hostile(): Promise<HostilePeer> {
  const peer = await HostilePeer.start()
  stops.push(() => peer.stop())
  return peer
}

const never = new AbortController().signal
const [one, two] = [account(1).address, account(2).address]
const book = () => bookOf([one, two], [account(100).address, account(101).address])

/** A clock that a test sets ahead. */
class AheadClock implements Clock {
  aheadMs = 0
  readonly nowMs = () => Date.now() + this.aheadMs
  readonly sleep = systemClock.sleep
}

test('an announcement reaches a checker two hops away, once, and its proof of 20 MiB is pulled from the worker', async () => {
  const chain = book()
  const worker = await node('worker', 1, chain)
  const [near, far] = [await node('checker', 100, chain), await node('checker', 101, chain)]
  await join(worker, near)
  await join(near, far)
  await until(() => [near, far].every(({ network }) => network.meshPeers('proofs').length === 1))
  const bytes = new Uint8Array(randomBytes(20 * 1024 * 1024 + 17))
  const proofHash = await worker.store.put(bytes)
  expect(
    await worker.network.publish('proofs', announcement(authorOf(1), 1, { proofHash, proofBytes: bytes.length })),
  ).toBe(1)
  await until(() => far.proofs.length > 0)
  expect(far.proofs.map(({ value }) => value.proofHash)).toEqual([proofHash])
  expect(near.proofs).toHaveLength(1)
  const pulled = await near.network.pull({ proofHash, proofBytes: bytes.length }, near.network.hostsOf(one), never)
  expect(Buffer.compare(pulled, bytes)).toBe(0)
})

describe('who is let in', () => {
  test('a worker that has no stake says nothing; once it has, it is bound', async () => {
    const chain = bookOf([], [account(100).address])
    const clock = new AheadClock()
    const [worker, checker] = [await node('worker', 1, chain, { clock }), await node('checker', 100, chain, { clock })]
    await worker.network.connect(addressOfWorker(checker))
    await until(() => checker.network.peers().length === 1)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(checker.network.peers()[0]?.role).toBeUndefined()
    clock.aheadMs = 11_000
    await until(() => (checker.network.peers()[0]?.score ?? 0) <= -50)
    chain.apply({ kind: 'registered', worker: one, units: 1, block: 5n })
    chain.apply({ kind: 'staked', worker: one, amount: stakePerUnit })
    await until(() => checker.network.peers()[0]?.role === 'worker')
    // The router keeps its scores for a while.
    await until(() => (checker.network.peers()[0]?.score ?? -50) > -50)
  })

  test('a peer that does not say who it is is cut, a worker that goes to jail loses its role', async () => {
    const chain = book()
    const clock = new AheadClock()
    const [worker, checker] = [await node('worker', 1, chain), await node('checker', 100, chain, { clock })]
    await join(worker, checker)
    const stranger = await hostile()
    await stranger.dial(addressOfWorker(checker))
    await until(() => checker.network.peers().length === 2)
    clock.aheadMs = 31_000
    await until(() => !stranger.isConnected)
    expect(checker.network.peers().map(({ role }) => role)).toEqual(['worker'])
    chain.apply({ kind: 'jailed', worker: one })
    await until(() => checker.network.peers()[0]?.role === undefined)
  })

  test('a worker that registers anew voids the bindings from before', async () => {
    const chain = book()
    const [worker, checker] = [
      await node('worker', 1, bookOf([one], [account(100).address])),
      await node('checker', 100, chain),
    ]
    await join(worker, checker)
    chain.apply({ kind: 'registered', worker: one, units: 1, block: 9n })
    await until(() => checker.network.peers()[0]?.role === undefined)
  })

  test('an account speaks through three hosts at most', async () => {
    const chain = book()
    const checker = await node('checker', 100, chain)
    const hosts = [await node('worker', 1, chain), await node('worker', 1, chain), await node('worker', 1, chain)]
    for (const host of hosts) await join(host, checker)
    const fourth = await node('worker', 1, chain)
    await fourth.network.connect(addressOfWorker(checker))
    await until(() => checker.network.peers().length === 4)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(checker.network.hostsOf(one)).toHaveLength(3)
  })
})

describe('floods', () => {
  const topic = workerTopic(netChain, 'proofs')
  const floods = {
    'messages of a stranger': () =>
      Array.from({ length: 300 }, (_, n) => frame({ messages: [{ topic, data: announcement(authorOf(1), n) }] })),
    'subscriptions to topics that do not exist': () =>
      Array.from({ length: 300 }, (_, i) =>
        frame({ subscriptions: Array.from({ length: 32 }, (_, j) => ({ topic: `/${i}/${j}`, subscribe: true })) }),
      ),
    'bytes that are no RPC': () => [new Uint8Array([...encodeUvarint(20_000n), ...new Uint8Array(20_000).fill(0xff)])],
  }
  test.each(Object.entries(floods))('%s: banned, and nothing was judged', async (_, frames) => {
    const checker = await node('checker', 100, book(), { clock: standingClock() })
    const peer = await hostile()
    const stream = await peer.openGossip(addressOfWorker(checker))
    await flood(stream, frames(), AbortSignal.timeout(10_000))
    await until(() => checker.gater.bans.has(peer.id))
    expect(await metric(checker.metrics, 'p2p_worker_messages_total')).toBe(0)
    expect(checker.proofs).toEqual([])
    await peer.dial(addressOfWorker(checker)).catch(() => undefined)
    await until(() => !peer.isConnected)
  })

  test('a bound worker that floods with what is only ignored is banned after what its limit allows', async () => {
    const chain = book()
    const [worker, checker] = [
      await node('worker', 1, chain),
      await node('checker', 100, chain, { clock: standingClock() }),
    ]
    await join(worker, checker)
    await until(() => checker.network.peers().length === 1)
    // Of a worker that nobody knows: each is ignored and costs two points, and those beyond the limit one.
    const unknown = authorOf(50)
    for (let n = 0; n < 5_000 && checker.gater.bans.size === 0; n++) {
      await worker.network.publish('proofs', announcement(unknown, n))
      if (n % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await until(() => checker.gater.bans.has(worker.network.peerId))
    expect(await metric(checker.metrics, 'p2p_worker_messages_total')).toBeLessThanOrEqual(700)
  })

  test('a peer whose frame is too large is not left connected without gossip', async () => {
    const clock = new AheadClock()
    const checker = await node('checker', 100, book(), { clock })
    const peer = await hostile()
    const stream = await peer.openGossip(addressOfWorker(checker))
    await stream
      .sink([new Uint8Array([...encodeUvarint(8n * 1024n * 1024n), ...new Uint8Array(65_536)])])
      .catch(() => undefined)
    clock.aheadMs = 31_000
    await until(() => !peer.isConnected)
  })
})

test('who comes late is told the open announcements, more than a worker may say at once', async () => {
  const chain = book()
  const [worker, early] = [await node('worker', 1, chain), await node('checker', 100, chain)]
  await join(worker, early)
  const author = authorOf(1)
  for (let n = 0; n < 60; n++) await worker.network.publish('proofs', announcement(author, n))
  const late = await node('checker', 101, chain)
  await join(late, worker)
  const since = Math.floor(Date.now() / 1_000) - 60
  expect(await late.network.catchUp(worker.network.peerId, since, never)).toBe(60)
  await until(() => late.proofs.length === 60)
  expect(await late.network.catchUp(worker.network.peerId, since, never)).toBe(0)
})

describe('pulls', () => {
  const size = 8 * 1024 * 1024 + 5
  const bytes = new Uint8Array(randomBytes(size))

  /** A worker that holds the bytes, and how its proof is spoilt. */
  async function holder(
    n: number,
    chain: ReturnType<typeof book>,
    spoil?: (proof: ServedProof) => ServedProof | undefined,
  ) {
    const read: number[] = []
    const started: TestWorkerNode = await node('worker', n, chain, {
      proof: (hash) => {
        const proof = started.store.get(hash)
        if (proof === undefined) return undefined
        const spoilt = spoil === undefined ? proof : spoil(proof)
        if (spoilt === undefined) return undefined
        const leaf = (i: number) => {
          read.push(i)
          return spoilt.leaf(i)
        }
        return { ...spoilt, leaf }
      },
    })
    return { started, read, proofHash: await started.store.put(bytes) }
  }

  async function pulled(spoil: (proof: ServedProof) => ServedProof | undefined) {
    const chain = book()
    const checker = await node('checker', 100, chain)
    const [bad, good] = [await holder(1, chain, spoil), await holder(2, chain)]
    await join(bad.started, checker)
    await join(good.started, checker)
    const wanted = { proofHash: good.proofHash, proofBytes: size }
    const [badId, goodId] = [bad.started.network.peerId, good.started.network.peerId]
    const result = await checker.network.pull(wanted, [badId, goodId], never)
    expect(Buffer.compare(result, bytes)).toBe(0)
    const alone = checker.network.pull(wanted, [badId], never)
    return { checker, badId, good, alone }
  }

  test('a holder that lies in one byte is named, what was right before is kept, and another goes on from there', async () => {
    const { checker, badId, good, alone } = await pulled((proof) => ({
      ...proof,
      leaf: (i) => {
        const leaf = new Uint8Array(proof.leaf(i))
        if (i === 100) leaf[17] = (leaf[17] ?? 0) ^ 1
        return leaf
      },
    }))
    expect(good.read[0]).toBe(100)
    await expect(alone).rejects.toMatchObject({ code: 'lied', message: expect.stringContaining(badId) })
    expect(checker.network.peers().find(({ peerId }) => peerId === badId)?.score ?? -100).toBeLessThan(-60)
  })

  test('one that breaks off, and one that has nothing, cost only time', async () => {
    const broken = await pulled((proof) => ({
      ...proof,
      leaf: (i) => {
        if (i === 7) throw new Error('the disk is gone')
        return proof.leaf(i)
      },
    }))
    // What came before it broke off is kept; of what was on its way then some may be lost.
    expect(broken.good.read[0]).toBeGreaterThan(0)
    expect(broken.good.read[0]).toBeLessThanOrEqual(7)
    await expect(broken.alone).rejects.toMatchObject({
      code: 'withheld',
      message: expect.stringContaining(broken.badId),
    })
    const nothing = await pulled(() => undefined)
    expect(nothing.good.read[0]).toBe(0)
    await expect(nothing.alone).rejects.toMatchObject({ code: 'withheld', message: expect.stringContaining('unknown') })
  })

  test('false leaf hashes, another length and an endless leaf are found out at once', async () => {
    const other = await pulled((proof) => ({ ...proof, leaves: proof.leaves.toReversed() }))
    expect(other.good.read[0]).toBe(0)
    await expect(other.alone).rejects.toMatchObject({ code: 'lied' })
    const longer = await pulled((proof) => ({ ...proof, size: proof.size + 1 }))
    await expect(longer.alone).rejects.toMatchObject({ code: 'withheld' })
    const endless = await pulled((proof) => ({ ...proof, leaf: () => new Uint8Array(2 * leafBytes) }))
    await expect(endless.alone).rejects.toMatchObject({ message: expect.stringContaining(`${leafBytes} are allowed`) })
  })

  test('one that says nothing is given up after ten seconds', async () => {
    const chain = book()
    const [checker, worker] = [await node('checker', 100, chain), await node('worker', 1, chain)]
    await join(worker, checker)
    const silent = await hostile()
    await silent.host.handle(workerProtocol(netChain, 'proof'), () => undefined)
    await silent.dial(addressOfWorker(checker))
    await until(() => checker.network.peers().length === 2)
    const proofHash = await worker.store.put(bytes)
    const startMs = performance.now()
    const pull = checker.network.pull({ proofHash, proofBytes: size }, [silent.id, worker.network.peerId], never)
    expect(Buffer.compare(await pull, bytes)).toBe(0)
    expect(performance.now() - startMs).toBeGreaterThan(9_900)
  })
})

test('a submission is accepted once and again, and refused where it is not valid or not a worker’s', async () => {
  const chain = book()
  const [worker, checker] = [await node('worker', 1, chain), await node('checker', 100, chain)]
  await join(worker, checker)
  const { peerId } = checker.network
  const author = authorOf(1)
  const bytes = announcement(author, 1)
  expect(await worker.network.submit(peerId, bytes, never)).toEqual({ kind: 'accepted' })
  expect(await worker.network.submit(peerId, bytes, never)).toEqual({ kind: 'accepted' })
  expect(checker.proofs).toHaveLength(1)
  const forged = new Uint8Array(announcement(author, 2))
  forged[100] = (forged[100] ?? 0) ^ 1
  expect(await worker.network.submit(peerId, forged, never)).toEqual({ kind: 'rejected', code: 'invalid' })
  expect(await worker.network.submit(peerId, announcement(authorOf(7), 2), never)).toEqual({
    kind: 'rejected',
    code: 'not-admitted',
  })
})

test('a worker that multiplies is believed by its rows; one that makes them up is not', async () => {
  const chain = book()
  const honest = await node('worker', 1, chain, { multiply: async (asked) => product(asked) })
  const liar = await node('worker', 2, chain, { multiply: async ({ size }) => new Int32Array(size * size) })
  const checker = await node('checker', 100, chain)
  await join(honest, checker)
  await join(liar, checker)
  const { score } = await checker.network.challenge(honest.network.peerId, 256, never)
  expect(score).toBeGreaterThan(0n)
  await expect(checker.network.challenge(liar.network.peerId, 256, never)).rejects.toMatchObject({ code: 'lied' })
})
