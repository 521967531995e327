import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { predeploys } from '../../contracts/addresses.ts'
import type { Span } from '../../protocol/agent-trail.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { AgentWorld, freeSpan, openedSpan } from '../fakes/agent-world.ts'
import type { BuiltReceipt } from '../fakes/money-batch.ts'
import { type Actor, clocks, open } from '../fakes/money-chain.ts'
import { type CommittedBatch, MoneyWorld } from '../fakes/money-world.ts'
import { at } from '../fakes/proven-tree.ts'
import { stake } from '../fakes/standing-model.ts'

/** Sequences of calls. */
const sequences = Number(process.env['OPENLEDGER_FUZZ'] ?? 40)

const hash = (text: string): Hex => keccakHex(new TextEncoder().encode(text))
const trailId = hash('trail')
const liquidity = predeploys.nativeAssetLiquidity

let money: MoneyWorld
let agent: AgentWorld
let worker: Actor
let watcher: Actor
let batch: CommittedBatch
let receipt: BuiltReceipt
let spans: readonly Span[]

/** An agent with 10 OPEN at stake, which had one answer of a worker and paid a provider for a tool. */
beforeEach(async () => {
  money = await MoneyWorld.create()
  ;[worker, watcher] = ['worker', 'watcher'].map((name) => money.chain.actor(name)) as [Actor, Actor]
  await stake(money.chain, worker, 1_000n * open)
  agent = await AgentWorld.create(money.chain, { payees: [worker.address], models: [1n] })
  await money.chain.send(watcher, 'AgentRegistry', 'stake', [agent.agentId], { value: 10n * open })
  await money.chain.send(agent.key, 'AgentSpending', 'fundChannel', [worker.address, open])
  await money.chain.send(agent.key, 'AgentSpending', 'pay', [worker.address, 7n, hash('tool')])
  batch = (await money.commit(worker, money.build(worker, [money.plan(agent.key, worker, 10, 5)]))).batch
  receipt = at(batch.built.receipts, 0)
  spans = [
    freeSpan(),
    freeSpan({ kind: 'model', name: 'model 1', ref: receipt.receipt.requestId, fee: receipt.receipt.fee }),
    freeSpan({ kind: 'tool', name: 'search', parent: 1, ref: hash('tool'), fee: 7n }),
  ]
})

const send = (name: string, args: readonly unknown[], from: Actor = watcher, value = 0n) =>
  money.chain.send(from, 'AgentTrails', name, args, { value })
const refused = async (name: string, args: readonly unknown[], from: Actor = watcher, value = 0n) =>
  (await money.chain.fails(from, 'AgentTrails', name, args, { value })).error
const staked = async () => (await money.chain.read('AgentRegistry', 'stakeOf', [agent.agentId])) as bigint
const challenge = (index: number, list = spans) => [agent.agentId, trailId, openedSpan(list, index)]
const proof = (index: number, shown: CommittedBatch = batch, of: BuiltReceipt = receipt) => [
  ...[agent.agentId, trailId, openedSpan(spans, index), money.openedReceipt(shown, 0), openedRequest(of.request)],
]
const balance = (of: Actor | Hex | 'AgentTrails') => money.chain.balance(of)

