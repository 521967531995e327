import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { addressMsMax, PeerBook, peersKnownMax, redialMs } from '../../../p2p/peers/peer-book.ts'
import { PeerManager, superfluous } from '../../../p2p/peers/peer-manager.ts'
import { memoryRecordStore } from '../../../p2p/peers/record-store.ts'
import { StaticPeers } from '../../../p2p/peers/static-peers.ts'
import { FakeNetwork } from '../../fakes/fake-network.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

const signal = new AbortController().signal
const limits = { lo: 2, hi: 4, graceMs: 30_000 }
const ids = [
  '16Uiu2HAmSH2XVgZqYHWucap5kuPzLnt2TsNQkoppVxB5eJGvaXwm',
  '16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY',
  '16Uiu2HAmQATsRnAHZ2ywW7gbnRYtzRLYgEKbbdDkTQEszBQAGBqa',
]
const address = (i: number) => `/ip4/10.0.0.${i}/tcp/9222/p2p/${ids[i]}`

async function world() {
  const clock = new ManualClock(1_000_000)
  const network = new FakeNetwork()
  const store = memoryRecordStore()
  const book = await PeerBook.open({ store, clock })
  const denied = new Set<string>()
  const parts = { network, book, isDenied: (x: string) => denied.has(x), clock, log: silentLog }
  return {
    clock,
    network,
    store,
    book,
    denied,
    manager: new PeerManager(limits, { ...parts, registry: new Registry() }),
  }
}

describe('connections', () => {
  test('too few: peers of the book are dialled, not those that are banned', async () => {
    const { network, book, manager, denied } = await world()
    for (const i of [0, 1, 2]) book.seen({ peerId: ids[i] as string, multiaddr: address(i) })
    denied.add(ids[0] as string)
    denied.add('10.0.0.1')
    network.reachable.add(address(2))
    await manager.look(signal)
    expect(network.dialled).toEqual([address(2)])
  })

  test('a peer that does not answer is left alone for longer and longer', async () => {
    const { clock, network, book, manager } = await world()
    book.seen({ peerId: ids[0] as string, multiaddr: address(0) })
    for (const waitMs of [redialMs.first, 2 * redialMs.first, 4 * redialMs.first]) {
      await manager.look(signal)
      clock.advance(waitMs - 1)
      await manager.look(signal)
      clock.advance(1)
    }
    expect(network.dialled).toHaveLength(3)
  })

  test('enough: nobody is dialled', async () => {
    const { network, book, manager } = await world()
    book.seen({ peerId: ids[0] as string, multiaddr: address(0) })
    for (const peer of ['a', 'b']) network.add(peer)
    await manager.look(signal)
    expect(network.dialled).toEqual([])
    expect(manager.isHungry).toBe(false)
  })

  test('too many: the worst go after their grace, until the low mark is reached', async () => {
    const { clock, network, manager } = await world()
    for (const [peer, score] of [...'abcde'].map((name, i) => [name, i] as const)) network.add(peer, { score })
    network.add('static', { score: -50, isStatic: true })
    network.add('protected', { score: -50 })
    manager.protect('protected')
    await manager.look(signal)
    expect(network.peers()).toHaveLength(7)
    clock.advance(limits.graceMs)
    await manager.look(signal)
    expect(network.peers().map(({ peerId }) => peerId)).toEqual(['static', 'protected'])
  })

  test('a peer without block gossip goes before one with a worse score', () => {
    const network = new FakeNetwork()
    network.add('gossips', { score: -5 })
    network.add('idles', { score: 0, gossipBlocks: false })
    const rules = { isKept: () => false, sinceMs: () => 0 }
    const closed = superfluous(network.peers(), { lo: 1, hi: 1, graceMs: 0 }, 1, rules)
    expect(closed.map(({ peerId }) => peerId)).toEqual(['idles'])
  })
})

describe('the book', () => {
  test('keeps peers over a restart for a day', async () => {
    const { clock, store, book } = await world()
    book.seen({ peerId: ids[0] as string, multiaddr: address(0), enr: 'enr:x' })
    clock.advance(addressMsMax / 2)
    book.seen({ peerId: ids[1] as string, multiaddr: address(1) })
    clock.advance(addressMsMax / 2 + 1)
    expect((await PeerBook.open({ store, clock })).all().map(({ peerId }) => peerId)).toEqual([ids[1]])
  })

  test('forgets the one not heard of for longest when it is full', async () => {
    const { book } = await world()
    for (let i = 0; i <= peersKnownMax; i++) book.seen({ peerId: `peer ${i}`, multiaddr: address(0) })
    expect(book.all()).toHaveLength(peersKnownMax)
    expect(book.get('peer 0')).toBeUndefined()
  })
})

test('records of a stranger neither push out nor delay a peer that once answered', async () => {
  const { network, book, manager } = await world()
  book.seen({ peerId: ids[0] as string, multiaddr: address(0), answered: true })
  for (let i = 0; i < 2 * peersKnownMax; i++) book.seen({ peerId: `sybil ${i}`, multiaddr: address(1) })
  expect(book.all()).toHaveLength(peersKnownMax)
  network.reachable.add(address(0))
  await manager.look(signal)
  expect(network.dialled).toContain(address(0))
})

describe('static peers', () => {
  test('are dialled again with back-off until they answer, and again when they are lost', async () => {
    const clock = new ManualClock()
    const network = new FakeNetwork()
    const peers = new StaticPeers([address(0)], { network, clock, log: silentLog })
    await peers.dialMissing(signal)
    clock.advance(999)
    await peers.dialMissing(signal)
    expect(network.dialled).toHaveLength(1)
    clock.advance(1)
    network.reachable.add(address(0))
    await peers.dialMissing(signal)
    await peers.dialMissing(signal)
    expect(network.dialled).toHaveLength(2)
    await network.disconnect(ids[0] as string)
    await peers.dialMissing(signal)
    expect(network.dialled).toHaveLength(3)
  })

  test('all addresses of a peer are tried', async () => {
    const network = new FakeNetwork()
    const other = address(0).replace('10.0.0.0', '10.0.0.7')
    network.reachable.add(other)
    await new StaticPeers([address(0), other], { network, clock: new ManualClock(), log: silentLog }).dialMissing(
      signal,
    )
    expect(network.dialled).toEqual([address(0), other])
  })

  test('a node in its own list is left out', async () => {
    const network = new FakeNetwork()
    network.peerId = ids[0] as string
    await new StaticPeers([address(0)], { network, clock: new ManualClock(), log: silentLog }).dialMissing(signal)
    expect(network.dialled).toEqual([])
  })

  test('an address without peer id is refused by name', () => {
    const parts = { network: new FakeNetwork(), clock: new ManualClock(), log: silentLog }
    expect(() => new StaticPeers(['/ip4/10.0.0.1/tcp/9222'], parts)).toThrow('does not end in /p2p/')
  })
})
