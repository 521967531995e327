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
/** Asks for class SAMPLED. */
let sampled: RunningProxy

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
  sampled = await world.proxy(worker, 'model owner', 2)
  running.push(proxy.run(ending.signal), sampled.run(ending.signal))
}, 120_000)

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  await proxy?.close()
  await sampled?.close()
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

const river = { model: 'openledger-base', messages: [{ role: 'user', content: 'What is a river?' }], temperature: 0 }

async function asked(of: RunningProxy, more: object): Promise<{ readonly requestId: Hex; readonly text: string }> {
  const answer = (await askProxy(of, { ...river, ...more }, world.lines)) as {
    readonly openledger: { readonly requestId: Hex }
    readonly choices: readonly { readonly message: { readonly content: string } }[]
  }
  return { requestId: answer.openledger.requestId, text: answer.choices[0]?.message.content ?? '' }
}

test('a worker’s answer is pulled, checked and told of by two nodes, one of which has no weights', async () => {
  const { heavy, light } = nodes
  expect(await light.status()).toMatchObject({
    modelFiles: 0,
    models: [{ root, pairsLeft: 64 }],
    kernels: expect.stringMatching(/^(?:native|wasm)$/),
  })
  expect(await heavy.status()).toMatchObject({ modelFiles: 1, models: [] })
  const { requestId } = await asked(proxy, { max_tokens: 24 })
  const found = await Promise.all([heavy, light].map((node) => judged(node, requestId)))
  const worker = world.served.chain.actor('worker').address
  expect(found).toMatchObject([1, 2].map(() => ({ requestId, worker, batch: '0x1', class: 1, result: 'sound' })))
  expect(await heavy.status()).toMatchObject({ models: [{ root, pairsLeft: 64 }] })
  expect(await light.checked(`0x${'11'.repeat(32)}`)).toEqual([])
}, 120_000)

test('an answer that ends with a stop string is judged by the strings that its proof shows', async () => {
  const { text } = await asked(proxy, { max_tokens: 12 })
  const stop = text.slice(3, 6)
  const { requestId, text: stopped } = await asked(proxy, { max_tokens: 12, stop: [stop] })
  expect(stopped.length).toBeLessThan(text.length)
  for (const node of Object.values(nodes)) {
    expect(await judged(node, requestId)).toMatchObject({ result: 'sound', class: 1 })
  }
}, 120_000)

test('of an answer of class SAMPLED the worker shows the layers that its batch’s beacon draws, when it is known', async () => {
  const { chain } = world.served
  chain.origin = 100n
  const { requestId } = await asked(sampled, { max_tokens: 12 })
  const committed = await chain.read('InferenceMarket', 'batchCount')
  for (let i = 0; i < 600 && (await chain.read('InferenceMarket', 'batchCount')) === committed; i++) {
    await chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  chain.origin = 101n
  for (let i = 0; i < 10; i++) {
    await chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  expect(await nodes.light.checked(requestId)).toEqual([])
  chain.origin = 102n
  for (const node of Object.values(nodes)) {
    expect(await judged(node, requestId)).toMatchObject({ result: 'sound', class: 2 })
  }
}, 120_000)