describe('a trail', () => {
  test('is anchored once, by the agent, with the count and fees that its root has', async () => {
    expect(await refused('anchor', agent.anchorArgs(trailId, spans))).toBe('NotOfAgent')
    const args = agent.anchorArgs(trailId, spans)
    expect(await refused('anchor', [...args.slice(0, 5), 1n], agent.key)).toBe('NotTrailRoot')
    expect(await refused('anchor', [...args.slice(0, 4), 4, args[5]], agent.key)).toBe('NotTrailRoot')
    await agent.anchor(trailId, spans)
    expect(await refused('anchor', args, agent.owner)).toBe('AlreadyAnchored')
    expect(await money.chain.read('AgentTrails', 'trailOf', [agent.agentId, trailId])).toMatchObject({ spans: 3 })
    await agent.anchor(hash('another'), spans, agent.owner)
    await money.chain.send(agent.owner, 'AgentSpending', 'revokeSession', [agent.key.address])
    expect(await refused('anchor', agent.anchorArgs(hash('third'), spans), agent.key)).toBe('NotOfAgent')
  })

  test('whose paid legs resolve is never slashed, and the answerer has the challenger’s bond', async () => {
    await agent.anchor(trailId, spans)
    expect(await refused('challengeLeg', challenge(1), watcher, open)).toBe('TooEarlyToChallenge')
    money.chain.advance(clocks.window)
    expect(await refused('challengeLeg', challenge(1))).toBe('WrongBond')
    expect(await refused('challengeLeg', challenge(0), watcher, open)).toBe('NotPaidLeg')
    expect(await refused('challengeLeg', challenge(2), watcher, open)).toBe('WrongKindOfLeg')
    expect(await refused('challengeLeg', challenge(1, [...spans, freeSpan()]), watcher, open)).toMatch(
      /NotInTree|WrongSib/,
    )
    expect(await refused('forgedPayment', challenge(2))).toBe('LegIsPaid')
    expect(await refused('forgedPayment', challenge(1))).toBe('WrongKindOfLeg')
    await send('challengeLeg', challenge(1), watcher, open)
    expect(await refused('challengeLeg', challenge(1), watcher, open)).toBe('ChallengedBefore')
    expect(await refused('closeChallenge', [agent.agentId, trailId, 1])).toBe('AnswerDue')
    const proven = await send('proveLeg', proof(1), agent.owner)
    expect(proven.events.map(({ name }) => name)).toEqual(['LegProven'])
    expect(await refused('proveLeg', proof(1), agent.owner)).toBe('NoChallenge')
    expect(await refused('claimOwed', [watcher.address])).toBe('NothingOwed')
    const before = balance(agent.owner)
    await send('claimOwed', [agent.owner.address], agent.owner)
    expect(balance(agent.owner) - before).toBe(open)
    expect(await staked()).toBe(10n * open)
    expect(balance('AgentTrails')).toBe(0n)
  })

  test('with a leg that no receipt answers costs half of the stake: half burned, half the challenger’s', async () => {
    spans = [freeSpan(), freeSpan({ kind: 'model', ref: hash('nothing'), fee: 5n })]
    await agent.anchor(trailId, spans)
    money.chain.advance(clocks.window)
    await send('challengeLeg', challenge(1), watcher, open)
    expect(await refused('proveLeg', proof(1), agent.owner)).toBe('WrongReceipt')
    await money.chain.send(agent.owner, 'AgentRegistry', 'requestUnbond', [agent.agentId, 10n * open])
    money.chain.advance(clocks.window + 1n)
    expect(await refused('proveLeg', proof(1), agent.owner)).toBe('AnswerLate')
    expect(await refused('closeChallenge', [agent.agentId, trailId, 1], agent.owner)).toBe('NotChallenger')
    money.chain.advance(12n * clocks.window)
    const early = await money.chain.fails(agent.owner, 'AgentRegistry', 'withdraw', [agent.agentId, watcher.address])
    expect(early.error).toBe('StakeLocked')
    const [unissued, supply] = [balance(liquidity), money.chain.supply()]
    const { events } = await send('closeChallenge', [agent.agentId, trailId, 1])
    expect(events.map(({ name }) => name)).toEqual(expect.arrayContaining(['LegForged', 'AgentSlashed', 'RewardWon']))
    expect(await staked()).toBe(5n * open)
    expect(balance(liquidity) - unissued).toBe(25n * 10n ** 17n)
    expect(balance('AgentTrails')).toBe(open + 25n * 10n ** 17n)
    const subject = events.find(({ name }) => name === 'RewardWon')?.args['subject']
    money.chain.advance(102)
    const before = balance(watcher)
    await send('payReward', [subject, watcher.address])
    await send('claimOwed', [watcher.address])
    expect(balance(watcher) - before).toBe(open + 25n * 10n ** 17n)
    expect(money.chain.supply()).toBe(supply)
    await money.chain.send(agent.owner, 'AgentRegistry', 'withdraw', [agent.agentId, agent.owner.address])
  })

  test('cannot claim a receipt of another fee, or of somebody else’s request', async () => {
    spans = [freeSpan(), freeSpan({ kind: 'model', ref: receipt.receipt.requestId, fee: receipt.receipt.fee + 1n })]
    await agent.anchor(trailId, spans)
    const payer = money.chain.actor('payer')
    await money.deposit(payer, worker, open)
    const { batch: others } = await money.commit(worker, money.build(worker, [money.plan(payer, worker, 10, 5)]))
    const their = at(others.built.receipts, 0)
    money.chain.advance(clocks.window)
    await send('challengeLeg', challenge(1), watcher, open)
    expect(await refused('proveLeg', proof(1), agent.owner)).toBe('WrongReceipt')
    spans = [freeSpan(), freeSpan({ kind: 'model', ref: their.receipt.requestId, fee: their.receipt.fee })]
    const stolen = hash('stolen')
    await agent.anchor(stolen, spans)
    money.chain.advance(clocks.window)
    await send('challengeLeg', [agent.agentId, stolen, openedSpan(spans, 1)], watcher, open)
    const shown = [agent.agentId, stolen, openedSpan(spans, 1), money.openedReceipt(others, 0)]
    expect(await refused('proveLeg', [...shown, openedRequest(their.request)])).toBe('NotPaidByAgent')
    expect(await refused('proveLeg', [...shown, openedRequest(receipt.request)])).toBe('WrongRequest')
  })

  test('with a payment that was never made is slashed at once', async () => {
    spans = [freeSpan(), freeSpan({ ref: hash('tool'), fee: 8n })]
    await agent.anchor(trailId, spans)
    await send('forgedPayment', challenge(1))
    expect(await staked()).toBe(5n * open)
    expect(await refused('forgedPayment', challenge(1))).toBe('FaultKnown')
  })
})

