import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allEvents } from '../../chain/ledger/all-events.ts'
import { givePrompt } from '../../cli/money/give-prompt.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import { encodeTemplate, plainTemplate, templateHash } from '../../inference/answer/template.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { type InferenceRequest, modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { RunningWorker } from '../../worker/worker.ts'
import { CheckingNode } from '../fakes/checking-node.ts'
import { ModelChain } from '../fakes/served-worker.ts'

const open = 10n ** 18n
const ending = new AbortController()
const running: Promise<unknown>[] = []

let world: ModelChain
let node: CheckingNode
let worker: RunningWorker

beforeAll(async () => {
  world = await ModelChain.open()
  // It is drawn as often as the other, and never answers.
  await world.register('second worker')
  const { served, dir, models, clock, log } = world
  const bob = served.chain.actor('bob')
  node = await CheckingNode.open(served.chain, {
    ...{ dir: join(dir, 'node'), key: bob.key, models: [models], accounts: [bob.address], clock, log },
  })
  const [address = ''] = (await node.status()).addresses
  worker = await world.worker({ checkers: [address], nodes: [node.url] })
  running.push(worker.run(ending.signal))
}, 120_000)

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  await worker?.close()
  await node?.close()
  await world?.close()
})

/** Opens a request of alice's and gives its prompt to the node. */
async function openRequest(nonce: bigint): Promise<InferenceRequest> {
  const { chain } = world.served
  const tokens = Uint32Array.of(1, 40, 41, 42, 43)
  const request: InferenceRequest = {
    ...{
      chainId: 901n,
      payer: chain.actor('alice').address,
      nonce,
      modelVersion: modelVersionHash(1n, 1),
      adapters: [],
    },
    ...{ templateHash: templateHash(encodeTemplate(plainTemplate)), promptRoot: bytesToHex(tokenListRoot(tokens)) },
    sampling: { tempQ16: 65_536, topK: 0, topPQ16: 65_536, maxTokens: 12, stopHash: stopHash([]) },
    ...{ class: 1, priceVersion: 1, maxFee: open, appCode: zeroHash, deadline: chain.now + 3_600n },
  }
  await chain.send(chain.actor('alice'), 'InferenceMarket', 'open', [request], { value: request.maxFee })
  const told = await givePrompt(request.promptRoot, tokens, { nodes: [node.url], chain: { signal: ending.signal } })
  expect(told).toEqual([`${node.url} has the prompt`])
  return request
}

async function settledBy(requestId: Hex): Promise<Hex> {
  const { chain } = world.served
  for (let i = 0; i < 600; i++) {
    const [event] = await allEvents(chain.rpc, 'InferenceMarket', 'RequestSettled', [requestId])
    if (event !== undefined) return event.args['worker'] as Hex
    await chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`nobody settled it\n${world.lines.slice(-30).join('')}`)
}

test('requests opened on chain are answered, settled and found sound, also those that are another’s turn', async () => {
  const { chain } = world.served
  const requests: InferenceRequest[] = []
  for (let nonce = 0n; nonce < 4n; nonce++) requests.push(await openRequest(nonce))
  for (const request of requests) expect(await settledBy(requestIdOf(request))).toBe(worker.address)
  const [first] = requests
  if (first === undefined) return
  const requestId = requestIdOf(first)
  for (let i = 0; i < 600 && (await node.checked(requestId)).length === 0; i++) {
    await chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  expect(await node.checked(requestId)).toMatchObject([{ result: 'sound', worker: worker.address }])
  const refund = (await chain.read('InferenceMarket', 'refundOf', [first.payer])) as bigint
  expect(refund).toBeGreaterThan(0n)
  expect(refund).toBeLessThan(4n * open)
}, 180_000)
