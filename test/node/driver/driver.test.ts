import { describe, expect, test } from 'vitest'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { heights } from '../../fakes/fake-engine.ts'
import { hash } from '../../fakes/rollup-config.ts'

const tx = (n: number) => Uint8Array.of(2, n)

describe('driver', () => {
  test('derives blocks of its own where the unsafe chain is no further than the safe one', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { transactions: [tx(1)] }))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
    expect(world.engine.state.safeBlockHash).toBe(world.state.heads.safe.hash)
    expect(world.recorded).toEqual([{ l1: 0n, safe: 1n }])
  })

  test('consolidates an unsafe block that L1 confirms, without building it again', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const parent = world.state.heads.safe
    const unsafe = await world.extendUnsafe(1)
    world.engine.calls.length = 0
    world.pipeline.queue.push(world.derived(parent))
    await world.settle()
    expect(world.state.heads.safe.hash).toBe(unsafe.hash)
    expect(world.engine.calls).toEqual(['forkchoiceUpdated'])
  })

  test('replaces an unsafe chain that differs from L1', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const parent = world.state.heads.safe
    const old = await world.extendUnsafe(3)
    world.pipeline.queue.push(world.derived(parent, { transactions: [tx(9)] }))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
    expect(world.engine.state.headBlockHash).toBe(world.state.heads.unsafe.hash)
    expect(world.engine.state.headBlockHash).not.toBe(old.hash)
  })

  test('keeps deposits only of an invalid block and flushes the channel after Holocene', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.engine.refuses = ({ transactions }) => transactions.length > 1
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { transactions: [tx(1)] }))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
    expect(world.pipeline.flushes).toBe(1)
    const block = await world.engine.payloadByHash(world.state.heads.safe.hash)
    expect(block?.executionPayload.transactions).toHaveLength(1)
  })

  test('keeps deposits only where newPayload, not the attributes, shows the block invalid', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.engine.invalid = ({ transactions }) => transactions.length > 1
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { transactions: [tx(1)] }))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
  })

  test('stops at an invalid block of deposits only', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.engine.refuses = () => true
    world.pipeline.queue.push(world.derived(world.state.heads.safe))
    await expect(world.settle()).rejects.toMatchObject({ code: 'critical' })
  })

  test('gives the unsafe chain back where a span turns out invalid before Holocene', async () => {
    const world = await DriverWorld.create({
      forkTimes: { regolith: 0n, canyon: 0n, delta: 0n, ecotone: 0n },
    })
    await world.settle()
    const genesis = world.state.heads.safe
    const old = await world.extendUnsafe(3)
    world.pipeline.queue.push(world.derived(genesis, { transactions: [tx(1)], isLastInSpan: false }))
    await world.settle()
    const forced = world.state.heads.pendingSafe
    expect([forced.number, ...heights(world.state.heads)]).toEqual([1n, 1, 0, 0])
    world.engine.refuses = () => true
    world.pipeline.queue.push(world.derived(forced, { transactions: [tx(2)] }))
    await world.settle()
    expect(world.state.heads.unsafe.hash).toBe(old.hash)
    expect(world.engine.state.headBlockHash).toBe(old.hash)
    expect(world.state.heads.pendingSafe.hash).toBe(genesis.hash)
  })

  test('leaves the safe head until a span is complete', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { isLastInSpan: false }))
    await world.settle()
    expect(world.state.heads.pendingSafe.number).toBe(1n)
    expect(heights(world.state.heads)).toEqual([1, 0, 0])
    world.pipeline.queue.push(world.derived(world.state.heads.pendingSafe))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([2, 2, 0])
  })

  test('retries a temporary error with growing waits and loses nothing', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe))
    world.engine.failure = Object.assign(new Error('engine away'), { code: 'temporary' })
    expect(await world.settle()).toEqual({ afterMs: 1000, firm: true })
    expect(await world.settle()).toEqual({ afterMs: 2000, firm: true })
    for (let i = 0; i < 6; i++) await world.driver.step()
    expect(await world.settle()).toEqual({ afterMs: 10_000, firm: true })
    world.engine.failure = undefined
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
  })

  test('does not lose a derived block when only the answer to its fork choice fails', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe))
    const { newPayload } = world.engine
    Object.assign(world.engine, {
      newPayload: async (...args: Parameters<typeof newPayload>) => {
        const status = await newPayload(...args)
        world.engine.failure = Object.assign(new Error('away'), { code: 'temporary' })
        return status
      },
    })
    await world.settle()
    world.engine.failure = undefined
    await world.settle()
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
    expect(world.engine.state.safeBlockHash).toBe(world.state.heads.safe.hash)
    expect(world.pipeline.resets).toHaveLength(1)
  })

  test('finds the heads again when L1 replaced a block, and builds nothing until then', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(
      Object.assign(new Error('L1 block replaced'), { code: 'reset' }),
      world.derived(world.state.heads.safe),
    )
    expect(await world.driver.step()).toEqual({ afterMs: 0, firm: true })
    expect(world.state.isReady).toBe(false)
    await world.settle()
    expect(world.pipeline.resets).toHaveLength(2)
    expect(world.state.isReady).toBe(true)
    expect(heights(world.state.heads)).toEqual([1, 1, 0])
  })

  test('waits between resets that lead nowhere', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const replaced = () => Object.assign(new Error('L1 block replaced'), { code: 'reset' })
    world.pipeline.queue.push(replaced(), replaced(), replaced())
    const waits: unknown[] = []
    for (let i = 0; i < 6; i++) waits.push(await world.driver.step())
    expect(waits).toEqual([
      { afterMs: 0, firm: true },
      'again',
      { afterMs: 1000, firm: true },
      'again',
      { afterMs: 2000, firm: true },
      'again',
    ])
  })

  test('resets where the block derived is no child of the pending-safe head', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const genesis = world.state.heads.safe
    world.pipeline.queue.push(world.derived(genesis), world.derived(genesis))
    await world.settle()
    await world.settle()
    expect(world.pipeline.resets).toHaveLength(2)
  })

  test('steps derivation on the pending-safe head', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { isLastInSpan: false }))
    await world.settle()
    expect(world.pipeline.steppedOn).toEqual([0n, 0n, 1n])
  })

  test('looks again soon where L1 is ahead of what it shows', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.l1.mine()
    world.driver.onL1Head(world.l1.latest)
    expect(await world.settle()).toEqual({ afterMs: 1000 })
  })

  test('an error that nobody classified is critical', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.pipeline.queue.push(new TypeError('a bug'))
    await expect(world.settle()).rejects.toThrow('a bug')
  })

  test('L1 that cannot be reached at the start is waited for', async () => {
    const world = await DriverWorld.create()
    world.l1.failure = Object.assign(new Error('no answer'), { code: 'unavailable' })
    expect(await world.settle()).toEqual({ afterMs: 1000, firm: true })
    expect(world.driver.health.failure).toBe('no answer')
    world.l1.failure = undefined
    expect(await world.settle()).toBe('idle')
    expect(world.driver.health.failure).toBeUndefined()
  })
})

