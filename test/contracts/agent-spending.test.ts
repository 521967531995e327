import { beforeEach, describe, expect, test } from 'vitest'
import type { Hex } from '../../protocol/bytes.ts'
import { channelOf } from '../../protocol/voucher.ts'
import { AgentWorld } from '../fakes/agent-world.ts'
import { type Actor, clocks, open } from '../fakes/money-chain.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'

const day = 86_400n

let money: MoneyWorld
let agent: AgentWorld
let worker: Actor
let provider: Actor
beforeEach(async () => {
  money = await MoneyWorld.create()
  ;[worker, provider] = ['worker', 'provider'].map((name) => money.chain.actor(name)) as [Actor, Actor]
  await stake(money.chain, worker, 1_000n * open)
})

const start = async (policy: Parameters<typeof AgentWorld.create>[1] = {}) => {
  agent = await AgentWorld.create(money.chain, policy)
}
const spend = (name: string, args: readonly unknown[], from: Actor | Hex = agent.key, value = 0n) =>
  money.chain.send(from, 'AgentSpending', name, args, { value })
const refused = async (name: string, args: readonly unknown[], from: Actor | Hex = agent.key) =>
  (await money.chain.fails(from, 'AgentSpending', name, args)).error
const balance = (of: Actor | Hex) => money.chain.balance(of)
const ref: Hex = `0x${'0e'.repeat(32)}`
/** A request that the agent's purse pays, for `maxFee` wei. */
const request = (maxFee: bigint, more: object = {}) => {
  const plan = { ...money.plan(agent.key, worker), maxFee }
  const built = money.build(worker, [plan]).receipts[0]
  if (built === undefined) throw new Error('nothing was built')
  return { ...built.request, payer: agent.purse, maxFee, ...more }
}

describe('what a key may spend', () => {
  test('a request is paid from the purse, and what it did not cost comes back to it', async () => {
    await start()
    const { events } = await spend('openRequest', [request(open)])
    expect(events.map(({ name }) => name)).toEqual(['RequestOpened', 'AgentRequestOpened'])
    const id = events[0]?.args['requestId']
    expect(balance(agent.purse)).toBe(99n * open)
    expect(await money.chain.read('AgentSpending', 'leftToday', [agent.key.address])).toBe(2n * open)
    money.chain.advance(2n * day)
    await money.chain.send(provider, 'InferenceMarket', 'refund', [id])
    const collected = await spend('collectRefund', [agent.agentId], provider)
    expect(collected.events.map(({ name }) => name)).toEqual(['RefundClaimed', 'RefundCollected'])
    expect(balance(agent.purse)).toBe(100n * open)
  })

  test('over the limit of a request, or of the day, nothing is spent', async () => {
    await start()
    expect(await refused('openRequest', [request(open + 1n)])).toBe('AboveRequestLimit')
    for (let i = 0; i < 3; i++) await spend('fundChannel', [worker.address, open])
    expect(await refused('fundChannel', [worker.address, 1n])).toBe('AboveDailyLimit')
    expect(await refused('openRequest', [request(1n)])).toBe('AboveDailyLimit')
    money.chain.advance(day)
    await spend('fundChannel', [worker.address, open])
    expect(await money.chain.read('AgentSpending', 'spentBy', [agent.key.address])).toBe(4n * open)
    expect(balance(agent.purse)).toBe(96n * open)
  })

  test('only models and payees that were named', async () => {
    await start({ models: [1n], payees: [provider.address] })
    const other: Hex = `0x${'00'.repeat(19)}09${'00'.repeat(11)}01`
    expect(await refused('openRequest', [request(1n, { modelVersion: other })])).toBe('ModelNotAllowed')
    await spend('openRequest', [request(open)])
    expect(await refused('fundChannel', [worker.address, 1n])).toBe('PayeeNotAllowed')
    expect(await refused('pay', [worker.address, 1n, ref])).toBe('PayeeNotAllowed')
    const before = balance(provider)
    await spend('pay', [provider.address, open, ref])
    await spend('pay', [provider.address, 1n, ref])
    expect(balance(provider) - before).toBe(open + 1n)
    expect(await money.chain.read('AgentSpending', 'paidUnder', [agent.agentId, ref])).toBe(open + 1n)
  })

  test('without payees a key funds registered workers and pays nobody else', async () => {
    await start()
    expect(await refused('fundChannel', [provider.address, 1n])).toBe('PayeeNotAllowed')
    expect(await refused('pay', [provider.address, 1n, ref])).toBe('PayeeNotAllowed')
  })

  test('never as another payer, more than there is, or nothing', async () => {
    await start()
    expect(await refused('openRequest', [request(1n, { payer: agent.key.address })])).toBe('NotPurse')
    expect(await refused('openRequest', [request(0n)])).toBe('ZeroAmount')
    await spend('withdraw', [agent.agentId, agent.owner.address, 100n * open], agent.owner)
    expect(await refused('fundChannel', [worker.address, 1n])).toBe('PurseTooPoor')
  })

  test('a key ends with its time, its revocation or a new owner', async () => {
    await start({ until: money.chain.now + 100n })
    expect(await refused('fundChannel', [worker.address, 1n], provider)).toBe('NoSession')
    await money.chain.send(agent.owner, 'AgentRegistry', 'transferFrom', [
      ...[agent.owner.address, provider.address, agent.agentId],
    ])
    expect(await refused('fundChannel', [worker.address, 1n])).toBe('OwnerChanged')
    await money.chain.send(provider, 'AgentRegistry', 'transferFrom', [
      ...[provider.address, agent.owner.address, agent.agentId],
    ])
    await spend('fundChannel', [worker.address, 1n])
    money.chain.advance(100)
    expect(await refused('fundChannel', [worker.address, 1n])).toBe('SessionEnded')
    expect(await refused('revokeSession', [agent.key.address], provider)).toBe('NotOwnerOrOperator')
    await spend('revokeSession', [agent.key.address])
    expect(await refused('revokeSession', [agent.key.address])).toBe('SessionRevokedBefore')
    expect(await refused('openRequest', [request(1n)])).toBe('SessionRevokedBefore')
  })

  test('a key has one agent and one policy for good', async () => {
    await start()
    const grant = (more: object) => {
      const policy = { perRequest: 1n, perDay: 1n, until: money.chain.now + 10n, ...more }
      return refused('grantSession', [agent.agentId, worker.address, policy, [], []], agent.owner)
    }
    const again = [
      agent.agentId,
      agent.key.address,
      { perRequest: 1n, perDay: 1n, until: money.chain.now + 10n },
      [],
      [],
    ]
    expect(await refused('grantSession', again, agent.owner)).toBe('KeyUsed')
    expect(await grant({ perRequest: 0n })).toBe('BadPolicy')
    expect(await grant({ perRequest: 2n })).toBe('BadPolicy')
    expect(await grant({ until: money.chain.now })).toBe('BadPolicy')
    expect(await grant({ until: money.chain.now + 367n * day })).toBe('BadPolicy')
    const policy = { perRequest: 1n, perDay: 1n, until: money.chain.now + 10n }
    const many = Array.from({ length: 17 }, (_, i) => BigInt(i))
    expect(await refused('grantSession', [1n, worker.address, policy, many, []], agent.owner)).toBe('TooManyModels')
    expect(await refused('grantSession', [1n, worker.address, policy, [], []], provider)).toBe('NotOwnerOrOperator')
  })
})

