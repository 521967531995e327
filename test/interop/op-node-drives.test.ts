import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { InteropNet } from './net.ts'
import { OpBatcher } from './op-batcher-process.ts'
import { hasGo } from './op-geth-process.ts'
import { OpNode } from './op-node-process.ts'
import { OurEngine } from './our-engine.ts'
import { until } from './rollup-status.ts'
import { expectSameChain } from './same-chain.ts'
import { Traffic } from './traffic.ts'

/** The chain's first ten minutes. */
const blocksMin = 600
const sequencing = ['--sequencer.enabled', '--sequencer.l1-confs', '1']
const brotliBlobs = ['--data-availability-type', 'blobs', '--batch-type', '1', '--compression-algo', 'brotli']

describe.skipIf(!hasGo || !hasAnvil)('op-node drives the embedded engine (skipped without Go or anvil)', () => {
  let net: InteropNet
  const engines: OurEngine[] = []
  let sequencer: OpNode
  let verifier: OpNode
  let batcher: OpBatcher
  let traffic: Traffic

  beforeAll(async () => {
    net = await InteropNet.start()
    engines.push(await OurEngine.start(net, 'sequencer-engine'), await OurEngine.start(net, 'verifier-engine'))
    const [first, second] = engines as [OurEngine, OurEngine]
    sequencer = await OpNode.make(net, { name: 'sequencer', program: 'op-node-latest', engine: first })
    verifier = await OpNode.make(net, { name: 'verifier', program: 'op-node', engine: second })
    await sequencer.start(...sequencing)
    await verifier.start()
    batcher = await OpBatcher.make(net, sequencer)
    await batcher.start(...brotliBlobs)
    traffic = new Traffic(net, first.eth.url)
  })

  afterAll(async () => {
    await Promise.all([batcher, sequencer, verifier, ...engines].map((one) => one?.kill()))
    await net?.stop()
  })

  const sameChain = (rounds: number) => expectSameChain({ net, traffic, sequencer }, [verifier], rounds)

  /** anvil loses what was in the replaced blocks; op-batcher waits for it unless it is started again. */
  async function reorg(depth: number): Promise<void> {
    await batcher.kill()
    await net.anvil.rpc.request('anvil_reorg', [depth, []])
    await net.anvil.rpc.request('anvil_dropAllTransactions')
    await batcher.start(...brotliBlobs)
  }

  test('as sequencer and as verifier', async () => {
    await until(sequencer, ({ safe_l2 }) => safe_l2.number > blocksMin, 'the first ten minutes are safe')
    await sameChain(6)
  })

  test('after a kill -9 of both engines under their op-nodes', async () => {
    for (const engine of engines) {
      await engine.kill()
      await engine.restart()
    }
    await sameChain(3)
  })

  test('after an L1 reorg of 6 blocks', async () => {
    await reorg(6)
    await sameChain(2)
  })
})
