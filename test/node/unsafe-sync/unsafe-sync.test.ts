import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { EngineSync } from '../../../node/unsafe-sync/engine-sync.ts'
import { UnsafeSync } from '../../../node/unsafe-sync/unsafe-sync.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { heights } from '../../fakes/fake-engine.ts'

async function world(isWanted = false, safeLagMs = 4_000, before: (us: DriverWorld) => void = () => undefined) {
  const us = await DriverWorld.create()
  before(us)
  const { state, l2 } = us
  const requestReset = (reason: string) => us.driver.requestReset(reason)
  const engineSync = new EngineSync(us.config, { isWanted, safeLagMs }, { state, l2, requestReset, log: silentLog })
  us.engineSync = engineSync
  const sync = new UnsafeSync(us.config, {
    driver: us.driver,
    engineSync,
    queue: us.unsafePayloads,
    log: silentLog,
    registry: us.registry,
  })
  return { us, sync, engineSync }
}

describe('a gossiped block', () => {
  test('becomes the unsafe head', async () => {
    const { us, sync } = await world()
    await us.driver.step()
    const block = us.payload(us.state.heads.unsafe)
    sync.submit(block)
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.hash).toBe(block.executionPayload.blockHash)
  })

  test('never replaces a safe block, nor an unsafe one', async () => {
    const { us, sync } = await world()
    await us.driver.step()
    const genesis = us.state.heads.unsafe
    await us.extendUnsafe(2)
    us.pipeline.queue.push(us.derived(genesis))
    await us.settle()
    const before = us.state.heads
    expect(heights(before)).toEqual([2, 1, 0])
    const rivalOfSafe = us.payload(genesis, undefined, [Uint8Array.of(9)])
    const rivalOfUnsafe = us.payload(before.safe, undefined, [Uint8Array.of(9)])
    for (const rival of [rivalOfSafe, rivalOfUnsafe]) {
      sync.submit(rival)
      await us.settleUnsafe()
    }
    expect(us.state.heads).toEqual(before)
    expect(us.unsafePayloads.length).toBe(0)
  })

  test('with a time that its number cannot have is dropped, and the caller learns it', async () => {
    const { us, sync } = await world()
    await us.driver.step()
    const { executionPayload } = us.payload(us.state.heads.unsafe)
    const accepted = sync.submit({ executionPayload: { ...executionPayload, blockNumber: 10_000_000n } })
    expect([us.unsafePayloads.length, accepted]).toEqual([0, false])
  })
})

describe('execution-layer sync', () => {
  /** Blocks 1 to `count` as the network has them; the engine gets them when its own sync is done. */
  async function chain(count: number): Promise<readonly PayloadEnvelope[]> {
    const elsewhere = await DriverWorld.create()
    await elsewhere.driver.step()
    const blocks: PayloadEnvelope[] = []
    for (let i = 0; i < count; i++) {
      const block = elsewhere.payload(elsewhere.state.heads.unsafe)
      blocks.push(block)
      elsewhere.driver.onUnsafePayload(block)
      await elsewhere.settleUnsafe()
    }
    return blocks
  }

  test('the newest block goes straight to the engine and derivation rests until it has it; safe begins below', async () => {
    const { us, sync, engineSync } = await world(true)
    const blocks = await chain(10)
    sync.submit(blocks[9] as PayloadEnvelope)
    await engineSync.offer(blocks[9] as PayloadEnvelope)
    expect(us.engine.calls).toContain('newPayload')
    expect([await us.driver.step(), us.pipeline.steppedOn]).toEqual(['idle', []])
    // The engine's own peers brought it there.
    for (const block of blocks) await us.engine.newPayload(block)
    await engineSync.offer(blocks[9] as PayloadEnvelope)
    expect(engineSync.isActive).toBe(false)
    await us.driver.step()
    expect(heights(us.state.heads)).toEqual([10, 8, 8])
  })

  test('an engine with a finalized block is followed block by block', async () => {
    const [first] = await chain(1)
    const { us, sync, engineSync } = await world(true, 4_000, (us) => {
      const ref = us.l2.refOf(first as PayloadEnvelope)
      us.state.move({ unsafe: ref, pendingSafe: ref, safe: ref, finalized: ref })
    })
    await us.engine.newPayload(first as PayloadEnvelope)
    expect(engineSync.isActive).toBe(false)
    us.state.reset(us.state.heads)
    sync.submit(us.payload(us.state.heads.unsafe))
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.number).toBe(2n)
  })

  test('a block that the engine finds invalid does not end it, nor one it fails on', async () => {
    const { us, engineSync } = await world(true)
    const blocks = await chain(2)
    us.engine.invalid = () => true
    await engineSync.offer(blocks[0] as PayloadEnvelope)
    us.engine.invalid = () => false
    us.engine.failure = new Error('connection refused')
    await engineSync.offer(blocks[0] as PayloadEnvelope)
    us.engine.failure = undefined
    expect(engineSync.isActive).toBe(true)
    await engineSync.offer(blocks[0] as PayloadEnvelope)
    expect(engineSync.isActive).toBe(false)
  })

  test('without the mode nothing is handed over', async () => {
    const { us, engineSync } = await world(false)
    await engineSync.offer((await chain(1))[0] as PayloadEnvelope)
    expect([engineSync.isActive, us.engine.calls]).toEqual([false, []])
  })
})
