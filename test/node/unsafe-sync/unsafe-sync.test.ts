import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { EngineSync } from '../../../node/unsafe-sync/engine-sync.ts'
import { UnsafeSync } from '../../../node/unsafe-sync/unsafe-sync.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { heights } from '../../fakes/fake-engine.ts'
import { FakeNetwork } from '../../fakes/fake-network.ts'

async function world(isWanted = false, safeLagMs = 4_000) {
  const us = await DriverWorld.create()
  const network = new FakeNetwork()
  const { state, l2, clock } = us
  const requestReset = (reason: string) => us.driver.requestReset(reason)
  const engineSync = new EngineSync(
    us.config,
    { isWanted, safeLagMs },
    { state, l2, requestReset, clock, log: silentLog },
  )
  us.engineSync = engineSync
  const sync = new UnsafeSync(us.config, {
    driver: us.driver,
    engineSync,
    queue: us.unsafePayloads,
    reportInvalid: network.reportInvalid,
    log: silentLog,
    registry: us.registry,
  })
  return { us, network, sync, engineSync }
}

describe('a gossiped block', () => {
  test('becomes the unsafe head', async () => {
    const { us, sync } = await world()
    await us.driver.step()
    const block = us.payload(us.state.heads.unsafe)
    sync.onBlock(block, 'peer')
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
      sync.onBlock(rival, 'peer')
      await us.settleUnsafe()
    }
    expect(us.state.heads).toEqual(before)
    expect(us.unsafePayloads.length).toBe(0)
  })

  test('with a time that its number cannot have is dropped, and counts against who gave it', async () => {
    const { us, network, sync } = await world()
    await us.driver.step()
    const { executionPayload } = us.payload(us.state.heads.unsafe)
    sync.onBlock({ executionPayload: { ...executionPayload, blockNumber: 10_000_000n } }, 'peer')
    expect([us.unsafePayloads.length, network.reported]).toEqual([0, ['peer']])
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
    await engineSync.begin()
    const blocks = await chain(10)
    sync.onBlock(blocks[9] as PayloadEnvelope, 'peer')
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
    const { us, sync, engineSync } = await world(true)
    const [first] = await chain(1)
    const { executionPayload } = first as PayloadEnvelope
    await us.engine.newPayload(first as PayloadEnvelope)
    const { blockHash: headBlockHash } = executionPayload
    const choice = { headBlockHash, safeBlockHash: headBlockHash, finalizedBlockHash: headBlockHash }
    await us.engine.forkchoiceUpdated(choice)
    await engineSync.begin()
    expect(engineSync.isActive).toBe(false)
    await us.driver.step()
    sync.onBlock(us.payload(us.state.heads.unsafe), 'peer')
    await us.settleUnsafe()
    expect(us.state.heads.unsafe.number).toBe(2n)
  })

  test('a block that the engine finds invalid does not end it, nor one it fails on', async () => {
    const { us, engineSync } = await world(true)
    await engineSync.begin()
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
    await engineSync.begin()
    await engineSync.offer((await chain(1))[0] as PayloadEnvelope)
    expect([engineSync.isActive, us.engine.calls]).toEqual([false, []])
  })
})
