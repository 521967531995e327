import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { banMs, banScoreDefault, type GuardedPeer, PeerGuard } from '../../../p2p/gossip/peer-guard.ts'
import { FakeGater } from '../../fakes/block-net.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

function guarded(change: Partial<GuardedPeer> = {}): GuardedPeer {
  return { peerId: 'a', ip: '10.0.0.1', connectedAtMs: 0, score: 0, isReading: true, isStatic: false, ...change }
}

function world(...first: GuardedPeer[]) {
  const clock = new ManualClock()
  const gater = new FakeGater()
  const state = { peers: first, hungUp: [] as string[], silenced: [] as string[] }
  const guard = new PeerGuard({
    clock,
    log: silentLog,
    metrics: new Registry(),
    gater,
    banScore: banScoreDefault,
    peers: () => state.peers,
    hangUp: (peerId) => void state.hungUp.push(peerId),
    onSilenced: (peerId) => void state.silenced.push(peerId),
  })
  return { clock, gater, guard, state }
}

test('a score of -100 is borne, one below is a ban of an hour for peer and address', () => {
  const { guard, gater, state } = world(
    guarded({ score: -100 }),
    guarded({ peerId: 'b', ip: '10.0.0.2', score: -100.5 }),
  )
  guard.poll()
  expect(state.hungUp).toEqual(['b'])
  expect([...gater.bans]).toEqual([
    ['b', banMs],
    ['10.0.0.2', banMs],
  ])
})

test('all peers are looked at four times a second', async () => {
  const { guard, clock, state } = world()
  guard.start()
  state.peers = [guarded({ score: -1_000 })]
  clock.advance(249)
  await Promise.resolve()
  expect(state.hungUp).toEqual([])
  clock.advance(1)
  await Promise.resolve()
  await Promise.resolve()
  expect(state.hungUp).toEqual(['a'])
  await guard.stop()
})

test('the address of a static peer is not banned with another that shares it', () => {
  const { guard, gater } = world(guarded({ peerId: 'static', isStatic: true, score: -500 }), guarded({ score: -500 }))
  guard.poll()
  expect([...gater.bans.keys()]).toEqual(['a'])
})

test('a peer that never opened a gossip stream has ten seconds', () => {
  const { guard, clock, state } = world(guarded({ isReading: false }))
  clock.advance(10_000)
  guard.poll()
  expect(state.hungUp).toEqual([])
  clock.advance(1)
  guard.poll()
  expect(state).toMatchObject({ hungUp: ['a'], silenced: [] })
})

test('a peer that lost its gossip stream has ten seconds, and loses points', () => {
  const { guard, clock, state } = world(guarded())
  clock.advance(60_000)
  guard.poll()
  state.peers = [guarded({ isReading: false })]
  clock.advance(10_000)
  guard.poll()
  expect(state.hungUp).toEqual([])
  clock.advance(250)
  guard.poll()
  expect(state).toMatchObject({ hungUp: ['a'], silenced: ['a'] })
})