describe('a key’s channels', () => {
  const recalled = (amount: bigint, from: Actor) =>
    spend('recallChannel', [agent.key.address, worker.address, amount], from)
  const market = async (name: string, args: readonly unknown[], from: Actor = agent.key) =>
    (await money.chain.fails(from, 'InferenceMarket', name, args)).error

  test('give their money back to the purse and to nobody else', async () => {
    await start()
    await spend('fundChannel', [worker.address, open])
    expect(await market('requestWithdrawal', [worker.address, 1n])).toBe('BoundToHome')
    expect(await market('withdraw', [worker.address, agent.key.address])).toBe('BoundToHome')
    expect(await market('cancelWithdrawal', [worker.address])).toBe('BoundToHome')
    expect(await market('bindHome', [agent.key.address])).toBe('BoundToHome')
    expect(await market('recall', [agent.key.address, worker.address, 1n])).toBe('NotHome')
    expect(await market('withdrawHome', [provider.address, worker.address], provider)).toBe('NotHome')
    expect(await refused('recallChannel', [agent.key.address, worker.address, open], provider)).toBe(
      'NotOwnerOrOperator',
    )
    await recalled(open, agent.owner)
    expect(await market('withdrawHome', [agent.key.address, worker.address], provider)).toBe('TooEarly')
    money.chain.advance(clocks.withdrawalDelay)
    await money.chain.send(provider, 'InferenceMarket', 'withdrawHome', [agent.key.address, worker.address])
    expect(balance(agent.purse)).toBe(100n * open)
  })

  test('pay a worker by the key’s vouchers', async () => {
    await start()
    await spend('fundChannel', [worker.address, open])
    const plan = money.plan(agent.key, worker, 10, 5)
    const { batch } = await money.commit(worker, money.build(worker, [plan]))
    const fee = batch.built.receipts[0]?.receipt.fee ?? 0n
    const channel = channelOf(agent.key.address, worker.address)
    const state = (await money.chain.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }
    expect(state.balance).toBe(open - fee)
  })

  test('are funded once the key has bound them', async () => {
    await start()
    const second = money.chain.actor('second key')
    await agent.grant(second)
    expect(await refused('fundChannel', [worker.address, 1n], second)).toBe('NotBound')
  })
})

describe('a purse', () => {
  test('is the agent’s, opened once, and obeys AgentSpending alone', async () => {
    await start()
    expect(await refused('openPurse', [agent.agentId])).toBe('PurseIsOpen')
    expect(await refused('withdraw', [agent.agentId, provider.address, 1n])).toBe('NotAgentOwner')
    expect(await refused('openPurse', [9n])).toBe('ERC721NonexistentToken')
    const purse = { abi: (await import('../fakes/artifact.ts')).loadArtifact('AgentPurse').abi, address: agent.purse }
    const call = money.chain.evm.call(purse, 'execute', [provider.address, 1n, '0x'], { from: agent.owner.address })
    await expect(call).rejects.toThrow('NotAllowed')
  })
})
