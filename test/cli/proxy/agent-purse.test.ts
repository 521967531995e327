import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTrail } from '../../../cli/agent/trail-file.ts'
import { AgentPurse } from '../../../cli/proxy/agent-purse.ts'
import { type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { modelVersionHash } from '../../../protocol/inference-request.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'

const open = 10n ** 18n
let chain: LedgerChain
let dir: string
let key: Hex
let worker: Hex

beforeAll(async () => {
  chain = await LedgerChain.open()
  dir = mkdtempSync(join(tmpdir(), 'openledger-agent-'))
  ;[key, worker] = [chain.actor('alice').address, chain.actor('worker').address]
  await chain.send(chain.actor('bob'), 'AgentRegistry', 'register', ['ipfs://agent'])
}, 60_000)

afterAll(async () => {
  rmSync(dir, { recursive: true })
  await chain.close()
})

const nowMs = () => Number(chain.now) * 1_000
const openPurse = (agentId = 1n, trail?: string) =>
  AgentPurse.open({ chainId: 901n, agentId, key, trail, dir: join(dir, 'trails') }, chain.rpc, nowMs)
const bob = (name: string, args: readonly unknown[], value = 0n) =>
  chain.send(chain.actor('bob'), 'AgentSpending', name, args, { value })

test('a key of an agent, bound to its purse, spends within its limits and writes what was paid into a trail', async () => {
  await expect(openPurse()).rejects.toThrow('is no key of agent 1')
  const policy = { perRequest: open, perDay: 2n * open, until: chain.now + 3_600n }
  await bob('fund', [1n], 10n * open)
  await bob('grantSession', [1n, key, policy, [7n], [worker]])
  await expect(openPurse(2n)).rejects.toThrow('is no key of agent 2')
  await expect(openPurse()).rejects.toThrow('not bound to the purse')
  const purse = (await chain.read('AgentSpending', 'purseOf', [1n])) as Hex
  await chain.send(chain.actor('alice'), 'InferenceMarket', 'bindHome', [purse])

  const agent = await openPurse()
  expect(agent.limits).toEqual({ perRequest: open, perDay: 2n * open })
  const request = (modelId: bigint, maxFee: bigint) => ({ modelVersion: modelVersionHash(modelId, 1), maxFee })
  await agent.requireAllowed(request(7n, open))
  await expect(agent.requireAllowed(request(7n, open + 1n))).rejects.toThrow('AboveRequestLimit')
  await expect(agent.requireAllowed(request(8n, open))).rejects.toThrow('ModelNotAllowed')

  const { contract, functionName, args } = agent.fundCall(worker, open)
  await chain.send(chain.actor('alice'), contract, functionName, args)
  expect(BigInt((await chain.rpc.request('eth_getBalance', [purse, 'latest'])) as string)).toBe(9n * open)

  const receipt = { requestId: `0x${'11'.repeat(32)}`, outputRoot: `0x${'22'.repeat(32)}`, fee: 5n }
  agent.record('model', { promptRoot: zeroHash }, receipt as never)
  const again = await openPurse(1n, agent.trail)
  again.record('model', { promptRoot: zeroHash }, receipt as never)
  const { agentId, chainId, spans } = readTrail(agent.trail)
  expect([agentId, chainId]).toEqual([1n, 901n])
  expect(spans.map(({ kind, fee, ref }) => [kind, fee, ref])).toEqual([
    ['tool', 0n, zeroHash],
    ['model', 5n, receipt.requestId],
    ['model', 5n, receipt.requestId],
  ])
  await bob('revokeSession', [key])
  await expect(agent.requireAllowed(request(7n, open))).rejects.toThrow('SessionEnded')
})
