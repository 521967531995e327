import { expect, test } from 'vitest'
import { DeriveError } from '../../../node/derive/derive-error.ts'
import { encodeBlob } from '../../../protocol/blob-codec.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import type { SpanBatchBlock } from '../../../protocol/span-batch.ts'
import { blobs, calldata, DeriveWorld, stranger } from '../../fakes/derive-world.ts'
import { testRollupConfig } from '../../fakes/rollup-config.ts'

const { forkTimes } = testRollupConfig()
/** Every fork through Granite. */
const granite = { ...forkTimes, holocene: undefined, isthmus: undefined, jovian: undefined }
const holocene = { ...granite, holocene: 0n }
const eras = [
  ['before Holocene', granite],
  ['from Holocene on', holocene],
] as const

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (error instanceof DeriveError ? error.code : error),
  )

/** A world with 18 sequenced blocks on L1 origins 0 to 3. */
async function sequenced(change: ConstructorParameters<typeof DeriveWorld>[0] = {}) {
  const world = new DeriveWorld(change)
  world.mineEmpty(3)
  await world.sequence(18)
  return world
}

function expectHead(world: DeriveWorld, number: number): void {
  expect(world.verifier.head).toEqual(world.sequencer.at(number))
}

test.each(eras)(
  '%s singular and span batches, calldata and blobs give the chain that was sequenced',
  async (_, era) => {
    const world = await sequenced({ forkTimes: era })
    world.mine([calldata(...world.frames(world.singular(1, 6), 300, 'zlib'))])
    world.mine([blobs(...world.frames(world.span(7, 12), 60))])
    const last = world.frames(concatBytes(world.singular(13, 14), world.span(15, 18)), 200)
    world.mine([calldata(...last.slice(0, 1)), blobs(...last.slice(1, 2)), calldata(...last.slice(2))])
    await world.derive()
    expectHead(world, 18)
    expect([...world.dropped]).toEqual([])
  },
)

test.each(eras)('%s a channel may span several L1 blocks', async (_, era) => {
  const world = await sequenced({ forkTimes: era })
  const frames = world.frames(world.span(1, 18), 500)
  expect(frames.length).toBeGreaterThan(2)
  for (const frame of frames) {
    await world.derive()
    expect(world.verifier.head.number).toBe(0n)
    world.mine([calldata(frame)])
  }
  await world.derive()
  expectHead(world, 18)
})

test.each(eras)('%s only the batcher counts, and only what it sends to the inbox', async (_, era) => {
  const world = await sequenced({ forkTimes: era })
  const frames = world.frames(world.span(1, 18))
  world.mine([
    { ...calldata(...frames), from: stranger },
    { ...calldata(...frames), to: stranger },
    { ...calldata(...frames), type: 4 },
  ])
  await world.derive()
  expect(world.verifier.head.number).toBe(0n)
})

test('blobs of other transactions count for the index, their data does not', async () => {
  const world = await sequenced()
  const frames = world.frames(world.span(1, 18), 300)
  const other = blobs(...frames)
  world.mine([{ ...other, from: stranger }, blobs(...frames.slice(0, 1)), other, calldata(...frames.slice(1))])
  await world.derive()
  expectHead(world, 18)
})

test('a missing blob is waited for, whatever follows it', async () => {
  const world = await sequenced()
  world.mine([blobs(...world.frames(world.span(1, 6)))])
  const [[name = '0x', blob = new Uint8Array(0)] = []] = world.blobs
  world.blobs.delete(name)
  world.mine([calldata(...world.frames(world.span(7, 18)))])
  expect(await code(world.derive())).toBe('temporary')
  expect(await code(world.derive())).toBe('temporary')
  world.blobs.set(name, blob)
  await world.derive()
  expectHead(world, 18)
})

test('fewer blobs than asked for are missing blobs, not empty ones', async () => {
  const world = await sequenced()
  world.mine([blobs(...world.frames(world.span(1, 18), 300))])
  const { blobs: read } = world.l1
  Object.assign(world.l1, { blobs: async (...args: Parameters<typeof read>) => (await read(...args)).slice(0, -1) })
  expect(await code(world.derive())).toBe('temporary')
  Object.assign(world.l1, { blobs: read })
  await world.derive()
  expectHead(world, 18)
})

test('a blob that cannot be decoded loses nothing but itself', async () => {
  const world = await sequenced()
  const bad = encodeBlob(new Uint8Array(3)).with(1, 9)
  const good = blobs(...world.frames(world.span(1, 18)))
  world.mine([{ blobs: [bad] }, good])
  await world.derive()
  expectHead(world, 18)
  expect(world.dropped.get('blob')).toBe(1)
})

