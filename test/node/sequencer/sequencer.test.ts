import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { Sequencer } from '../../../node/sequencer/sequencer.ts'
import type { BlockId, L2BlockRef } from '../../../protocol/block-ref.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { hash } from '../../fakes/rollup-config.ts'

async function sequencing(
  settings: { readonly maxSafeLag?: bigint; readonly recoverMode?: boolean; readonly active?: boolean } = {},
  config: Partial<RollupConfig> = {},
) {
  const world = await DriverWorld.create(config)
  await world.settle()
  const persisted: boolean[] = []
  const published: bigint[] = []
  const sequencer = new Sequencer(
    world.config,
    { maxSafeLag: 0n, recoverMode: false, active: true, ...settings },
    {
      state: world.state,
      l1: world.l1,
      l1Heads: world.l1,
      l2: world.l2,
      attributes: { prepare: async (parent: L2BlockRef, epoch: BlockId) => world.attributes(parent, epoch) },
      requestReset: (reason) => world.driver.requestReset(reason),
      publish: async ({ executionPayload }) => {
        published.push(executionPayload.blockNumber)
      },
      store: {
        setActive: async (active) => {
          persisted.push(active)
        },
      },
      clock: world.clock,
      log: silentLog,
      registry: world.registry,
    },
  )
  const block = async () => {
    const before = world.state.heads.unsafe.number
    for (let i = 0; i < 20 && world.state.heads.unsafe.number === before; i++) {
      const next = await sequencer.step()
      if (next === 'idle') throw new Error('the sequencer is idle')
      if (next !== 'again') world.clock.advance(next.afterMs)
    }
    return world.state.heads.unsafe
  }
  const transactions = async () =>
    (await world.engine.payloadByHash(world.state.heads.unsafe.hash))?.executionPayload.transactions.length
  return { world, sequencer, block, transactions, persisted, published }
}

const poolTransaction = Uint8Array.of(2, 0xaa)

describe('timing', () => {
  test('begins at the parent’s time and seals 50 ms before the block’s', async () => {
    const { world, sequencer } = await sequencing()
    world.clock.set(-500)
    expect(await sequencer.step()).toEqual({ afterMs: 500 })
    world.clock.set(0)
    expect(await sequencer.step()).toBe('again')
    expect(await sequencer.step()).toEqual({ afterMs: 1950 })
    world.clock.set(1950)
    expect(await sequencer.step()).toBe('again')
    expect(world.state.heads.unsafe.number).toBe(1n)
    expect(world.engine.state.headBlockHash).toBe(world.state.heads.unsafe.hash)
  })

  test('catches up without pause when behind', async () => {
    const { world, block } = await sequencing()
    world.clock.set(100_000)
    world.l1.mine(9)
    for (let i = 0; i < 50; i++) await block()
    expect(world.clock.nowMs()).toBe(100_000)
    expect(world.state.heads.unsafe.number).toBe(50n)
  })

  test('a sealed block is published before it is inserted', async () => {
    const { block, published } = await sequencing()
    await block()
    expect(published).toEqual([1n])
  })
})

describe('L1 origin', () => {
  test('advances as soon as the block’s time allows, one L1 block at a time', async () => {
    const { world, block } = await sequencing()
    world.clock.set(1_000_000)
    world.l1.mine(3)
    const origins: bigint[] = []
    for (let i = 0; i < 14; i++) origins.push((await block()).l1Origin.number)
    expect(origins).toEqual([0n, 0n, 0n, 0n, 0n, 1n, 1n, 1n, 1n, 1n, 1n, 2n, 2n, 2n])
  })

  test('stays where the next L1 block is unknown, with pool transactions until the drift is used up', async () => {
    const { world, block, transactions } = await sequencing()
    world.engine.pool = [poolTransaction]
    world.clock.set(10_000_000)
    for (let i = 0; i < 900; i++) await block()
    expect(world.state.heads.unsafe.timestamp).toBe(1800n)
    expect(await transactions()).toBe(2)
  })

  test('beyond the drift waits for the next L1 block, then builds without the pool until it caught up', async () => {
    const { world, sequencer, block, transactions } = await sequencing()
    world.engine.pool = [poolTransaction]
    world.clock.set(10_000_000)
    for (let i = 0; i < 900; i++) await block()
    expect(await sequencer.step()).toEqual({ afterMs: 1000 })
    world.l1.mine(2)
    world.clock.advance(1000)
    await block()
    expect(world.state.heads.unsafe.l1Origin.number).toBe(1n)
    expect(await transactions()).toBe(2)
  })

  test('an L1 that does not answer does not stop blocks that need no new origin', async () => {
    const { world, block } = await sequencing()
    Object.assign(world.l1, {
      blockRefByNumber: async () => {
        throw Object.assign(new Error('no answer'), { code: 'unavailable' })
      },
    })
    expect((await block()).number).toBe(1n)
  })

  test('an origin that left L1’s chain resets', async () => {
    const { world, sequencer, block } = await sequencing()
    world.clock.set(1_000_000)
    world.l1.mine(2)
    for (let i = 0; i < 8; i++) await block()
    world.l1.reorg(2)
    expect(await sequencer.step()).toEqual({ afterMs: 2000 })
    expect(world.state.isReady).toBe(false)
    expect(await sequencer.step()).toBe('idle')
    await world.settle()
    expect(world.state.heads.unsafe.l1Origin.number).toBe(0n)
    world.clock.advance(2000)
    expect((await block()).number).toBe(6n)
    expect(world.state.heads.unsafe.l1Origin.hash).toBe(world.l1.at(1).hash)
  })

  test('far behind L1 it builds only what derivation would, so that nothing included can be lost', async () => {
    const { world, block, transactions } = await sequencing({}, { seqWindowSize: 10n })
    world.engine.pool = [poolTransaction]
    world.clock.set(1_000_000)
    world.l1.mine(20)
    await block()
    expect(await transactions()).toBe(1)
    while (world.state.heads.unsafe.l1Origin.number < 15n) await block()
    expect(await transactions()).toBe(2)
  })
})

