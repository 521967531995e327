import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { OpenedLeg } from '../../../cli/agent/opened-leg.ts'
import { addSpan, beginTrail, readTrail } from '../../../cli/agent/trail-file.ts'
import { verifyTrail } from '../../../cli/agent/verify-trail.ts'
import type { ChainAccess } from '../../../cli/money/action.ts'
import { type Span, trailTree } from '../../../protocol/agent-trail.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { openedRequest } from '../../../protocol/inference-request.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { AgentWorld, freeSpan } from '../../fakes/agent-world.ts'
import { type Actor, type MoneyContract, open } from '../../fakes/money-chain.ts'
import { openledgerHere } from '../../fakes/money-cli.ts'
import { type CommittedBatch, MoneyWorld } from '../../fakes/money-world.ts'
import { at } from '../../fakes/proven-tree.ts'
import { stake } from '../../fakes/standing-model.ts'

const trailId = keccakHex(new TextEncoder().encode('trail'))
let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'openledger-trail-'))
  file = join(dir, 'trail.jsonl')
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('a trail’s file', () => {
  test('is begun once, only added to, and read as it was written', () => {
    beginTrail(file, { chainId: 901n, agentId: 7n, trailId }, 1_700_000_000)
    const span = freeSpan({ kind: 'model', fee: 5n, name: 'base “quoted”', ref: trailId })
    addSpan(file, span)
    expect(readTrail(file)).toEqual({ chainId: 901n, agentId: 7n, trailId, spans: [freeSpan(), span] })
    expect(() => beginTrail(file, { chainId: 901n, agentId: 7n, trailId }, 1)).toThrow('is there already')
  })

  test.each<[string, object]>([
    ['another kind', { kind: 'thought' }],
    ['a long name', { name: 'n'.repeat(257) }],
    ['a short hash', { ref: '0x11' }],
    ['a negative fee', { fee: '-1' }],
  ])('with %s is refused by line', (_, wrong) => {
    beginTrail(file, { chainId: 901n, agentId: 7n, trailId }, 1)
    const line = { ...freeSpan(), at: '1', fee: '0', ...wrong }
    writeFileSync(file, `${JSON.stringify(line)}\n`, { flag: 'a' })
    expect(() => readTrail(file)).toThrow('line 3')
  })

  test('an action is part of an earlier one', () => {
    expect(() => trailTree([freeSpan(), freeSpan({ parent: 1 })])).toThrow('not before it')
    expect(() => trailTree([freeSpan({ parent: 1 })])).toThrow('not before it')
  })

  test('openledger agent record writes it', async () => {
    const words = ['agent', 'record', '--trail', file]
    expect((await openledgerHere([...words, '--name', 'search'])).stderr).toContain('--chain-id')
    const whose = ['--agent', '7', '--chain-id', '901', '--trail-id', 'first']
    const ran = await openledgerHere([...words, ...whose, '--name', 'search', '--fee', '5wei', '--ref', 'invoice 1'])
    expect([ran.code, ran.stdout]).toEqual([0, 'action 1\n'])
    expect((await openledgerHere([...words, '--name', 'x', '--parent', '2'])).stderr).toContain('there are 0 to 1')
    expect(readTrail(file).spans).toMatchObject([{ name: 'session' }, { name: 'search', kind: 'tool', fee: 5n }])
  })
})

describe('held against the chain', () => {
  let money: MoneyWorld
  let agent: AgentWorld
  let worker: Actor
  let batch: CommittedBatch
  let spans: Span[]
  beforeEach(async () => {
    money = await MoneyWorld.create()
    isVoid.clear()
    worker = money.chain.actor('worker')
    await stake(money.chain, worker, 1_000n * open)
    agent = await AgentWorld.create(money.chain, { payees: [worker.address] })
    await money.chain.send(agent.key, 'AgentSpending', 'fundChannel', [worker.address, open])
    await money.chain.send(agent.key, 'AgentSpending', 'pay', [worker.address, 7n, trailId])
    const stranger = money.chain.actor('stranger')
    await money.deposit(stranger, worker, open)
    const plans = [money.plan(agent.key, worker, 3, 4), money.plan(stranger, worker, 3, 4)]
    batch = (await money.commit(worker, money.build(worker, plans))).batch
    spans = [freeSpan(), legOf(0), freeSpan({ ref: trailId, fee: 7n })]
  })

  const legOf = (i: number, more: object = {}) => {
    const { requestId: ref, fee } = at(batch.built.receipts, i).receipt
    return freeSpan({ kind: 'model', ref, fee, ...more })
  }
  const chain = (): ChainAccess => ({
    chainId: 901n,
    sender: () => agent.owner.address,
    sign: () => new Uint8Array(64),
    request: () => Promise.reject(new Error('nothing else is asked')),
    read: async (contract, name, args = []) => lower(await money.chain.read(contract as MoneyContract, name, args)),
    now: async () => money.chain.now,
    note: () => {},
    signal: new AbortController().signal,
  })
  const find = async (id: Hex) => (indexOf(id) < 0 ? undefined : batch.header.batchId)
  const indexOf = (id: Hex) => batch.built.receipts.findIndex(({ receipt }) => receipt.requestId === id)
  const openLeg = async (_: bigint, id: Hex) => {
    const { request } = at(batch.built.receipts, indexOf(id))
    const receipt = money.openedReceipt(batch, indexOf(id)) as OpenedLeg['receipt']
    return { receipt, request: openedRequest(request), payer: request.payer, isVoid: isVoid.has(indexOf(id)) }
  }
  const isVoid = new Set<number>()
  const verify = (list: readonly Span[]) =>
    verifyTrail({ chainId: 901n, agentId: agent.agentId, trailId, spans: list }, chain(), find, openLeg)

  test('every paid leg of an honest trail resolves', async () => {
    const found = await verify(spans)
    expect(found).toMatchObject({ isAnchored: false, spans: 3, root: bytesToHex(trailTree(spans).root) })
    expect(found.legs.map(({ provenBy }) => provenBy)).toEqual(['receipt 0 of batch 1', `payments under ${trailId}`])
    await agent.anchor(trailId, spans)
    expect(await verify(spans)).toMatchObject({ isAnchored: true })
    await expect(verify(spans.slice(0, 2))).rejects.toThrow('OtherRoot')
    isVoid.add(0)
    await expect(verify(spans)).rejects.toThrow(/ForgedLeg: action 1, .* is void/)
  })

  test.each<[string, () => Span, string]>([
    ['a request that nobody settled', () => freeSpan({ kind: 'model', ref: trailId, fee: 1n }), 'no batch settles'],
    ['another fee', () => legOf(0, { fee: 1n }), 'its receipt says'],
    ['somebody else’s receipt', () => legOf(1), 'who is no key of agent'],
    ['a payment counted twice', () => freeSpan({ ref: trailId, fee: 1n }), 'were paid under it'],
  ])('a forged leg is refused by name: %s', async (_, forged, why) => {
    const refused = verify([...spans, forged()])
    await expect(refused).rejects.toThrow('ForgedLeg: action')
    await expect(refused).rejects.toThrow(why)
  })
})

/** Addresses in lower case, as the command line reads them. */
const lower = (value: unknown): unknown =>
  typeof value === 'string'
    ? (value.toLowerCase() as Hex)
    : typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, lower(each)]))
      : value
