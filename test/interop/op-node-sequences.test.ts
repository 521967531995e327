import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { InteropNet } from './net.ts'
import { OpBatcher } from './op-batcher-process.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { OurNode } from './our-node.ts'
import { until } from './rollup-status.ts'
import { expectSameChain } from './same-chain.ts'
import { Traffic } from './traffic.ts'

/** The chain's first ten minutes. */
const blocksMin = 600
const sequencing = ['--sequencer.enabled', '--sequencer.l1-confs', '1']
const brotliBlobs = ['--data-availability-type', 'blobs', '--batch-type', '1', '--compression-algo', 'brotli']

describe.skipIf(!hasGo || !hasAnvil)('we derive what op-node and op-batcher post (skipped without Go or anvil)', () => {
  let net: InteropNet
  let geth: OpGeth
  let sequencer: OpNode
  let batcher: OpBatcher
  let ours: OurNode
  let traffic: Traffic

  beforeAll(async () => {
    net = await InteropNet.start()
    geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder('geth') })
    sequencer = await OpNode.make(net, { name: 'sequencer', program: 'op-node-latest', engine: geth })
    await sequencer.start(...sequencing)
    batcher = await OpBatcher.make(net, sequencer)
    await batcher.start(...brotliBlobs)
    ours = await OurNode.make(net, 'ours')
    await ours.start()
    traffic = new Traffic(net, geth.eth.url)
  })

  afterAll(async () => {
    await Promise.all([ours?.kill(), batcher?.kill(), sequencer?.kill(), geth?.kill()])
    await net?.stop()
  })

  const sameChain = (rounds: number) => expectSameChain({ net, traffic, sequencer }, [ours], rounds)

  /** anvil loses what was in the replaced blocks; op-batcher waits for it unless it is started again. */
  async function reorg(depth: number): Promise<void> {
    await batcher.kill()
    await net.anvil.rpc.request('anvil_reorg', [depth, []])
    await net.anvil.rpc.request('anvil_dropAllTransactions')
    await batcher.start(...brotliBlobs)
  }

  test('span batches, brotli, in blobs', async () => {
    await until(sequencer, ({ safe_l2 }) => safe_l2.number > blocksMin, 'the first ten minutes are safe')
    await sameChain(6)
  })

  test('singular batches, zlib, in calldata, after a kill -9 of op-batcher', async () => {
    await batcher.kill()
    await batcher.start('--data-availability-type', 'calldata', '--batch-type', '0', '--compression-algo', 'zlib')
    await sameChain(3)
  })

  test('three blobs a transaction, after a kill -9 of our node', async () => {
    await ours.kill()
    await batcher.kill()
    await batcher.start('--data-availability-type', 'blobs', '--target-num-frames', '3', '--compressor', 'none')
    await ours.start()
    await sameChain(3)
  })

  test('a kill -9 of the sequencer and its engine', async () => {
    await sequencer.kill()
    await geth.kill()
    await geth.restart()
    await sequencer.start(...sequencing)
    await sameChain(3)
  })

  test.each([1, 6, 15])('an L1 reorg of %i blocks', async (depth) => {
    await reorg(depth)
    await sameChain(2)
  })
})
