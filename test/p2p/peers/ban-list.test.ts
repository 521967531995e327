import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { BanList, bansMax } from '../../../p2p/peers/ban-list.ts'
import { memoryRecordStore, openRecordStore, type RecordStore } from '../../../p2p/peers/record-store.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'

const hourMs = 3_600_000

async function open(store: RecordStore, clock = new ManualClock(), statics: { peers?: string[]; ips?: string[] } = {}) {
  const options = { staticPeers: new Set(statics.peers), staticIps: new Set(statics.ips) }
  return BanList.open(options, { store, clock, log: silentLog, registry: new Registry() })
}

test('a ban holds for peer and IP until its time is over', async () => {
  const clock = new ManualClock()
  const bans = await open(memoryRecordStore(), clock)
  bans.ban('peer', '::ffff:10.0.0.1', hourMs)
  expect([bans.isDenied('peer'), bans.isDenied('10.0.0.1'), bans.isDenied('10.0.0.2')]).toEqual([true, true, false])
  clock.advance(hourMs)
  expect([bans.isDenied('peer'), bans.isDenied('10.0.0.1')]).toEqual([false, false])
  expect([...bans.list('peer'), ...bans.list('ip')]).toEqual([])
})

test('bans and blocks survive a restart, and those that ran out meanwhile do not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bans-'))
  try {
    const clock = new ManualClock()
    const store = await openRecordStore(folder, () => undefined)
    const bans = await open(store, clock)
    bans.ban('short', '10.0.0.1', hourMs)
    bans.ban('long', undefined, 3 * hourMs)
    bans.block('subnet', '10.1.0.0/16')
    bans.block('peer', 'for good')
    bans.block('peer', 'lifted')
    bans.unblock('peer', 'lifted')
    await store.close()
    clock.advance(2 * hourMs)
    const again = await openRecordStore(folder, () => undefined)
    const restored = await open(again, clock)
    expect(restored.list('peer').toSorted()).toEqual(['for good', 'long'])
    expect([restored.isDenied('10.0.0.1'), restored.isDenied('10.1.2.3')]).toEqual([false, true])
    await again.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a static peer is never banned, nor its address; an operator may block it', async () => {
  const bans = await open(memoryRecordStore(), new ManualClock(), { peers: ['static'], ips: ['10.0.0.1'] })
  bans.ban('static', '10.0.0.9', hourMs)
  bans.ban('other', '10.0.0.1', hourMs)
  expect([bans.isDenied('static'), bans.isDenied('10.0.0.9')]).toEqual([false, false])
  expect([bans.isDenied('other'), bans.isDenied('10.0.0.1')]).toEqual([true, false])
  bans.block('peer', 'static')
  expect(bans.isDenied('static')).toBe(true)
})

test('a ban does not shorten what an operator blocked for good', async () => {
  const clock = new ManualClock()
  const bans = await open(memoryRecordStore(), clock)
  bans.block('peer', 'peer')
  bans.ban('peer', undefined, hourMs)
  clock.advance(2 * hourMs)
  expect(bans.isDenied('peer')).toBe(true)
})

test('an attacker with endless identities does not grow the list, nor push out an operator’s block', async () => {
  const bans = await open(memoryRecordStore())
  bans.block('peer', 'blocked')
  for (let i = 0; i < bansMax + 10; i++) bans.ban(`peer ${i}`, undefined, hourMs)
  expect(bans.list('peer').length).toBe(bansMax)
  expect([bans.isDenied('blocked'), bans.isDenied('peer 0'), bans.isDenied(`peer ${bansMax}`)]).toEqual([
    true,
    false,
    true,
  ])
})

test('a subnet that cannot be read is refused', async () => {
  const bans = await open(memoryRecordStore())
  for (const bad of ['10.0.0.0', '10.0.0.0/33', 'x/8', '::/129']) {
    expect(() => bans.block('subnet', bad)).toThrow(expect.objectContaining({ code: 'address' }))
  }
})
