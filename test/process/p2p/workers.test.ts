import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { leafBytes } from '../../../p2p/workers/proofs/proof-tree.ts'
import { until } from '../../fakes/block-net.ts'
import type { TestWorkerNode } from '../../fakes/worker-net.ts'
import { account, announcement, authorOf, bookOf, join, startWorkerNode } from '../../fakes/worker-net.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function node(...args: Parameters<typeof startWorkerNode>): Promise<TestWorkerNode> {
  const started = await startWorkerNode(...args)
  stops.push(() => started.network.stop())
  return started
}

const book = () => bookOf([account(1).address, account(2).address], [account(100).address, account(101).address])

test('an announcement of a worker reaches a checker two hops away, once, and its proof is pulled from the worker', async () => {
  const chain = book()
  const [worker, near, far] = [
    await node('worker', 1, chain),
    await node('checker', 100, chain),
    await node('checker', 101, chain),
  ]
  await join(worker, near)
  await join(near, far)
  await until(
    'meshed',
    () => near.network.meshPeers('proofs').length === 1 && far.network.meshPeers('proofs').length === 1,
  )
  const bytes = new Uint8Array(randomBytes(3 * leafBytes + 17))
  const proofHash = await worker.store.put(bytes)
  const sent = announcement(authorOf(1), 1, { proofHash, proofBytes: bytes.length })
  expect(await worker.network.publish('proofs', sent)).toBe(1)
  await until('heard', () => far.proofs.length > 0)
  expect(far.proofs.map(({ value }) => value.proofHash)).toEqual([proofHash])
  expect(near.proofs).toHaveLength(1)
  const pulled = await near.network.pull(
    { proofHash, proofBytes: bytes.length },
    near.network.hostsOf(account(1).address),
    new AbortController().signal,
  )
  expect(Buffer.compare(pulled, bytes)).toBe(0)
})
