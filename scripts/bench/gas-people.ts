/** Gas of what unit holders, readers of permissioned Datanets and agents do. Each figure is of the second time, when words are written that stay. */

import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { bytesToHex, zeroHash } from '../../protocol/bytes.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import { publicKeyOf } from '../../protocol/secp256k1.ts'
import { AgentWorld, freeSpan, openedSpan } from '../../test/fakes/agent-world.ts'
import { licence } from '../../test/fakes/licences.ts'
import { type Actor, clocks, MoneyChain, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { PayoutTree } from '../../test/fakes/payout-tree.ts'
import { stake } from '../../test/fakes/standing-model.ts'
import type { GasFigure } from './gas-figure.ts'

const registry = openLedgerPredeploys.datanetRegistry
const day = 86_400n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, 'a')}`
/** Contributors of an allotment. */
const allotted = 1_000
/** Actions of a trail. */
const trailSpans = 100

const figure = (field: string, { gas }: { readonly gas: bigint }, note: string): GasFigure => ({
  field,
  gas: Number(gas),
  note,
})

/** Units, votes and access of a governed, permissioned Datanet. */
export async function datanetActions(): Promise<GasFigure[]> {
  const chain = await MoneyChain.create()
  const [owner, alice, bob] = [chain.actor('owner'), chain.actor('alice'), chain.actor('bob')]
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 1, licence('MIT'), zeroHash, 5n, zeroHash])
  return [
    ...(await units(chain, [owner, alice, bob])),
    ...(await access(chain, owner, bob)),
    ...(await votes(chain, owner, alice)),
  ]
}

async function units(chain: MoneyChain, [owner, alice, bob]: readonly [Actor, Actor, Actor]): Promise<GasFigure[]> {
  const others = Array.from({ length: allotted - 1 }, (_, i): Hex => `0x${(i + 1).toString(16).padStart(40, 'b')}`)
  const tree = new PayoutTree([alice.address, ...others].map((payee) => ({ payee, cumulative: 10n })))
  const send = (by: Actor | Hex, name: string, args: readonly unknown[]) => chain.send(by, 'DatanetUnits', name, args)
  const id = (1n << 32n) | 1n
  await send(registry, 'issue', [1n, 1, owner.address, 10n * BigInt(allotted), tree.root])
  await send(registry, 'issue', [1n, 2, owner.address, 100_000n, zeroHash])
  chain.advance(10)
  const { index, count, cumulative, siblings } = tree.claim(0n, alice.address)
  const claimed = await send(alice, 'claimAllotment', [id, alice.address, cumulative, index, count, siblings])
  const move = (to: Actor) => send(owner, 'transfer', [to.address, (1n << 32n) | 2n, 100n])
  await move(alice)
  const [first, next] = [await move(bob), await move(bob)]
  await chain.send(alice, 'RoyaltyVault', 'fund', [1, 1n], { value: open })
  await chain.send(alice, 'RoyaltyVault', 'claimPool', [1, 1n, alice.address])
  await chain.send(bob, 'RoyaltyVault', 'fund', [1, 1n], { value: open })
  const income = await chain.send(alice, 'RoyaltyVault', 'claimPool', [1, 1n, alice.address])
  return [
    figure(
      'unitsClaim',
      claimed,
      `units claimed by one of ${allotted.toLocaleString('en')} to whom a version allotted them`,
    ),
    figure('unitsTransfer', next, 'units sent to who has some'),
    figure('unitsTransferFirst', first, 'units sent to who has none of the Datanet'),
    figure('unitsIncome', income, 'a unit holder’s part of the pool paid out'),
  ]
}

async function access(chain: MoneyChain, owner: Actor, reader: Actor): Promise<GasFigure[]> {
  const key = bytesToHex(publicKeyOf(new Uint8Array(32).fill(7)))
  const send = (by: Actor, name: string, args: readonly unknown[], value = 0n) =>
    chain.send(by, 'DatanetAccess', name, args, { value })
  const ask = (purpose: number) =>
    send(reader, 'request', [1n, purpose, 1, 2 ** 32 - 1, Number(day), key, zeroHash], open)
  await ask(0)
  await send(owner, 'grant', [1n])
  const asked = await ask(1)
  await ask(2)
  return [
    figure('accessRequest', asked, 'access to a Datanet asked for, with OPEN offered'),
    figure('accessGrant', await send(owner, 'grant', [2n]), 'granted, and what was offered given to the unit holders'),
    figure('accessDeny', await send(owner, 'deny', [3n, word(1)]), 'denied, and what was offered owed back'),
  ]
}

async function votes(chain: MoneyChain, owner: Actor, voter: Actor): Promise<GasFigure[]> {
  const send = (by: Actor, name: string, args: readonly unknown[]) => chain.send(by, 'DatanetVotes', name, args)
  await chain.send(owner, 'DatanetRegistry', 'govern', [1n])
  chain.advance(2)
  const propose = (value: bigint) => send(owner, 'propose', [1n, 1, value, zeroHash])
  await propose(7n)
  const proposed = await propose(open / 100n)
  await send(owner, 'castVote', [2n, 1])
  const cast = await send(voter, 'castVote', [2n, 1])
  chain.advance(3n * day)
  return [
    figure('votePropose', proposed, 'a parameter of a Datanet proposed by a unit holder'),
    figure('voteCast', cast, 'a vote with units, after the first'),
    figure('voteExecute', await send(voter, 'execute', [2n]), 'what passed carried out'),
  ]
}

/** An agent’s identity, its keys’ payments, and its trail. */
export async function agentActions(): Promise<GasFigure[]> {
  const money = await MoneyWorld.create()
  const { chain } = money
  const [worker, watcher] = [chain.actor('worker'), chain.actor('watcher')]
  await stake(chain, worker, 1_000n * open)
  const agent = await AgentWorld.create(chain, { payees: [worker.address], models: [1n] })
  const identity = await identities(chain, agent, watcher)
  const granted = await agent.grant(chain.actor('second key'), { payees: [worker.address], models: [1n] })
  const spend = (name: string, args: readonly unknown[]) => chain.send(agent.key, 'AgentSpending', name, args)
  const fund = () => spend('fundChannel', [worker.address, open / 2n])
  await fund()
  const funded = await fund()
  await spend('pay', [worker.address, 7n, word(1)])
  const paid = await spend('pay', [worker.address, 7n, word(2)])
  const plan = () => ({ ...money.plan(agent.key, worker), maxFee: open / 4n })
  const request = () => money.build(worker, [plan()]).receipts[0]?.request ?? never()
  const openOne = () => spend('openRequest', [{ ...request(), payer: agent.purse, maxFee: open / 4n }])
  await openOne()
  const opened = await openOne()
  return [
    ...identity,
    figure('agentGrantKey', granted, 'a key with limits, one model and one payee'),
    figure('agentFundChannel', funded, 'a key funds its channel with a worker from the purse'),
    figure('agentPay', paid, 'a key pays a payee under a reference'),
    figure('agentRequest', opened, 'a key opens a request that the purse pays'),
    ...(await trail(money, agent, worker, watcher)),
  ]
}

async function identities(chain: MoneyChain, agent: AgentWorld, client: Actor): Promise<GasFigure[]> {
  const register = await chain.send(agent.owner, 'AgentRegistry', 'register', ['ipfs://agent'])
  const staking = () => chain.send(client, 'AgentRegistry', 'stake', [agent.agentId], { value: 10n * open })
  await staking()
  const review = (value: number) =>
    chain.send(client, 'AgentReviews', 'giveFeedback', [
      agent.agentId,
      BigInt(value),
      0,
      'starred',
      '',
      '',
      '',
      zeroHash,
    ])
  await review(9)
  return [
    figure('agentRegister', register, 'an agent registered with a short registration file’s place'),
    figure('agentStake', await staking(), 'OPEN added to an agent’s stake'),
    figure('agentFeedback', await review(8), 'feedback with one tag'),
  ]
}

async function trail(money: MoneyWorld, agent: AgentWorld, worker: Actor, watcher: Actor): Promise<GasFigure[]> {
  const { chain } = money
  const { batch } = await money.commit(worker, money.build(worker, [money.plan(agent.key, worker, 10, 5)]))
  const { receipt, request } = batch.built.receipts[0] ?? never()
  const free = Array.from({ length: trailSpans - 1 }, (_, i) => freeSpan({ name: `step ${i}` }))
  const spans = [...free, freeSpan({ kind: 'model', name: 'model 1', ref: receipt.requestId, fee: receipt.fee })]
  await agent.anchor(word(1), spans)
  const anchored = await agent.anchor(word(2), spans)
  chain.advance(clocks.window)
  const leg = [agent.agentId, word(2), openedSpan(spans, trailSpans - 1)]
  const challenged = await chain.send(watcher, 'AgentTrails', 'challengeLeg', leg, { value: open })
  const proof = [...leg, money.openedReceipt(batch, 0), openedRequest(request)]
  return [
    figure('trailAnchor', anchored, `the root of a trail of ${trailSpans} actions, or of more`),
    figure('legChallenge', challenged, 'one of its paid legs challenged'),
    figure('legProve', await chain.send(agent.owner, 'AgentTrails', 'proveLeg', proof), 'and proven by the receipt'),
  ]
}

function never(): never {
  throw new Error('nothing was built')
}
