import { describe, expect, test } from 'vitest'
import { findHeads, labelledHeads } from '../../../node/driver/find-heads.ts'
import { findPipelineBase } from '../../../node/driver/pipeline-base.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { heights } from '../../fakes/fake-engine.ts'
import { hash } from '../../fakes/rollup-config.ts'

/** L1 blocks are 12 s apart and L2 blocks 2 s: six L2 blocks an epoch. */
const perEpoch = 6

async function worldAt(l1Blocks: number, l2Blocks: number, seqWindowSize = 10n) {
  const world = await DriverWorld.create({ seqWindowSize })
  world.l1.mine(l1Blocks)
  await world.settle()
  await world.extendUnsafe(l2Blocks)
  return world
}

describe('finding heads', () => {
  test('a fresh engine starts at genesis', async () => {
    const world = await DriverWorld.create()
    expect(heights(await findHeads(world.config, world))).toEqual([0, 0, 0])
  })

  test('keeps an unsafe chain whose origins are all canonical', async () => {
    const world = await worldAt(5, 20)
    expect(heights(await findHeads(world.config, world))).toEqual([20, 0, 0])
  })

  test('keeps blocks whose L1 origin is not visible yet', async () => {
    const world = await worldAt(3, 20)
    const hidden = {
      ...world,
      l1: { ...world.l1, blockRefByNumber: async (n: bigint) => (n > 1n ? undefined : world.l1.blockRefByNumber(n)) },
    }
    expect(heights(await findHeads(world.config, hidden))).toEqual([20, 0, 0])
  })

  test.each([1, 2, 3])('drops the blocks whose origins an L1 reorg of depth %i replaced', async (depth) => {
    const world = await worldAt(4, 4 * perEpoch + 3)
    world.l1.reorg(depth)
    const found = await findHeads(world.config, world)
    expect(found.unsafe.l1Origin.number).toBe(BigInt(4 - depth))
    expect(found.unsafe.number).toBe(BigInt((5 - depth) * perEpoch - 1))
  })

  test('takes back the safe head by a sequencing window of canonical origins, to the end of an epoch', async () => {
    const world = await worldAt(8, 8 * perEpoch, 2n)
    const safe = world.state.heads.unsafe
    world.state.move({ safe, pendingSafe: safe })
    await world.state.synchronize()
    const found = await findHeads(world.config, world)
    expect(found.unsafe.number).toBe(48n)
    // Origin 8 is the highest; 5 + 2 < 8, and the block before the first of epoch 5 is the last of epoch 4.
    expect(found.safe.l1Origin.number).toBe(4n)
    expect(found.safe.number).toBe(BigInt(5 * perEpoch - 1))
  })

  test('does not take the safe head below the finalized one', async () => {
    const world = await worldAt(8, 8 * perEpoch, 2n)
    const safe = world.state.heads.unsafe
    const finalized = await world.l2.l2BlockRefByNumber(40n)
    if (finalized === undefined) throw new Error('no block 40')
    world.state.move({ safe, pendingSafe: safe, finalized })
    await world.state.synchronize()
    expect(heights(await findHeads(world.config, world))).toEqual([48, 40, 40])
  })

  test('does not go below a finalized block whose origin L1 replaced', async () => {
    const world = await worldAt(4, 4 * perEpoch)
    const finalized = world.state.heads.unsafe
    world.state.move({ safe: finalized, pendingSafe: finalized, finalized })
    await world.state.synchronize()
    world.l1.reorg(2)
    await expect(findHeads(world.config, world)).rejects.toMatchObject({ code: 'chain-mismatch' })
  })

  test('refuses an L1 with another genesis', async () => {
    const world = await worldAt(2, 3)
    const config = { ...world.config, genesis: { ...world.config.genesis, l1: { hash: hash(0xbad), number: 0n } } }
    await expect(findHeads(config, world)).rejects.toMatchObject({ code: 'chain-mismatch' })
  })

  test('refuses an engine with another genesis', async () => {
    const world = await DriverWorld.create()
    const config = { ...world.config, genesis: { ...world.config.genesis, l2: { hash: hash(0xbad), number: 0n } } }
    await expect(findHeads(config, world)).rejects.toMatchObject({ code: 'chain-mismatch' })
  })

  test('does not follow a reorg of more than five windows', async () => {
    const world = await worldAt(8, 8 * perEpoch, 1n)
    world.l1.reorg(7)
    await expect(findHeads(world.config, world)).rejects.toMatchObject({ code: 'reorg-too-deep' })
  })

  test('labels that were never set fall back to genesis', async () => {
    const world = await DriverWorld.create()
    const l2 = { ...world.l2, l2BlockRefByLabel: async () => undefined }
    expect(heights(await labelledHeads(world.config, l2))).toEqual([0, 0, 0])
  })
})

describe('pipeline base', () => {
  test('reads from a channel timeout before the safe head', async () => {
    const world = await DriverWorld.create()
    world.l1.mine(60)
    await world.settle()
    const safe = await world.extendUnsafe(60 * perEpoch)
    const base = await findPipelineBase(world.config, safe, world)
    // Granite's 50 blocks, not the configured 300.
    expect(base.origin.number).toBe(safe.l1Origin.number - 50n)
    expect(base.systemConfig.gasLimit).toBe(30_000_000n)
  })

  test('stops at genesis', async () => {
    const world = await worldAt(3, 10)
    const base = await findPipelineBase(world.config, world.state.heads.unsafe, world)
    expect(base.origin.number).toBe(0n)
  })
})
