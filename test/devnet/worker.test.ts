import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KnownBatch } from '../../attribution/epochs/known-batch.ts'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import { eventTopic, moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { openProxy, type RunningProxy } from '../../cli/proxy/proxy.ts'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { createLog } from '../../common/log.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { openWorker, type RunningWorker } from '../../worker/worker.ts'
import { permissive } from '../fakes/licences.ts'
import { ServedChain } from '../fakes/served-chain.ts'

const open = 10n ** 18n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const dir = mkdtempSync(join(tmpdir(), 'openledger-worker-'))
const lines: string[] = []
const log = createLog({ level: 'debug', format: 'text', write: (line) => lines.push(line) })
const ending = new AbortController()
const running: Promise<unknown>[] = []

let served: ServedChain
let worker: RunningWorker
let proxy: RunningProxy

beforeAll(async () => {
  served = await ServedChain.open()
  const { chain } = served
  const owner = chain.actor('datanet owner')
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 2])
  const modelOwner = chain.actor('model owner')
  const version = {
    weightsManifest: readBaseModelRecord().root,
    configHash: word(5),
    trainingRoot: word(6),
    indexIds: [],
  }
  const params = { kind: 0, verifyClasses: 0b11, licenceId: permissive, version }
  await chain.send(modelOwner, 'ModelRegistry', 'register', [params, [], [{ id: 1n, version: 1, weightBps: 10_000 }]])
  const validUntil = chain.now + 30n * 86_400n
  await chain.send(modelOwner, 'ModelRegistry', 'setPrice', [1n, 1, 1, open, 2n * open, validUntil])
  await chain.send(chain.actor('worker'), 'WorkerRegistry', 'register', ['0x1220', 1, 0b11], { value: 1_000n * open })

  const models = join(dir, 'models')
  mkdirSync(models)
  copyFileSync(baseModelFile, join(models, 'openledger-base.olm'))
  // The chain's time, which is not that of the day; between blocks it goes on as that of the day does.
  const [startMs, beganMs] = [Number(chain.now) * 1_000, Date.now()]
  const clock = {
    nowMs: () => Math.max(Number(chain.now) * 1_000, startMs + Date.now() - beganMs),
    sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 200), signal),
  }
  worker = await openWorker(
    {
      ...{
        dataDir: join(dir, 'worker'),
        l2Url: served.url,
        privateKey: chain.actor('worker').key,
        modelDirs: [models],
      },
      ...{
        indexDir: join(dir, 'indexes'),
        nodes: [],
        jobsMax: 4,
        jobsWaitingMax: 8,
        batchIntervalSeconds: 1,
        proofBytesMax: 2 ** 28,
      },
      p2p: { listenIp: '127.0.0.1', listenPort: 0, advertiseIp: undefined, staticPeers: [] },
    },
    { clock, log },
  )
  running.push(worker.run(ending.signal))
  proxy = await openProxy(
    {
      ...{ dataDir: join(dir, 'proxy'), l2Url: served.url, privateKey: chain.actor('alice').key, modelDirs: [models] },
      ...{ staticPeers: worker.addresses(), listen: { host: '127.0.0.1', port: 0 }, checkers: [], proofClass: 1 },
      ...{
        p2p: { listenIp: '127.0.0.1', listenPort: 0 },
        answerSeconds: 600,
        dailyCap: 20n * open,
        deposit: 5n * open,
        canaryMs: 0,
      },
    },
    { clock, log },
  )
  running.push(proxy.run(ending.signal))
})

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  await proxy?.close()
  await worker?.close()
  await served?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function post(path: string, body: object): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${proxy.port}${path}`, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, text: await response.text() }
}

/** Until the worker is connected and known there is none to ask. */
async function ask(body: object): Promise<Record<string, never>> {
  for (let i = 0; i < 120; i++) {
    const { status, text } = await post('/v1/chat/completions', body)
    if (status === 200) return JSON.parse(text)
    if (status !== 503) throw new Error(`HTTP ${status}: ${text}\n${lines.slice(-20).join('')}`)
    await new Promise((next) => setTimeout(next, 500))
  }
  throw new Error(`no worker answered\n${lines.slice(-30).join('')}`)
}

const question = {
  model: 'openledger-base',
  messages: [{ role: 'user', content: 'What is a river?' }],
  max_tokens: 24,
  temperature: 0,
}

test('an OpenAI client gets an answer of the shipped model, paid by a voucher and settled on chain', async () => {
  const answer = (await ask(question)) as unknown as {
    choices: { message: { content: string } }[]
    usage: { completion_tokens: number; prompt_tokens: number }
    openledger: { requestId: Hex; feeWei: string; worker: Hex; traceRoot: Hex }
  }
  expect(answer.choices[0]?.message.content.length).toBeGreaterThan(0)
  expect(answer.openledger.worker).toBe(served.chain.actor('worker').address)
  expect(answer.openledger.traceRoot).not.toBe(word(0))
  const { completion_tokens: tout, prompt_tokens: tin } = answer.usage
  expect(BigInt(answer.openledger.feeWei)).toBe(
    (BigInt(tin) * open + BigInt(tout) * 2n * open + 999n) / 1000n + 10n ** 14n,
  )
  for (let i = 0; i < 600 && (await committedBatch(served.chain.rpc, 1n)) === undefined; i++) {
    await served.chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  const batch = await committedBatch(served.chain.rpc, 1n)
  expect(batch?.header).toMatchObject({ count: 1, class: 1, worker: served.chain.actor('worker').address })
})

test('shows on chain what is asked of the trace of an answer', async () => {
  const { header, segments } = (await committedBatch(served.chain.rpc, 1n)) ?? unreachable()
  const file = new ContentStore(join(dir, 'worker/content'), merkleRoot).get(header.dataHash)
  const opened = KnownBatch.of(header, segments, { file }).openReceipt(0)
  const bob = served.chain.actor('bob')
  await served.chain.send(bob, 'TraceDemands', 'requestRoot', [opened, 1], { value: open })
  const filter = {
    address: moneyContracts.TraceDemands,
    topics: [eventTopic('TraceDemands', 'TraceServed')],
    fromBlock: '0x0',
  }
  for (let i = 0; i < 300; i++) {
    const logs = (await served.chain.rpc.request('eth_getLogs', [filter])) as unknown[]
    if (logs.length > 0) return
    await new Promise((next) => setTimeout(next, 200))
  }
  throw new Error(`nothing was shown\n${lines.slice(-10).join('')}`)
})

test('streams tokens as server-sent events, with the cost in the last', async () => {
  const { status, text } = await post('/v1/chat/completions', { ...question, stream: true })
  expect(status, `${text}\n${lines.slice(-10).join('')}`).toBe(200)
  const events = text
    .split('\n\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)))
  expect(text.trim().endsWith('data: [DONE]')).toBe(true)
  expect(events.at(-1)).toMatchObject({
    choices: [{ finish_reason: expect.any(String) }],
    openledger: { feeWei: expect.any(String) },
  })
})

test.each<[string, string, object, number, RegExp]>([
  ['a model that nobody serves', '/v1/chat/completions', { ...question, model: 'gpt-9' }, 404, /no model gpt-9/],
  ['a prompt over the context', '/v1/completions', { model: '1', prompt: 'word '.repeat(4_000) }, 400, /no room/],
  [
    'a field that would change the answer',
    '/v1/chat/completions',
    { ...question, tools: [{}] },
    400,
    /tools is not served/,
  ],
  [
    'a role without a place in the template',
    '/v1/chat/completions',
    { ...question, messages: [{ role: 'wizard', content: 'x' }] },
    400,
    /no role wizard/,
  ],
])('%s is refused in OpenAI’s form', async (_, path, body, status, words) => {
  const answer = await post(path, body)
  expect(answer.status).toBe(status)
  expect(JSON.parse(answer.text).error.message).toMatch(words)
})

function unreachable(): never {
  throw new Error('there is no batch')
}
