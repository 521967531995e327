import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { defaultShares } from '../../protocol/fee.ts'
import { openedRequest } from '../../protocol/inference-request.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { AgentWorld, freeSpan, openedSpan } from '../fakes/agent-world.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { type Actor, clocks, open } from '../fakes/money-chain.ts'
import type { CommittedBatch } from '../fakes/money-world.ts'
import { at } from '../fakes/proven-tree.ts'
import { stake } from '../fakes/standing-model.ts'
import { dump, IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const hash = (text: string): Hex => keccakHex(new TextEncoder().encode(text))
const app = 'my_app'
const trailId = hash('trail')

let world: IndexWorld
let index: TestIndex
let money: FiledWorld
let agent: AgentWorld
let workers: readonly Actor[]
let settled: CommittedBatch[]

beforeAll(async () => {
  world = await IndexWorld.start()
  money = await FiledWorld.watchedBy(world)
  const { chain } = money
  workers = ['worker', 'second worker'].map((name) => chain.actor(name))
  for (const worker of workers) await stake(chain, worker, 1_000n * open)
  const developer = chain.actor('developer')
  await chain.send(developer, 'CodeRegistry', 'register', [app, developer.address, ''])
  await shareWithApps()
  chain.advance(2n * 86_400n)
  agent = await AgentWorld.create(chain, { payees: workers.map(({ address }) => address), perDay: 9n * open })
  await liveOfAnAgent()
  settled = []
  for (let i = 0; i < 3; i++) await epochOf(at([...workers], i % 2), developer, i)
  await grantLife()
  money.show()
  index = world.open()
  await index.follow()
  await index.fetchFiles()
}, 120_000)

afterAll(() => world.stop())

/** Governance gives apps 5 % of fees; at genesis it is nothing. */
async function shareWithApps() {
  const shares = { ...defaultShares, rhoBps: 500 }
  const { chain, terms } = money
  await chain.send(openLedgerPredeploys.timelock, 'RevenueSplitter', 'setShares', [shares])
  const price = [1n, 1, terms.class, terms.price.rin, terms.price.rout, chain.now + 30n * 86_400n]
  await chain.send(chain.actor('model owner'), 'ModelRegistry', 'setPrice', price)
  Object.assign(terms, { shares, priceVersion: 2 })
}

/** Feedback, a validation, payments, a trail with a leg that is proven and one that is forged. */
async function liveOfAnAgent() {
  const { chain } = money
  const [worker, watcher] = [at([...workers], 0), chain.actor('watcher')]
  const id = agent.agentId
  await chain.send(agent.owner, 'AgentRegistry', 'setMetadata', [id, 'name', '0x6f6c'])
  await chain.send(watcher, 'AgentRegistry', 'stake', [id], { value: 10n * open })
  await chain.send(agent.owner, 'AgentRegistry', 'requestUnbond', [id, 3n * open])
  await chain.send(agent.owner, 'AgentReviews', 'authoriseClient', [id, watcher.address, 1n, chain.now + 9_999n])
  for (const value of [-5n, 7n]) {
    const said = [id, value, 1, 'tag', '', 'https://a', 'ipfs://f', hash('f')]
    await chain.send(watcher, 'AgentReviews', 'giveFeedback', said)
  }
  await chain.send(watcher, 'AgentReviews', 'revokeFeedback', [id, 2n])
  await chain.send(agent.owner, 'AgentReviews', 'appendResponse', [id, watcher.address, 1n, 'ipfs://r', hash('r')])
  await chain.send(agent.owner, 'AgentReviews', 'validationRequest', [watcher.address, id, 'ipfs://w', hash('w')])
  await chain.send(watcher, 'AgentReviews', 'validationResponse', [hash('w'), 88, 'ipfs://v', hash('v'), 'soft'])
  await chain.send(agent.key, 'AgentSpending', 'fundChannel', [worker.address, open])
  await chain.send(agent.key, 'AgentSpending', 'pay', [worker.address, 5n, hash('tool')])
  const { batch } = await money.commit(worker, money.build(worker, [money.plan(agent.key, worker, 3, 4)]))
  const { receipt, request } = at(batch.built.receipts, 0)
  const spans = [
    freeSpan(),
    freeSpan({ kind: 'model', ref: receipt.requestId, fee: receipt.fee }),
    freeSpan({ kind: 'model', ref: hash('none'), fee: 2n }),
    freeSpan({ ref: hash('tool'), fee: 6n }),
  ]
  await agent.anchor(trailId, spans)
  chain.advance(clocks.window)
  for (const leg of [1, 2]) {
    const args = [id, trailId, openedSpan(spans, leg)]
    await chain.send(watcher, 'AgentTrails', 'challengeLeg', args, { value: open })
  }
  const proof = [id, trailId, openedSpan(spans, 1), money.openedReceipt(batch, 0), openedRequest(request)]
  await chain.send(agent.owner, 'AgentTrails', 'proveLeg', proof)
  await chain.send(watcher, 'AgentTrails', 'forgedPayment', [id, trailId, openedSpan(spans, 3)])
  chain.advance(clocks.window + 1n)
  await chain.send(watcher, 'AgentTrails', 'closeChallenge', [id, trailId, 2])
  await chain.send(agent.owner, 'AgentTrails', 'claimOwed', [agent.owner.address])
}

/** An epoch of two receipts, one through the app, whose contributors are those of the Datanet. */
async function epochOf(worker: Actor, developer: Actor, i: number) {
  const payer = money.chain.actor('payer')
  await money.deposit(payer, worker, open)
  const plain = money.plan(payer, worker, 10 + i, 5)
  const withApp = money.plan(payer, worker, 20, 5 + i)
  const entry = { payee: developer.address, id: 0n, class: entryClasses.A, evidenceHash: zeroHash, weight: 1_000_000 }
  const place = withApp.entries.findIndex(({ class: kind }) => kind > entryClasses.A)
  const entries = [...withApp.entries.slice(0, place), entry, ...withApp.entries.slice(place)]
  const plans = [plain, { ...withApp, entries, appCode: hash(app) }]
  const { batch } = await money.commit(worker, money.build(worker, plans))
  settled.push(batch)
  if (i < 2) await money.settle(i === 0 ? [...money.batches] : [batch])
}

async function grantLife() {
  const [funder, grantee] = [money.chain.actor('funder'), money.chain.actor('grantee')]
  const deadline = money.chain.now + 100n
  const term = { amount: 2n * open, deadline, schema: hash('schema'), attester: funder.address }
  const args = [grantee.address, [term, { ...term, amount: open }], 'ipfs://g', hash('g')]
  await money.chain.send(funder, 'Grants', 'create', args, { value: open })
  await money.chain.send(funder, 'Grants', 'fund', [1n], { value: open })
  await money.chain.send(grantee, 'Grants', 'close', [1n, 0n])
  await money.chain.send(funder, 'Grants', 'claimOwed', [funder.address])
}

const ask = async (query: string) => {
  const { data, errors } = await index.ask(query)
  expect(errors).toBeUndefined()
  return data
}

describe('what contracts hold is what the index says they owe', () => {
  test('agents’ stakes, challenges with rewards, and grants', async () => {
    expect(index.owed('agents')).toBe(money.chain.balance('AgentRegistry'))
    expect(index.owed('disputes')).toBe(money.chain.balance('AgentTrails'))
    expect(index.owed('grants')).toBe(money.chain.balance('Grants'))
    expect(index.owed('grants')).toBeGreaterThan(0n)
  })
})

describe('GraphQL', () => {
  test('shows an agent with its keys, payments, reviews and trails as the contracts have them', async () => {
    const { agent: shown } =
      await ask(`{ agent(id: 1) { owner uri wallet purse stake unbonding slashed promised feedbackCount
      metadata { nodes { name value } } sessions { nodes { key perDay payees revoked spent } }
      payments { nodes { kind payee amount ref } } slashes { nodes { fault amount burned } }
      feedback { nodes { client index value decimals tag1 revoked authorised responses { nodes { responder uri } } } }
      validations { nodes { validator response tag } }
      trails { nodes { id trailId spans paid forged anchoredBy legs { nodes { index status fee } } } } } }`)
    expect(shown.owner).toBe(agent.owner.address)
    expect(shown.purse).toBe(agent.purse)
    const state = (await money.chain.read('AgentRegistry', 'stakes', [1n])) as { stake: bigint; unbonding: bigint }
    expect([shown.stake, shown.unbonding]).toEqual([String(state.stake), String(state.unbonding)])
    expect(shown.slashed).toBe(String(10n * open - state.stake - state.unbonding))
    expect(shown.promised).toBe(String(open + 5n))
    expect(shown.sessions.nodes).toMatchObject([{ key: agent.key.address, spent: String(open + 5n), revoked: false }])
    expect(shown.payments.nodes.map(({ kind }: { kind: string }) => kind)).toEqual(['channel', 'payment'])
    expect(shown.slashes.nodes.map(({ fault }: { fault: string }) => fault)).toEqual(['forgedLeg', 'forgedLeg'])
    expect(shown.feedback.nodes).toMatchObject([
      {
        index: 1,
        value: '-5',
        decimals: 1,
        revoked: false,
        authorised: true,
        responses: { nodes: [{ uri: 'ipfs://r' }] },
      },
      { index: 2, value: '7', revoked: true, authorised: false },
    ])
    expect(shown.validations.nodes).toMatchObject([{ response: 88, tag: 'soft' }])
    const legs = [
      { index: 1, status: 'proven' },
      { index: 2, status: 'forged', fee: '2' },
      { index: 3, status: 'forged', fee: null },
    ]
    expect(shown.trails.nodes).toMatchObject([{ id: `1-${trailId}`, spans: 4, forged: 2, legs: { nodes: legs } }])
  })

  test('shows grants and milestones', async () => {
    const { grant, milestones } =
      await ask(`{ grant(id: 1) { open held paid returned milestones { nodes { index status } } }
      milestones(where: { status: "open" }) { nodes { index amount grant { grantee } } } }`)
    expect(grant).toEqual({
      ...{ open: String(open), held: String(open), paid: '0', returned: String(open) },
      milestones: {
        nodes: [
          { index: 0, status: 'closed' },
          { index: 1, status: 'open' },
        ],
      },
    })
    expect(milestones.nodes).toMatchObject([{ index: 1, amount: String(open) }])
  })

  test('shows what an app’s code earned, live and final', async () => {
    const { codes } = await ask('{ codes { nodes { code earnings { total final receipts } entries { totalCount } } } }')
    const builders = settled.map(({ built }) => at(built.receipts, 1).parts.builder)
    const [total, final] = [builders, builders.slice(0, 2)].map((list) => list.reduce((a, b) => a + b, 0n))
    expect(codes.nodes).toEqual([
      { code: app, earnings: { total: String(total), final: String(final), receipts: 3 }, entries: { totalCount: 3 } },
    ])
    expect(final).toBeGreaterThan(0n)
  })

  test('ranks workers, models and apps by what they earned, as of any block, as a recomputation by hand does', async () => {
    const board = async (kind: string, more = '') =>
      (await ask(`{ leaderboard(kind: ${kind}${more}) { rank subject score earned count ratioBps } }`)).leaderboard
    const all = [at(money.batches, 0), ...settled]
    const parts = (
      name: 'worker' | 'model' | 'builder',
      of: (batch: CommittedBatch) => boolean,
      from = settled.slice(0, 2),
    ) =>
      from
        .filter(of)
        .flatMap(({ built }) => built.receipts.map((each) => each.parts[name]))
        .reduce((a, b) => a + b, 0n)
    const count = (of: (batch: CommittedBatch) => boolean) =>
      all.filter(of).flatMap(({ built }) => built.receipts).length
    const ranked = workers
      .map(({ address }) => {
        const own = ({ header }: CommittedBatch) => header.worker === address
        const earned = String(parts('worker', own, final()))
        return { subject: address, score: earned, earned, count: String(count(own)), ratioBps: 10_000 }
      })
      .sort((a, b) => (BigInt(a.score) > BigInt(b.score) ? -1 : 1))
      .map((row, i) => ({ rank: i + 1, ...row }))
    expect(await board('WORKERS')).toEqual(ranked)
    const earned = String(parts('model', () => true, final()))
    expect(await board('MODELS')).toEqual([
      { rank: 1, subject: '1', score: earned, earned, count: String(count(() => true)), ratioBps: 10_000 },
    ])
    expect(await board('APPS')).toMatchObject([{ subject: app, count: '3' }])
    const { block } = index.store.get('select block from epoch order by key limit 1') as { block: number }
    expect(await board('MODELS', `, block: { number: ${block} }`)).toMatchObject([{ earned: '0' }])
    expect(await board('CONTRIBUTORS', ', datanet: 1')).toEqual([])
    expect((await index.ask('{ leaderboard(kind: CONTRIBUTORS) { rank } }')).errors?.[0]?.message).toContain('datanet')
  })
})

/** Batches of the epochs that are final. */
const final = () => money.epochs.flatMap(({ batches }) => batches)

test('a second index of the same chain has the same rows', async () => {
  const again = world.open('again')
  await again.follow()
  await again.fetchFiles()
  expect(dump(again.store)).toEqual(dump(index.store))
})