test.each([
  [50, 18],
  [51, 0],
])('a channel that takes %i L1 blocks leaves the head at %i', async (blocks, head) => {
  const world = await sequenced({ seqWindowSize: 1_000n })
  const [first, ...rest] = world.frames(world.span(1, 18), 300)
  if (first === undefined) throw new Error('no frame')
  world.mine([calldata(first)])
  world.mineEmpty(blocks - 1)
  world.mine([calldata(...rest)])
  await world.derive()
  expectHead(world, head)
})

test.each([
  ['before Holocene', granite, 18],
  // The second channel's first frame ends the first one.
  ['from Holocene on', holocene, 0],
] as const)('%s interleaved channels leave the head at its place', async (_, era, head) => {
  const world = await sequenced({ forkTimes: era })
  const [a1, ...a] = world.frames(world.span(1, 9), 120)
  const [b1, ...b] = world.frames(world.span(10, 18), 120)
  if (a1 === undefined || b1 === undefined) throw new Error('no frame')
  world.mine([calldata(a1), calldata(b1), calldata(...a), calldata(...b)])
  await world.derive()
  expectHead(world, head)
})

test.each([
  ['before Holocene the whole span', granite, 0],
  ['from Holocene on what follows in its channel', holocene, 7],
] as const)('an invalid block in a span loses %s', async (_, era, head) => {
  const world = new DeriveWorld({ forkTimes: era })
  world.mineEmpty(3)
  await world.sequence(7)
  // Set-code transactions need Isthmus.
  await world.sequence(1, () => [world.userTx(4)])
  await world.sequence(4)
  world.mine([calldata(...world.frames(concatBytes(world.span(1, 10), world.span(11, 12))))])
  await world.derive()
  expectHead(world, head)
})

test('after an invalid batch the same blocks may come again in another channel', async () => {
  const world = await sequenced({ forkTimes: holocene })
  world.mine([calldata(...world.frames(concatBytes(world.singular(2, 3), world.singular(1, 3))))])
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  // A span that begins behind the safe head: what is safe is skipped.
  world.mine([calldata(...world.frames(world.span(4, 18)))])
  await world.derive()
  expectHead(world, 18)
})

test.each([
  [
    'other transactions',
    (blocks: readonly SpanBatchBlock[]) => blocks.map((one, i) => (i === 1 ? { ...one, transactions: [] } : one)),
  ],
  [
    'another L1 origin',
    // Block 6 is the first of its epoch; here block 5 is.
    (blocks: readonly SpanBatchBlock[]) =>
      blocks.map((one, i) => ({
        ...one,
        ...(i === 4
          ? { epochNum: blocks[5]?.epochNum ?? 0n, isEpochStart: true }
          : i === 5
            ? { isEpochStart: false }
            : {}),
      })),
  ],
])('a span that repeats safe blocks with %s is dropped with its channel', async (_, change) => {
  const world = await sequenced({ forkTimes: holocene })
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  const other = world.encodeSpan(change(world.sequencer.batchBlocks(1, 12)))
  world.mine([calldata(...world.frames(concatBytes(other, world.span(7, 18))))])
  await world.derive()
  expectHead(world, 6)
  world.mine([calldata(...world.frames(world.span(3, 18)))])
  await world.derive()
  expectHead(world, 18)
})

test('repeated blocks that cannot be read are waited for', async () => {
  const world = await sequenced({ forkTimes: holocene })
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  await world.derive()
  world.mine([calldata(...world.frames(world.span(4, 18)))])
  const { payloadByNumber: read } = world.verifier
  Object.assign(world.verifier, { payloadByNumber: async () => undefined })
  expect(await code(world.derive())).toBe('temporary')
  Object.assign(world.verifier, { payloadByNumber: read })
  await world.derive()
  expectHead(world, 18)
})

test.each([
  [
    'an L1 origin that is not there yet',
    (blocks: readonly SpanBatchBlock[]) =>
      blocks.map((one, i) => ({ ...one, epochNum: BigInt(i), isEpochStart: i > 0 })),
  ],
  [
    'a beginning before genesis',
    (blocks: readonly SpanBatchBlock[]) =>
      blocks.map((one) => ({ ...one, timestamp: one.timestamp - 2n, epochNum: 0n, isEpochStart: false })),
  ],
])('a span with %s is passed over, what follows it in its channel is not', async (_, change) => {
  const world = await sequenced({ forkTimes: holocene })
  const odd = world.encodeSpan(change(world.sequencer.batchBlocks(1, 6)))
  world.mine([calldata(...world.frames(concatBytes(odd, world.span(1, 18))))])
  await world.derive()
  expectHead(world, 18)
})