describe('what keys signed', () => {
  const voucherOf = (maxFee: bigint, deadline: bigint, by: Actor = agent.key) => {
    const plan = { ...money.plan(by, worker, 10, 5), maxFee, deadline }
    const { voucher, signature, request } = at(money.build(worker, [plan]).receipts, 0)
    return { voucher, signature: { r: signature.r, vs: signature.vs }, request }
  }
  const sorted = (list: readonly ReturnType<typeof voucherOf>[]) => {
    const ordered = [...list].sort((a, b) => (a.voucher.requestId < b.voucher.requestId ? -1 : 1))
    return [ordered.map(({ voucher }) => voucher), ordered.map(({ signature }) => signature)]
  }
  const noon = () => (money.chain.now / 86_400n + 1n) * 86_400n + 43_200n

  test('a voucher above the limit of a request is a fault, one below is none', async () => {
    const good = voucherOf(open, noon())
    expect(await refused('overRequest', [good.voucher, good.signature])).toBe('WithinLimit')
    const bad = voucherOf(open + 1n, noon())
    const { events } = await send('overRequest', [bad.voucher, bad.signature])
    expect(events.find(({ name }) => name === 'AgentSlashed')?.args).toMatchObject({ fault: 0, amount: open })
    expect(await refused('overRequest', [bad.voucher, bad.signature])).toBe('FaultKnown')
    const strange = voucherOf(open + 1n, noon(), money.chain.actor('nobody'))
    expect(await refused('overRequest', [strange.voucher, strange.signature])).toBe('NoSession')
  })

  test('vouchers of one day above its limit are a fault, of two days or twice the same are none', async () => {
    const same = [1, 2, 3, 4].map(() => voucherOf(open, noon()))
    expect(await refused('overDay', sorted(same.slice(0, 3)))).toBe('WithinLimit')
    const [first] = same
    expect(await refused('overDay', sorted([...same.slice(0, 3), first ?? voucherOf(0n, 0n)]))).toBe(
      'VouchersUnordered',
    )
    const tomorrow = voucherOf(open, noon() + 86_400n)
    expect(await refused('overDay', sorted([...same.slice(0, 3), tomorrow]))).toBe('NotSameDay')
    await send('overDay', sorted(same))
    expect(await staked()).toBe(8n * open)
    expect(await refused('overDay', sorted([...same.slice(1), voucherOf(open, noon())]))).toBe('FaultKnown')
  })

  test('a voucher for a model that the key may not ask is a fault', async () => {
    const good = voucherOf(open, noon())
    expect(await refused('forbiddenModel', [good.voucher, good.signature, openedRequest(good.request)])).toBe(
      'ModelIsAllowed',
    )
    const second = money.chain.actor('second key')
    await agent.grant(second, { models: [9n] })
    const bad = voucherOf(open, noon(), second)
    expect(await refused('forbiddenModel', [bad.voucher, bad.signature, openedRequest(good.request)])).toBe(
      'WrongReceipt',
    )
    await send('forbiddenModel', [bad.voucher, bad.signature, openedRequest(bad.request)])
    expect(await staked()).toBe(9n * open)
  })

  test('two roots of one trail are a fault, however they are shown, once', async () => {
    const [one, first] = agent.statement(trailId, spans)
    const [other, second] = agent.statement(trailId, spans.slice(0, 2))
    expect(await refused('twoTrails', [one, first, one, first])).toBe('SameRoot')
    const [third, by] = agent.statement(trailId, spans.slice(0, 2), watcher)
    expect(await refused('twoTrails', [one, first, third, by])).toBe('NoSession')
    expect(await refused('otherTrail', [other, second])).toBe('UnknownTrail')
    await agent.anchor(trailId, spans)
    expect(await refused('otherTrail', [one, first])).toBe('SameRoot')
    await send('otherTrail', [other, second])
    expect(await staked()).toBe(5n * open)
    expect(await refused('twoTrails', [one, first, other, second])).toBe('FaultKnown')
  })
})

