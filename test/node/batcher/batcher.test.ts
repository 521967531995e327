import { expect, test } from 'vitest'
import { BatcherWorld } from '../../fakes/batcher-world.ts'
import { until } from '../../fakes/until.ts'

const times = (blocks: number) => Array.from({ length: blocks }, (_, i) => 2 * (i + 1))

test.each(['calldata', 'blobs'] as const)('every L2 block is posted once and in order, as %s', async (da) => {
  const world = await BatcherWorld.create({ dataAvailability: da })
  const { batcher } = await world.startBatcher()
  for (let epoch = 0; epoch < 4; epoch++) {
    await world.build(6)
    await world.mine()
  }
  await world.settle()
  expect(await world.postedTimes()).toEqual(times(24))
  const posted = await world.posted()
  const sent = world.l2.payloads.slice(1).map((envelope) => envelope.executionPayload.transactions.slice(1))
  expect(posted.map((block) => block.transactions)).toEqual(sent)
  await batcher.stop({ drainMs: 1_000 })
})

test('batches may be singular ones', async () => {
  const world = await BatcherWorld.create({ batchType: 'singular' })
  const { batcher } = await world.startBatcher()
  await world.build(6)
  await world.mineUntil(async () => (await world.postedTimes()).length === 6)
  expect((await world.posted()).map(({ kind }) => kind)).toEqual(Array(6).fill('singular'))
  await batcher.stop({ drainMs: 0 })
})

test('a channel larger than one transaction is cut into frames, and closed when it is full', async () => {
  const world = await BatcherWorld.create({ targetNumFrames: 3, maxL1TxBytes: 2_000, maxChannelDuration: 0 })
  const { batcher } = await world.startBatcher()
  await world.build(20, { bytes: 600 })
  await world.mineUntil(async () => (await world.postedTimes()).length >= 12)
  const sizes = world.l1.sentTo(world.config.batchInboxAddress).map((tx) => tx.data.length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2_000)
  expect(sizes.length).toBeGreaterThanOrEqual(6)
  await batcher.stop({ drainMs: 0 })
})

test('blobs of one channel travel in one transaction', async () => {
  const world = await BatcherWorld.create({ dataAvailability: 'blobs', targetNumFrames: 3, maxChannelDuration: 0 })
  const { batcher } = await world.startBatcher()
  await world.build(25, { bytes: 20_000 })
  await world.mineUntil(() => world.l1.sentTo(world.config.batchInboxAddress).length > 0)
  const [tx] = world.l1.sentTo(world.config.batchInboxAddress)
  expect(tx?.type === 3 && tx.blobVersionedHashes.length).toBe(3)
  await batcher.stop({ drainMs: 0 })
})

test('stop publishes the open channel', async () => {
  const world = await BatcherWorld.create({ maxChannelDuration: 0 })
  const { batcher } = await world.startBatcher()
  await world.build(5)
  await until(() => world.l2.newestRead === 5n)
  const stopped = batcher.stop({ drainMs: 10_000 })
  await world.mineUntil(async () => (await world.postedTimes()).length === 5)
  await stopped
  expect(await world.postedTimes()).toEqual(times(5))
})

test('a stop that cannot wait leaves the rest to the next start', async () => {
  const world = await BatcherWorld.create({ maxChannelDuration: 0 })
  const first = await world.startBatcher()
  await world.build(5)
  await until(() => world.l2.newestRead === 5n)
  await first.batcher.stop({ drainMs: 0 })
  const { batcher } = await world.startBatcher()
  await world.mineUntil(async () => (await world.postedTimes()).length === 5)
  expect(await world.postedTimes()).toEqual(times(5))
  await batcher.stop({ drainMs: 0 })
})

test('killed after any number of requests, the batcher posts nothing twice and forgets nothing', async () => {
  for (let requests = 1; requests <= 60; requests += 3) {
    const world = await BatcherWorld.create({ maxL1TxBytes: 400, targetNumFrames: 4 })
    const first = await world.startBatcher(requests)
    await world.build(8, { bytes: 100 })
    await world.mine()
    await world.mineUntil(() => !first.isAlive() || world.l2.safe.number === world.l2.unsafe.number)
    first.kill()
    const second = await world.startBatcher()
    await world.settle()
    await world.build(4)
    await world.settle()
    expect(await world.postedTimes(), `killed after ${requests} requests`).toEqual(times(12))
    await second.batcher.stop({ drainMs: 0 })
  }
}, 60_000)

test.each([true, false])(
  'transactions thrown out by an L1 reorg are mined again (returned to the pool: %s)',
  async (returnTxs) => {
    const world = await BatcherWorld.create()
    const { batcher } = await world.startBatcher()
    await world.build(6)
    await world.mine()
    await world.mineUntil(async () => (await world.postedTimes()).length === 6)
    world.l1.reorg(2, { returnTxs })
    await world.mine()
    await world.settle()
    expect(await world.postedTimes()).toEqual(times(6))
    await world.build(3)
    await world.settle()
    expect(await world.postedTimes()).toEqual(times(9))
    await batcher.stop({ drainMs: 0 })
  },
)