describe('errors', () => {
  test('a temporary one is retried after a second, and no block is skipped', async () => {
    const { world, sequencer, block } = await sequencing()
    world.engine.failure = Object.assign(new Error('away'), { code: 'temporary' })
    expect(await sequencer.step()).toEqual({ afterMs: 1000 })
    world.engine.failure = undefined
    expect((await block()).number).toBe(1n)
  })

  test('an engine that syncs is left alone for half a minute', async () => {
    const { world, sequencer } = await sequencing()
    world.engine.syncing = true
    expect(await sequencer.step()).toEqual({ afterMs: 30_000 })
  })

  test('an engine that lost its newest blocks is not waited for: the heads are found again', async () => {
    const { world, sequencer, block } = await sequencing()
    for (let i = 0; i < 5; i++) await block()
    world.engine.loseAbove(3n)
    world.clock.advance(10_000)
    expect(await sequencer.step()).not.toEqual({ afterMs: 30_000 })
    expect(world.state.isReady).toBe(false)
    await world.settle()
    expect(world.state.heads.unsafe.number).toBe(3n)
    world.clock.advance(10_000)
    expect((await block()).number).toBe(4n)
  })

  test('attributes that the engine refuses are tried again a block later', async () => {
    const { world, sequencer } = await sequencing()
    world.engine.refuses = () => true
    expect(await sequencer.step()).toEqual({ afterMs: 2000 })
  })

  test('a block begun on a head that was replaced meanwhile is dropped', async () => {
    const { world, sequencer, block } = await sequencing()
    world.clock.set(100_000)
    await sequencer.step()
    world.pipeline.queue.push(world.derived(world.state.heads.safe, { transactions: [poolTransaction] }))
    await world.settle()
    const derived = world.state.heads.unsafe
    await block()
    const [head, ref] = [world.state.heads.unsafe, await world.l2.l2BlockRefByNumber(1n)]
    expect(head.number).toBe(2n)
    expect(ref?.hash).toBe(derived.hash)
  })
})

describe('settings', () => {
  test('stalls when unsafe is too far ahead of safe', async () => {
    const { world, sequencer, block } = await sequencing({ maxSafeLag: 3n })
    world.clock.set(100_000)
    for (let i = 0; i < 3; i++) await block()
    expect(await sequencer.step()).toBe('idle')
    const genesis = world.state.heads.safe
    world.pipeline.queue.push(world.derived(genesis))
    await world.settle()
    expect((await block()).number).toBe(4n)
  })

  test('recover mode takes nothing from the pool', async () => {
    const { world, sequencer, block, transactions } = await sequencing({ recoverMode: true })
    world.engine.pool = [poolTransaction]
    await block()
    expect(await transactions()).toBe(1)
    sequencer.setRecoverMode(false)
    await block()
    expect(await transactions()).toBe(2)
  })

  test('the first block of a fork takes nothing from the pool', async () => {
    const { world, block, transactions } = await sequencing(
      {},
      {
        forkTimes: {
          regolith: 0n,
          canyon: 0n,
          delta: 0n,
          ecotone: 0n,
          fjord: 0n,
          granite: 0n,
          holocene: 0n,
          isthmus: 0n,
          jovian: 4n,
        },
      },
    )
    world.engine.pool = [poolTransaction]
    const counts: unknown[] = []
    for (let i = 0; i < 3; i++) {
      await block()
      counts.push(await transactions())
    }
    expect(counts).toEqual([2, 1, 2])
  })
})

describe('start and stop', () => {
  test('start wants the unsafe head, and both are remembered', async () => {
    const { world, sequencer, block, persisted } = await sequencing({ active: false })
    expect(await sequencer.step()).toBe('idle')
    await expect(sequencer.start(hash(1))).rejects.toMatchObject({ code: 'wrong-head' })
    await sequencer.start(world.state.heads.unsafe.hash)
    await expect(sequencer.start(world.state.heads.unsafe.hash)).rejects.toMatchObject({ code: 'running' })
    const last = await block()
    expect(await sequencer.stop()).toBe(last.hash)
    await expect(sequencer.stop()).rejects.toMatchObject({ code: 'stopped' })
    expect(await sequencer.step()).toBe('idle')
    expect(persisted).toEqual([true, false])
  })

  test('a stopped sequencer does not seal what it had begun', async () => {
    const { world, sequencer } = await sequencing()
    await sequencer.step()
    await sequencer.stop()
    world.clock.advance(10_000)
    await sequencer.step()
    expect(world.state.heads.unsafe.number).toBe(0n)
  })
})