test('before Holocene batches may come in any order, a span that overlaps included', async () => {
  const world = await sequenced({ forkTimes: granite })
  world.mine([calldata(...world.frames(world.singular(7, 12)))])
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  world.mine([calldata(...world.frames(world.span(10, 18)))])
  await world.derive()
  expectHead(world, 18)
})

test.each(eras)(
  '%s an L1 without batches gets empty blocks once the window is over, one epoch after the other',
  async (_, era) => {
    const world = new DeriveWorld({ forkTimes: era })
    world.mineEmpty(9)
    await world.derive()
    expect(world.verifier.head.number).toBe(0n)
    world.mineEmpty(3)
    await world.derive()
    // Epochs 0, 1 and 2 are over: blocks at 2 to 34 seconds.
    expect(world.verifier.head).toMatchObject({ number: 17n, l1Origin: { number: 2n }, sequenceNumber: 5n })
    for (let number = 1; number <= 17; number++) expect(world.verifier.userTransactions(number)).toEqual([])
  },
)

test.each(eras)('%s a batch after its window is over is refused', async (_, era) => {
  const world = await sequenced({ forkTimes: era })
  world.mineEmpty(Number(world.config.seqWindowSize))
  world.mine([calldata(...world.frames(world.span(1, 18)))])
  await world.derive()
  expect(world.verifier.head.number).toBeGreaterThan(18n)
  for (let number = 1; number <= 18; number++) expect(world.verifier.userTransactions(number)).toEqual([])
})

test('a batch whose next L1 block is unknown is not overtaken by an empty one', async () => {
  const world = new DeriveWorld({ forkTimes: granite, seqWindowSize: 4n })
  world.mineEmpty(3)
  await world.sequence(18)
  world.mine([calldata(...world.frames(world.span(1, 18)))])
  await world.derive()
  world.mineEmpty(1)
  await world.derive()
  expectHead(world, 18)
})

test('a reorg of L1 is a reset, and the pipeline goes on from the new chain', async () => {
  const world = await sequenced()
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  await world.derive()
  expectHead(world, 6)
  world.blocks.reorg(1)
  expect(await code(world.derive())).toBe('reset')
  world.resetPipeline()
  world.mine([calldata(...world.frames(world.span(7, 18)))])
  await world.derive()
  expectHead(world, 18)
})

test('an L1 block that vanished while it was read is a reset', async () => {
  const world = await sequenced()
  world.mine()
  const gone = () => Promise.reject(Object.assign(new Error('unknown block'), { code: 'missing' }))
  Object.assign(world.l1, { transactions: gone })
  expect(await code(world.derive())).toBe('reset')
})

test('a failing L1 is temporary and loses nothing', async () => {
  const world = await sequenced()
  world.mine([calldata(...world.frames(world.span(1, 18)))])
  world.blocks.failure = new Error('connection refused')
  expect(await code(world.derive())).toBe('temporary')
  world.blocks.failure = undefined
  await world.derive()
  expectHead(world, 18)
})

test('at Holocene’s first L1 block open channels are dropped and the window continues', async () => {
  // L1 block 4 is the last before it, 5 the first of it.
  const world = await sequenced({ forkTimes: { ...granite, holocene: 60n } })
  const [first, ...rest] = world.frames(world.span(7, 18), 500)
  if (first === undefined) throw new Error('no frame')
  world.mine([calldata(...world.frames(world.span(1, 6))), calldata(first)])
  world.mine([calldata(...rest)])
  await world.derive()
  expectHead(world, 6)
  world.mine([calldata(...world.frames(world.span(7, 18)))])
  await world.derive()
  expectHead(world, 18)
})

test('upgrade transactions that are missing stop derivation', async () => {
  const world = new DeriveWorld({ forkTimes: { ...holocene, isthmus: 20n } })
  world.mineEmpty(20)
  expect(await code(world.derive())).toBe('critical')
  expect(world.verifier.head.timestamp).toBe(18n)
})

test('a fee scalar of an unknown version stops derivation instead of crashing it', async () => {
  const world = new DeriveWorld()
  world.mineEmpty(12)
  const scalar = `0x02${'00'.repeat(31)}` as const
  const config = await world.verifier.systemConfigByL2Hash()
  Object.assign(world.verifier, { systemConfigByL2Hash: async () => ({ ...config, scalar }) })
  expect(await code(world.derive())).toBe('critical')
})
