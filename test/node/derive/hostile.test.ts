import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeriveError } from '../../../node/derive/derive-error.ts'
import { channelBatch } from '../../../protocol/batch.ts'
import { blobBytes } from '../../../protocol/blob-codec.ts'
import { concatBytes, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'
import { transactionDepositedTopic } from '../../../protocol/deposits.ts'
import type { Receipt } from '../../../protocol/receipt.ts'
import { configUpdateTopic } from '../../../protocol/system-config-updates.ts'
import { bytesUpTo } from '../../fakes/arbitraries.ts'
import { calldata, DeriveWorld, type L1Item, stranger } from '../../fakes/derive-world.ts'
import { testRollupConfig } from '../../fakes/rollup-config.ts'

const { forkTimes } = testRollupConfig()
const eras = [
  ['before Holocene', { ...forkTimes, holocene: undefined, isthmus: undefined, jovian: undefined }],
  ['with every fork', forkTimes],
] as const

type Hostile = (world: DeriveWorld) => L1Item

const noise: fc.Arbitrary<Hostile> = fc.oneof(
  bytesUpTo(200).map((data) => () => ({ data })),
  bytesUpTo(200).map((data) => () => ({ data: concatBytes(Uint8Array.of(0), data) })),
  bytesUpTo(blobBytes / 64).map((data) => () => ({
    blobs: [Uint8Array.from({ length: blobBytes }, (_, i) => data[i] ?? 0)],
  })),
  // A sound channel of random batches.
  fc
    .array(fc.tuple(fc.constantFrom(0 as const, 1 as const), bytesUpTo(120)), { maxLength: 4 })
    .map(
      (batches) => (world: DeriveWorld) =>
        calldata(...world.frames(concatBytes(...batches.map(([version, content]) => channelBatch(version, content))))),
    ),
  // A good channel with one byte of its batches changed, or of its frames.
  fc
    .record({
      inside: fc.boolean(),
      at: fc.nat(),
      flip: fc.integer({ min: 1, max: 255 }),
      to: fc.integer({ min: 1, max: 18 }),
    })
    .map(({ inside, at, flip, to }) => (world: DeriveWorld) => {
      const changed = (bytes: Uint8Array) => bytes.with(at % bytes.length, (bytes[at % bytes.length] ?? 0) ^ flip)
      if (inside) return calldata(...world.frames(changed(world.span(1, to))))
      const whole = calldata(...world.frames(world.span(1, to), 400))
      return 'data' in whole ? { data: changed(whole.data) } : whole
    }),
)

test.each(eras)('%s whatever the batcher posts, derivation neither crashes nor stalls', async (_, era) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(noise, { maxLength: 3 }), { minLength: 1, maxLength: 5 }), async (l1Blocks) => {
      const world = new DeriveWorld({ forkTimes: era })
      world.mineEmpty(3)
      await world.sequence(18)
      for (const items of l1Blocks) world.mine(items.map((item) => item(world)))
      try {
        await world.derive()
      } catch (error) {
        expect(error).toBeInstanceOf(DeriveError)
      }
      // Every epoch ends at the latest with its window.
      world.mineEmpty(12)
      await world.derive()
      expect(world.verifier.head.l1Origin.number).toBeGreaterThan(1n)
    }),
    { numRuns: 60 },
  )
})

const event = (address: `0x${string}`, topics: Uint8Array[], data: Uint8Array): Receipt => ({
  type: 2,
  status: 1,
  cumulativeGasUsed: 21_000n,
  bloom: new Uint8Array(256),
  logs: [{ address: hexToBytes(address), topics, data }],
})
const { l1SystemConfigAddress, depositContractAddress } = testRollupConfig()
const word = (value: bigint | number) => uintBytes(value, 32)
const newBatcher = (topics = [hexToBytes(configUpdateTopic), word(0), word(0)]) =>
  event(l1SystemConfigAddress, topics, concatBytes(word(32), word(32), new Uint8Array(12), hexToBytes(stranger)))

test('from the L1 block that names another batcher on only its data counts, that block included', async () => {
  const world = new DeriveWorld()
  world.mineEmpty(3)
  await world.sequence(18)
  const channel = (from: number, to: number) => calldata(...world.frames(world.span(from, to)))
  world.mine([channel(1, 6)])
  world.mine([channel(7, 12), { ...channel(7, 9), from: stranger }], [newBatcher()])
  world.mine([channel(10, 12)])
  await world.derive()
  expect(world.verifier.head).toEqual(world.sequencer.at(9))
  world.mine([{ ...channel(10, 18), from: stranger }])
  await world.derive()
  expect(world.verifier.head).toEqual(world.sequencer.at(18))
})

test('a config update that cannot be read is counted and changes nothing', async () => {
  const world = new DeriveWorld()
  world.mineEmpty(3)
  await world.sequence(6)
  world.mine([], [newBatcher([hexToBytes(configUpdateTopic), word(1), word(0)])])
  world.mine([calldata(...world.frames(world.span(1, 6)))])
  await world.derive()
  expect(world.verifier.head).toEqual(world.sequencer.at(6))
  expect(world.dropped.get('system_config_update')).toBe(1)
})

test('a deposit that cannot be read stops derivation', async () => {
  const world = new DeriveWorld()
  world.mine(
    [],
    [event(depositContractAddress, [hexToBytes(transactionDepositedTopic), word(1), word(2), word(0)], word(5))],
  )
  world.mineEmpty(14)
  await expect(world.derive()).rejects.toMatchObject({ code: 'critical' })
  expect(world.verifier.head.l1Origin.number).toBe(0n)
})
