import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningProxy } from '../../cli/proxy/proxy.ts'
import { readBaseModelRecord } from '../../inference/models/base-model.ts'
import { makePool } from '../../node/checker/make-pool.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { RunningWorker } from '../../worker/worker.ts'
import { CheckingNode, poolsOf } from '../fakes/checking-node.ts'
import { askProxy, ModelChain } from '../fakes/served-worker.ts'

const { root } = readBaseModelRecord()
const ending = new AbortController()
const running: Promise<unknown>[] = []

let world: ModelChain
let nodes: { readonly heavy: CheckingNode; readonly light: CheckingNode }
let worker: RunningWorker
let proxy: RunningProxy

beforeAll(async () => {
  world = await ModelChain.open()
  const { served, dir, models, clock, log } = world
  const [bob, watcher] = [served.chain.actor('bob'), served.chain.actor('watcher')]
  const common = { accounts: [bob.address, watcher.address], clock, log }
  const heavy = await CheckingNode.open(served.chain, {
    ...{ ...common, dir: join(dir, 'heavy'), key: bob.key, models: [models] },
  })
  // What a node without weights needs is made beforehand; the node itself never has a model file.
  await makePool({ root, folders: [models], pools: poolsOf(join(dir, 'light')) })
  const light = await CheckingNode.open(served.chain, {
    ...{ ...common, dir: join(dir, 'light'), key: watcher.key, models: [], peers: [heavy.url] },
  })
  nodes = { heavy, light }
  const addresses = await Promise.all([heavy, light].map(async (node) => (await node.status()).addresses[0] as string))
  worker = await world.worker({ checkers: addresses, nodes: [heavy.url] })
  running.push(worker.run(ending.signal))
  proxy = await world.proxy(worker)
  running.push(proxy.run(ending.signal))
}, 120_000)

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  await proxy?.close()
  await worker?.close()
  await Promise.all(Object.values(nodes ?? {}).map((node) => node.close()))
  await world?.close()
})

/** Mines until a node has judged a request. */
async function judged(node: CheckingNode, requestId: Hex) {
  for (let i = 0; i < 600; i++) {
    const [found] = await node.checked(requestId)
    if (found !== undefined) return found
    await world.served.chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`not judged\n${world.lines.slice(-40).join('')}`)
}

test('a worker’s answer is pulled, checked and told of by two nodes, one of which has no weights', async () => {
  const { heavy, light } = nodes
  expect(await light.status()).toMatchObject({ modelFiles: 0, models: [{ root, pairsLeft: 64 }] })
  expect(await heavy.status()).toMatchObject({ modelFiles: 1, models: [] })
  const question = {
    ...{ model: 'openledger-base', messages: [{ role: 'user', content: 'What is a river?' }] },
    ...{ max_tokens: 24, temperature: 0 },
  }
  const { openledger } = (await askProxy(proxy, question, world.lines)) as { openledger: { requestId: Hex } }
  const { requestId } = openledger
  const found = await Promise.all([heavy, light].map((node) => judged(node, requestId)))
  const worker = world.served.chain.actor('worker').address
  expect(found).toMatchObject([1, 2].map(() => ({ requestId, worker, batch: '0x1', class: 1, result: 'sound' })))
  expect(await heavy.status()).toMatchObject({ models: [{ root, pairsLeft: 64 }] })
  expect(await light.checked(`0x${'11'.repeat(32)}`)).toEqual([])
}, 120_000)
