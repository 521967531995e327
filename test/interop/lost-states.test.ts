import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasAnvil } from '../fakes/anvil.ts'
import { InteropNet } from './net.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'
import { OurNode, sequencing } from './our-node.ts'
import { until } from './rollup-status.ts'

/** Young, so that nothing is final yet: op-geth then keeps the blocks whose states it lost. */
const ageSeconds = 20

describe.skipIf(!hasGo || !hasAnvil)('op-geth that lost its states (skipped without Go or anvil)', () => {
  let net: InteropNet
  let geth: OpGeth
  let node: OurNode

  beforeAll(async () => {
    net = await InteropNet.start(ageSeconds)
    geth = await OpGeth.start({ genesis: net.genesis, dir: net.folder('op-geth'), args: ['--gcmode', 'full'] })
    node = await OurNode.make(net, 'on-op-geth', geth)
  })
  afterAll(async () => {
    await Promise.all([node?.kill(), geth?.kill()])
    await net?.stop()
  })

  test('is waited for with words for its operator, and the chain goes on once it is rewound', async () => {
    await node.start(...sequencing)
    const before = await until(node, ({ safe_l2 }) => safe_l2.number > 10, 'blocks are safe')
    expect(before.finalized_l2.number).toBe(0)
    const safeBefore = await node.eth.request('eth_getBlockByHash', [before.safe_l2.hash, false])
    await Promise.all([node.kill(), geth.kill()])
    await geth.restart()
    await node.start()
    await expect.poll(() => node.log(), { timeout: 60_000 }).toContain('the engine lost the state of its block')
    await geth.eth.request('debug_setHead', ['0x0'])
    await geth.stop()
    await geth.restart()
    await until(node, ({ safe_l2 }) => safe_l2.number > before.safe_l2.number, 'derives them and more')
    expect(await node.eth.request('eth_getBlockByHash', [before.safe_l2.hash, false])).toEqual(safeBefore)
  })
})
