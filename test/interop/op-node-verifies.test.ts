import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import type { GoProgram } from './go-programs.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { OurNode, sequencing } from './our-node.ts'
import { blockHashes, type Peer, statusOf, until } from './rollup-status.ts'
import { deposit, included, Traffic } from './traffic.ts'

/** Blocks that the sequencer must have behind it before anything is compared; the chain's first ten minutes. */
const blocksMin = 600

describe.skipIf(!hasGo || !hasAnvil)(
  'op-node and op-geth derive what we sequence (skipped without Go or anvil)',
  () => {
    let net: InteropNet
    let ours: OurNode
    let traffic: Traffic
    const verifiers: { readonly node: OpNode; readonly geth: OpGeth }[] = []
    const sent: `0x${string}`[] = []

    beforeAll(async () => {
      net = await InteropNet.start()
      ours = await OurNode.make(net, 'ours')
      await ours.start(...sequencing, '--batcher.data-availability-type', 'blobs')
      traffic = new Traffic(net, ours.eth.url)
      for (const program of ['op-node', 'op-node-latest'] as const satisfies GoProgram[]) {
        const geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder(`${program}-geth`) })
        const node = await OpNode.make(net, { name: program, program, engine: geth })
        await node.start()
        verifiers.push({ node, geth })
      }
    })

    afterAll(async () => {
      await Promise.all([ours?.kill(), ...verifiers.flatMap(({ node, geth }) => [node.kill(), geth.kill()])])
      await net?.stop()
    })

    /** Traffic until a safe block of ours that is newer than all of it; then every verifier has our chain up to there. */
    async function expectSameChain(rounds: number): Promise<void> {
      const now: `0x${string}`[] = []
      for (let round = 0; round < rounds; round++) {
        now.push(...(await traffic.send()))
        await deposit(net, `0x${'d'.repeat(39)}${round % 10}`, '0x1234')
        await new Promise((done) => setTimeout(done, 500))
      }
      sent.push(...now)
      const { unsafe_l2 } = await statusOf(ours)
      const { safe_l2 } = await until(ours, (status) => status.safe_l2.number > unsafe_l2.number, 'its blocks are safe')
      const expected = await blockHashes(ours, 0, safe_l2.number)
      expect(await included(ours, now)).toBe(now.length)
      for (const { node } of verifiers) {
        await until(node, (status) => status.safe_l2.number >= safe_l2.number, 'follows')
        expect(await blockHashes(node, 0, safe_l2.number)).toEqual(expected)
        expect(await included(node, now)).toBe(now.length)
      }
    }

    test('span batches in blobs', async () => {
      await until(ours, ({ safe_l2 }) => safe_l2.number > blocksMin, 'the first ten minutes are safe')
      await expectSameChain(6)
    })

    test('span batches in calldata, after a kill -9 of our sequencer', async () => {
      await ours.kill()
      await ours.start(...sequencing, '--batcher.data-availability-type', 'calldata')
      await expectSameChain(3)
    })

    test('singular batches in blobs, after a kill -9 of our sequencer', async () => {
      await ours.kill()
      await ours.start(...sequencing, '--batcher.data-availability-type', 'blobs', '--batcher.batch-type', '0')
      await expectSameChain(3)
    })

    test('singular batches in calldata, after a kill -9 of op-node and of op-geth', async () => {
      await ours.stop()
      await ours.start(...sequencing, '--batcher.data-availability-type', 'calldata', '--batcher.batch-type', '0')
      const [first, second] = verifiers
      await first?.node.kill()
      await second?.node.kill()
      await second?.geth.kill()
      await second?.geth.restart()
      await first?.node.start()
      await second?.node.start()
      await expectSameChain(3)
    })

    test('the same output roots and safe heads by L1 block', async () => {
      const { safe_l2 } = await statusOf(ours)
      const at = `0x${(safe_l2.number - 20).toString(16)}`
      const output = async (peer: Peer) =>
        ((await peer.rollup.request('optimism_outputAtBlock', [at])) as { readonly outputRoot: string }).outputRoot
      const { current_l1 } = await statusOf(ours)
      const l1 = `0x${(current_l1.number - 30).toString(16)}`
      const safeAt = async (peer: Peer) =>
        ((await peer.rollup.request('optimism_safeHeadAtL1Block', [l1])) as { readonly safeHead: unknown }).safeHead
      const [root, safe] = [await output(ours), await safeAt(ours)]
      for (const { node } of verifiers) {
        expect(await output(node)).toBe(root)
        expect(await safeAt(node)).toEqual(safe)
      }
    })

    test.each([1, 6, 15])('an L1 reorg of %i blocks', async (depth) => {
      await net.anvil.rpc.request('anvil_reorg', [depth, []])
      await expectSameChain(2)
    })
  },
)
