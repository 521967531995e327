import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import type { GoProgram } from './go-programs.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { OurNode, sequencing } from './our-node.ts'
import { type Peer, statusOf, until } from './rollup-status.ts'
import { expectSameChain } from './same-chain.ts'
import { Traffic } from './traffic.ts'

/** Blocks that the sequencer must have behind it before anything is compared; the chain's first ten minutes. */
const blocksMin = 600

describe.skipIf(!hasGo || !hasAnvil)(
  'op-node and op-geth derive what we sequence (skipped without Go or anvil)',
  () => {
    let net: InteropNet
    let ours: OurNode
    let traffic: Traffic
    const verifiers: { readonly node: OpNode; readonly geth: OpGeth }[] = []

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

    const sameChain = (rounds: number) =>
      expectSameChain(
        { net, traffic, sequencer: ours },
        verifiers.map(({ node }) => node),
        rounds,
      )

    test('span batches in blobs', async () => {
      await until(ours, ({ safe_l2 }) => safe_l2.number > blocksMin, 'the first ten minutes are safe')
      await sameChain(6)
    })

    test('span batches in calldata, after a kill -9 of our sequencer', async () => {
      await ours.kill()
      await ours.start(...sequencing, '--batcher.data-availability-type', 'calldata')
      await sameChain(3)
    })

    test('singular batches in blobs, after a kill -9 of our sequencer', async () => {
      await ours.kill()
      await ours.start(...sequencing, '--batcher.data-availability-type', 'blobs', '--batcher.batch-type', '0')
      await sameChain(3)
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
      await sameChain(3)
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
      await sameChain(2)
    })
  },
)