describe('unsafe payloads', () => {
  test('wait for their parent, then follow in order', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const genesis = world.state.heads.unsafe
    const first = world.payload(genesis)
    await world.engine.newPayload(first)
    const second = world.payload(world.l2.refOf(first))
    world.driver.onUnsafePayload(second)
    await world.settleUnsafe()
    expect(world.state.heads.unsafe.number).toBe(0n)
    world.driver.onUnsafePayload(first)
    await world.settleUnsafe()
    expect(world.state.heads.unsafe.number).toBe(2n)
    expect(world.unsafePayloads.length).toBe(0)
  })

  test('one that the engine refuses is dropped', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.engine.invalid = () => true
    world.driver.onUnsafePayload(world.payload(world.state.heads.unsafe))
    await world.settleUnsafe()
    expect(world.unsafePayloads.length).toBe(0)
    expect(world.state.heads.unsafe.number).toBe(0n)
  })

  test('one without L1 info is dropped', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const good = world.payload(world.state.heads.unsafe)
    world.driver.onUnsafePayload({ executionPayload: { ...good.executionPayload, transactions: [tx(1)] } })
    await world.settleUnsafe()
    expect(world.unsafePayloads.length).toBe(0)
  })

  test('one that is already safe is not queued', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    const payload = world.payload(world.state.heads.unsafe)
    world.pipeline.queue.push(world.derived(world.state.heads.safe))
    await world.settle()
    world.driver.onUnsafePayload(payload)
    expect(world.unsafePayloads.length).toBe(0)
  })

  test('nothing is inserted while a reset is due', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.driver.requestReset('test')
    world.driver.onUnsafePayload(world.payload(world.state.heads.unsafe))
    await world.settleUnsafe()
    expect(world.state.heads.unsafe.number).toBe(0n)
    await world.settle()
    await world.settleUnsafe()
    expect(world.state.heads.unsafe.number).toBe(1n)
  })
})

describe('finality through the driver', () => {
  test('finalizes what was derived from finalized L1 blocks', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.l1.mine(2)
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { derivedFrom: world.l1.at(1) }))
    await world.settle()
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { derivedFrom: world.l1.at(2) }))
    await world.settle()
    world.driver.onFinalizedL1(world.l1.at(1))
    await world.settle()
    expect(heights(world.state.heads)).toEqual([2, 2, 1])
    expect(world.engine.state.finalizedBlockHash).toBe(world.state.heads.finalized.hash)
  })

  test('resets where the L1 block derived from was replaced', async () => {
    const world = await DriverWorld.create()
    await world.settle()
    world.l1.mine(2)
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { derivedFrom: world.l1.at(1) }))
    await world.settle()
    world.l1.reorg(2)
    world.driver.onFinalizedL1(world.l1.at(2))
    await world.settle()
    await world.settle()
    expect(world.pipeline.resets).toHaveLength(2)
    expect(world.state.heads.finalized.number).toBe(0n)
    expect(world.state.heads.finalized.hash).toBe(hash(0x2000))
  })
})
