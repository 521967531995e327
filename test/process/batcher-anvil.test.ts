import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { Batcher } from '../../node/batcher/batcher.ts'
import { batcherDefaults } from '../../node/batcher/batcher-options.ts'
import { ChannelStore } from '../../node/batcher/channel-store.ts'
import { type Anvil, hasAnvil, startAnvil } from '../fakes/anvil.ts'
import { anvilParts, type L1Parts, log, temporaryDirectory, txManager } from '../fakes/l1-parts.ts'
import { FakeL2Chain } from '../fakes/l2-chain.ts'
import { postedBlocks } from '../fakes/posted-blocks.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'
import { until } from '../fakes/until.ts'

describe.skipIf(!hasAnvil)('batcher against anvil (skipped without its binary)', () => {
  let anvil: Anvil
  let parts: L1Parts & { readonly kzg: { readonly stop?: () => Promise<void> } }

  beforeAll(async () => {
    anvil = await startAnvil(['--block-time', '1'])
    parts = anvilParts(anvil.url)
  })
  afterAll(async () => {
    await parts.kzg.stop?.()
    await anvil.stop()
  })

  test.each(['blobs', 'calldata'] as const)(
    'restarts and an L1 reorg leave every L2 block on L1 once (%s)',
    async (da) => {
      const directory = await temporaryDirectory()
      const start = await parts.l1.blockRefByLabel('latest')
      if (start === undefined) throw new Error('anvil has no head')
      const genesis = { ...testRollupConfig().genesis, l1: start, l2Time: start.timestamp }
      const config = testRollupConfig({
        genesis,
        seqWindowSize: 1_000n,
        batchInboxAddress: da === 'blobs' ? `0xff${'0'.repeat(38)}` : `0xff${'0'.repeat(37)}1`,
      })
      const l2 = new FakeL2Chain(config)
      const account = await txManager(parts)

      const derive = async () => {
        const head = await parts.l1.blockRefByLabel('latest')
        const posted = await postedBlocks(config, parts.l1, head?.number ?? 0n, account.address)
        let safe = 0
        const times = posted.map((block) => block.timestamp)
        while (safe + 1 < l2.payloads.length && times.includes(l2.ref(safe + 1).timestamp)) safe++
        l2.safe = l2.ref(safe)
        l2.headL1 = head
        l2.currentL1 = head
        return times
      }
      const startBatcher = async () => {
        const txs = await txManager(parts, { directory: `${directory}/transactions` })
        const store = await ChannelStore.open(`${directory}/channels`)
        const batcher = new Batcher(
          { ...batcherDefaults, rollupConfig: config, dataAvailability: da, pollIntervalMs: 50, maxChannelDuration: 1 },
          { l2, txs, rpc: parts.rpc, store, clock: systemClock, log, registry: new Registry() },
        )
        await batcher.start()
        return batcher
      }
      const build = async (blocks: number) => {
        for (let i = 0; i < blocks; i++) l2.build(await parts.l1.blockInfoByHash(start.hash), { bytes: 500 })
      }

      const settle = async () => {
        while (true) {
          await derive()
          if (l2.safe.number === l2.unsafe.number) return
          // Deriving costs the time that the proofs of a blob need.
          await new Promise((done) => setTimeout(done, 300))
        }
      }

      await derive()
      await build(5)
      const first = await startBatcher()
      await settle()
      await build(5)
      // Stopped without waiting: something may be in the pool, in a stored channel, or in neither.
      await until(() => l2.newestRead === 10n)
      await first.stop({ drainMs: 0 })
      const second = await startBatcher()
      await settle()
      await build(3)
      await settle()
      await anvil.rpc.request('anvil_reorg', [2, []])
      await settle()
      await build(3)
      await settle()
      await second.stop({ drainMs: 2_000 })
      const times = (await derive()).filter((time) => time > start.timestamp)
      expect(times).toEqual(Array.from({ length: 16 }, (_, i) => start.timestamp + 2n * BigInt(i + 1)))
    },
  )
})