test.each([true, false])(
  'L1 reorgs of any depth leave every block on L1 once (returned to the pool: %s)',
  async (returnTxs) => {
    const world = await BatcherWorld.create()
    const { batcher } = await world.startBatcher()
    let blocks = 0
    for (const depth of [1, 2, 5, 3, 8, 13, 20, 1]) {
      for (let i = 0; i < 3; i++) {
        await world.build(2)
        blocks += 2
        await world.mine()
        await world.settle()
      }
      // What is final is forgotten; a reorg below it, which L1 promises not to make, must not stop the batcher either.
      world.l2.finalized = Math.max(0, blocks - 10)
      world.l1.reorg(Math.min(depth, world.l1.chain.length - 1), { returnTxs })
      await world.mine()
      await world.settle()
      expect(await world.postedTimes(), `after a reorg of ${depth} blocks`).toEqual(times(blocks))
    }
    await batcher.stop({ drainMs: 0 })
  },
  60_000,
)

test('after an L2 reorg the blocks that took the place of others are posted, and what was not sent is dropped', async () => {
  const world = await BatcherWorld.create({ maxChannelDuration: 0 })
  const { batcher } = await world.startBatcher()
  await world.build(6)
  await until(() => world.l2.newestRead === 6n)
  world.l2.rewind(3)
  await world.build(5)
  await world.line('warn l2 reorg under the batcher')
  await until(() => world.lines.at(-1) === 'info batcher begins at the safe head' && world.l2.newestRead === 8n)
  const stopped = batcher.stop({ drainMs: 10_000 })
  await world.mineUntil(async () => (await world.postedTimes()).length >= 8)
  await stopped
  const posted = await world.posted()
  const sent = world.l2.payloads.slice(1).map((envelope) => envelope.executionPayload.transactions.slice(1))
  expect(posted.map((block) => block.transactions)).toEqual(sent)
})

test('data that the node read and could not derive is posted again', async () => {
  const world = await BatcherWorld.create()
  const { batcher } = await world.startBatcher()
  await world.build(4)
  await world.mine()
  await world.mineUntil(async () => (await world.postedTimes()).length === 4)
  // The node says it read the block and keeps its safe head: the channel was invalid.
  world.l1.mine(2)
  world.l2.safe = world.l2.ref(0)
  world.l2.currentL1 = await world.source.blockRefByNumber(world.l1.head.header.number)
  world.l2.headL1 = world.l2.currentL1
  await until(() => world.lines.includes('warn posted channel did not become safe'))
  await until(() => {
    world.l1.mine()
    return world.l1.sentTo(world.config.batchInboxAddress).length >= 1 && world.l1.pool.size === 0
  })
  const refs = await world.source.blockRefByNumber(world.l1.head.header.number)
  world.l2.headL1 = refs
  world.l2.currentL1 = refs
  await world.mineUntil(async () => (await world.postedTimes()).length === 8)
  expect(await world.postedTimes()).toEqual([...times(4), ...times(4)])
  await batcher.stop({ drainMs: 0 })
})

test('a node that has not read our transactions yet is waited for', async () => {
  const world = await BatcherWorld.create()
  const first = await world.startBatcher()
  await world.build(4)
  await world.settle()
  await first.batcher.stop({ drainMs: 0 })
  await world.mine()
  // The node starts again from an old safe head, as it does after a reset, and the batcher lost its memory.
  const fresh = await BatcherWorld.create()
  Object.assign(world, { directory: fresh.directory })
  world.l2.safe = world.l2.ref(0)
  world.l2.currentL1 = await world.source.blockRefByNumber(0n)
  const { batcher } = await world.startBatcher()
  await until(() => world.lines.includes('debug batcher waits until the node has read its transactions'))
  await world.derive()
  await world.build(2)
  await world.settle()
  expect(await world.postedTimes()).toEqual(times(6))
  await batcher.stop({ drainMs: 0 })
})

test('blocks that someone else posted are not posted again', async () => {
  const world = await BatcherWorld.create({ maxChannelDuration: 0 })
  await world.build(3)
  world.l2.safe = world.l2.ref(3)
  await world.build(2)
  const { batcher } = await world.startBatcher()
  await world.line('info batcher begins at the safe head')
  const stopped = batcher.stop({ drainMs: 10_000 })
  await world.mineUntil(async () => {
    world.l2.safe = world.l2.ref(3)
    return (await world.postedTimes()).length === 2
  })
  await stopped
  expect(await world.postedTimes()).toEqual([8, 10])
})

test('an empty account is an error that says so, and posting goes on once it is funded', async () => {
  const world = await BatcherWorld.create()
  world.l1.balance = 0n
  const { batcher } = await world.startBatcher()
  await world.build(2)
  await world.mine()
  await world.mineUntil(() => world.lines.includes('error batch not submitted'))
  world.l1.balance = 10n ** 18n
  await world.settle()
  expect(await world.postedTimes()).toEqual(times(2))
  await batcher.stop({ drainMs: 0 })
})
