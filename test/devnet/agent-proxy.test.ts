import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { committedBatch } from '../../chain/ledger/committed-batch.ts'
import { readTrail } from '../../cli/agent/trail-file.ts'
import type { RunningProxy } from '../../cli/proxy/proxy.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { defaultShares, splitFee } from '../../protocol/fee.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { RunningWorker } from '../../worker/worker.ts'
import { CheckingNode } from '../fakes/checking-node.ts'
import { CommandLine } from '../fakes/command-line.ts'
import { askProxy, ModelChain } from '../fakes/served-worker.ts'

/** An agent whose key pays a worker process for an answer, in an app that earns of it. Each test stands on those before it. */
const open = 10n ** 18n
const owner = 1
const appCode = 'reader_app'
const appPayout = `0x${'a9'.repeat(20)}` as const
/** Voted: a twentieth of a fee without the platform's part goes to the app. */
const shares = { ...defaultShares, rhoBps: 500 }
/** wei. A channel is funded with as much as a request may cost. */
const [inPurse, perRequest] = [20n * open, (3n * open) / 10n]

const ending = new AbortController()
const running: Promise<unknown>[] = []
let world: ModelChain
let people: CommandLine
let node: CheckingNode
let worker: RunningWorker
let proxy: RunningProxy
let key: { readonly address: Hex; readonly key: Hex }
let paid: { readonly requestId: Hex; readonly fee: bigint }

beforeAll(async () => {
  world = await ModelChain.open()
  const { served, dir, models, clock, log } = world
  const { chain } = served
  people = CommandLine.at(served)
  key = chain.actor('alice')
  await chain.deposit(openLedgerPredeploys.timelock, 'RevenueSplitter', 'setShares', [shares])
  // The split that was voted is that of prices set from now on.
  const validUntil = chain.now + 30n * 86_400n
  await chain.send(chain.actor('model owner'), 'ModelRegistry', 'setPrice', [1n, 1, 1, open, 2n * open, validUntil])
  await chain.send(chain.actor('bob'), 'CodeRegistry', 'register', [appCode, appPayout, ''])
  // An app's payout address is in force from the next day on.
  await people.later(86_400n)
  const { does } = people
  await does(owner, 'agent register --uri ipfs://reader --name reader')
  await does(owner, 'agent fund --agent 1 --amount 20')
  const limits = '--per-request 0.3 --per-day 0.4 --models 1'
  const payee = chain.actor('worker').address
  await does(owner, `agent grant-key --agent 1 --key ${key.address} ${limits} --payees ${payee}`)
  await does(key, 'agent bind --agent 1')

  const attributor = { key: chain.actor('attributor').key, epochIntervalSeconds: 1, claimThreshold: 1n }
  const bob = chain.actor('bob')
  node = await CheckingNode.open(chain, {
    ...{ dir: join(dir, 'node'), key: bob.key, models: [models], accounts: [bob.address], clock, log },
    roles: { attributor },
  })
  const [address = ''] = (await node.status()).addresses
  worker = await world.worker({ checkers: [address], nodes: [node.url] })
  running.push(worker.run(ending.signal))
  const code = bytesToHex(keccak256(new TextEncoder().encode(appCode)))
  const agent = { id: 1n, trail: undefined }
  proxy = await world.proxy(worker, 'alice', 1, { agent, appCode: code, deposit: perRequest })
  running.push(proxy.run(ending.signal))
}, 240_000)

afterAll(async () => {
  ending.abort(new Error('the test is over'))
  await Promise.allSettled(running)
  await proxy?.close()
  await worker?.close()
  await node?.close()
  await people?.close()
  await world?.close()
})

const question = (maxTokens: number) => ({
  ...{ model: 'openledger-base', max_tokens: maxTokens, temperature: 0 },
  messages: [{ role: 'user', content: 'What is a river?' }],
})

/** Mines until it is so. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await isSo()) return
    await world.served.chain.mine()
    await new Promise((next) => setTimeout(next, 100))
  }
  throw new Error(`${what}: it did not come\n${world.lines.slice(-30).join('')}`)
}

test('the agent’s purse pays a worker’s answer, which stands in the agent’s trail', async () => {
  const answer = (await askProxy(proxy, question(100), world.lines)) as {
    readonly choices: readonly { readonly message: { readonly content: string } }[]
    readonly openledger: { readonly requestId: Hex; readonly feeWei: string; readonly worker: Hex }
  }
  const { chain } = world.served
  expect(answer.choices[0]?.message.content.length).toBeGreaterThan(0)
  expect(answer.openledger.worker).toBe(chain.actor('worker').address)
  paid = { requestId: answer.openledger.requestId, fee: BigInt(answer.openledger.feeWei) }
  const purse = (await chain.read('AgentSpending', 'purseOf', [1n])) as Hex
  expect(await chain.balance(purse)).toBe(inPurse - perRequest)
  const { agentId, spans } = readTrail(proxy.trail ?? '')
  expect(agentId).toBe(1n)
  expect(spans.slice(1)).toMatchObject([{ kind: 'model', name: '1.1', ref: paid.requestId, fee: paid.fee, parent: 0 }])
}, 240_000)

test('what is above a limit of the key is refused by the limit’s name, and nothing is signed or paid', async () => {
  const { chain } = world.served
  const purse = (await chain.read('AgentSpending', 'purseOf', [1n])) as Hex
  await expect(askProxy(proxy, question(400), world.lines)).rejects.toThrow(/HTTP 402.*AboveRequestLimit/)
  await expect(askProxy(proxy, question(100), world.lines)).rejects.toThrow(/HTTP 402.*AboveDailyLimit/)
  expect(await chain.balance(purse)).toBe(inPurse - perRequest)
  // The contract's own limit of the day stops the key where the endpoint is gone around.
  const fund = `agent fund-channel --worker ${chain.actor('worker').address} --amount 0.2 --yes`
  await people.isRefused(key, fund, 'of a day')
  expect(readTrail(proxy.trail ?? '').spans).toHaveLength(2)
})

test('the paid leg of the trail is proven by the receipt that the worker settled', async () => {
  const { chain } = world.served
  await until('the batch', async () => (await committedBatch(chain.rpc, 1n)) !== undefined)
  const content = join(world.dir, 'worker/content')
  const verify = `agent verify-trail --trail ${proxy.trail} --content.dir ${content} --batches 1`
  const leg = { fee: String(paid.fee), provenBy: 'receipt 0 of batch 1' }
  expect(await people.shows(owner, verify)).toMatchObject({ isAnchored: false, spans: 2, legs: [leg] })
  await people.does(key, `agent anchor --trail ${proxy.trail}`)
  expect(await people.shows(owner, verify)).toMatchObject({ isAnchored: true, paid: String(paid.fee) })
}, 120_000)

test('the app that the request named earns its part once governance gave apps one', async () => {
  const { chain } = world.served
  const { builder } = splitFee(paid.fee, shares, true)
  expect(builder).toBe(((paid.fee - shares.platformFee) * 500n) / 10_000n)
  chain.advance(60)
  await until('the app is paid', async () => (await chain.balance(appPayout)) > 0n)
  expect(await chain.balance(appPayout)).toBe(builder)
}, 240_000)
