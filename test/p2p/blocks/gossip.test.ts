import { afterEach, expect, test } from 'vitest'
import { addressOf, meshed, presentChain, sealedBlock, startNode, type TestNode } from '../../fakes/block-net.ts'
import { until } from '../../fakes/until.ts'

const running: TestNode[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ network }) => network.stop()))
})
async function start(...args: Parameters<typeof startNode>): Promise<TestNode> {
  const node = await startNode(...args)
  running.push(node)
  return node
}

test('a block of the sequencer reaches a node two hops away, once', async () => {
  const chain = presentChain()
  const sequencer = await start(chain, { sequencer: true })
  const middle = await start(chain)
  const far = await start(chain)
  await middle.network.connect(addressOf(sequencer))
  await far.network.connect(addressOf(middle))
  await meshed([sequencer, middle, far], (node) => (node === middle ? 2 : 1))

  const envelope = sealedBlock(chain, 1_000n)
  expect(await sequencer.network.publish(envelope)).toBe(1)
  await until(() => far.received.length > 0)

  expect(far.received).toEqual([{ envelope, from: middle.network.peerId }])
  expect(middle.received).toEqual([{ envelope, from: sequencer.network.peerId }])
  expect(sequencer.received).toEqual([])
})