test(
  'whatever is called in whatever order, what was slashed is burned or rewarded and every wei is owed to somebody',
  async () => {
    const call = fc.record({
      name: fc.constantFrom(
        'stake',
        'unbond',
        'cancel',
        'withdraw',
        'forge',
        'challenge',
        'prove',
        'close',
        'claim',
        'wait',
      ),
      amount: fc.bigInt(1n, 4n * open),
      index: fc.nat(2),
    })
    const start = await money.chain.fork()
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 4, maxLength: 14 }), async (calls) => {
        const chain = await start.fork()
        const [id, me] = [agent.agentId, watcher.address]
        const list = [
          ...spans,
          freeSpan({ kind: 'model', ref: hash('none'), fee: 1n }),
          freeSpan({ ref: hash('no'), fee: 1n }),
        ]
        await chain.send(agent.key, 'AgentTrails', 'anchor', agent.anchorArgs(trailId, list))
        const before = { burned: chain.balance(liquidity), supply: chain.supply() }
        let [slashed, rewards, bonds, owed] = [0n, 0n, 0n, 0n]
        const tried: Record<
          string,
          () => readonly [Actor, 'AgentRegistry' | 'AgentTrails', string, readonly unknown[], bigint]
        > = {}
        for (const { name, amount, index } of calls) {
          tried['stake'] = () => [watcher, 'AgentRegistry', 'stake', [id], amount]
          tried['unbond'] = () => [agent.owner, 'AgentRegistry', 'requestUnbond', [id, amount], 0n]
          tried['cancel'] = () => [agent.owner, 'AgentRegistry', 'cancelUnbond', [id], 0n]
          tried['withdraw'] = () => [agent.owner, 'AgentRegistry', 'withdraw', [id, me], 0n]
          tried['forge'] = () => [
            watcher,
            'AgentTrails',
            'forgedPayment',
            [id, trailId, openedSpan(list, 2 + index)],
            0n,
          ]
          tried['challenge'] = () => [
            watcher,
            'AgentTrails',
            'challengeLeg',
            [id, trailId, openedSpan(list, 1 + index)],
            open,
          ]
          tried['prove'] = () => [
            agent.owner,
            'AgentTrails',
            'proveLeg',
            [id, trailId, openedSpan(list, 1), money.openedReceipt(batch, 0), openedRequest(receipt.request)],
            0n,
          ]
          tried['close'] = () => [watcher, 'AgentTrails', 'closeChallenge', [id, trailId, 1 + index], 0n]
          tried['claim'] = () => [watcher, 'AgentTrails', 'claimOwed', [me], 0n]
          const make = tried[name]
          if (make === undefined) {
            chain.advance(40)
            continue
          }
          const [from, contract, functionName, args, value] = make()
          try {
            const { events } = await chain.send(from, contract, functionName, args, { value })
            for (const event of events) {
              if (event.name === 'AgentSlashed') slashed += event.args['amount'] as bigint
              if (event.name === 'RewardWon') rewards += event.args['amount'] as bigint
              if (event.name === 'LegChallenged') bonds += open
              if (event.name === 'LegProven' || (functionName === 'closeChallenge' && event.name === 'LegForged')) {
                ;[bonds, owed] = [bonds - open, owed + open]
              }
              if (event.name === 'OwedClaimed') owed -= event.args['amount'] as bigint
            }
          } catch {
            // Refused: nothing changed, which is what the sums below say.
          }
          expect(chain.balance('AgentRegistry')).toBe(await chain.read('AgentRegistry', 'stakeOf', [id]))
          expect(chain.balance('AgentTrails')).toBe(bonds + owed + rewards)
          expect(chain.balance(liquidity) - before.burned).toBe(slashed - rewards)
        }
        expect(chain.supply()).toBe(before.supply)
      }),
      { numRuns: sequences },
    )
  },
  30_000 + 1_000 * sequences,
)
