import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../common/log.ts'
import { predeploys } from '../../contracts/addresses.ts'
import { GovernanceWatch } from '../../indexer/sync/governance-watch.ts'
import { documentedGovernance } from '../../protocol/governance-parameters.ts'
import { callOf, day, GovernedChain } from '../fakes/governed-chain.ts'
import { type Actor, addressOf, MoneyChain, open, Reverted } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { RecordedChain } from '../fakes/recorded-chain.ts'
import { dump, IndexWorld, type TestIndex } from '../fakes/test-index.ts'

const steps = 160

/** What the contracts said at a block. */
type Moment = {
  readonly block: number
  readonly time: bigint
  readonly states: ReadonlyMap<bigint, string>
  readonly votes: readonly bigint[]
  readonly supply: bigint
  readonly stakes: ReadonlyMap<bigint, bigint>
  readonly pool: readonly bigint[]
}

let world: IndexWorld
let index: TestIndex
let chain: MoneyChain
let gov: GovernedChain
let people: readonly Actor[]
const proposals: bigint[] = []
const moments: Moment[] = []

beforeAll(async () => {
  world = await IndexWorld.start()
  chain = await MoneyChain.create()
  const recorded = new RecordedChain(chain, world.chain)
  gov = new GovernedChain(chain)
  people = [await gov.voter('p', 1_000n), await gov.voter('q', 700n), await gov.voter('r', 400n)]
  await life(new Random(5))
  recorded.show()
  index = world.open()
  await index.follow()
}, 300_000)

afterAll(() => world.stop())

/** Holders wrap, delegate, propose, vote, queue, execute and stake at random; each moment is written down. */
async function life(random: Random): Promise<void> {
  const some = <T>(list: readonly T[]): T => list[random.int(list.length)] as T
  const acts: readonly (() => Promise<unknown>)[] = [
    () => chain.send(some(people), 'GOPEN', 'deposit', [], { value: BigInt(1 + random.int(40)) * open }),
    () => chain.send(some(people), 'GOPEN', 'withdraw', [BigInt(1 + random.int(20)) * open]),
    () => chain.send(some(people), 'GOPEN', 'delegate', [some(people).address]),
    () => chain.send(some(people), 'GOPEN', 'transfer', [some(people).address, BigInt(1 + random.int(20)) * open]),
    async () => {
      const calls = [callOf('FeeShares', 'setStakersBps', [1_000 + random.int(8_000)])]
      if (random.chance(0.3))
        calls.push(callOf('OpenLedgerGovernor', 'updateQuorumNumerator', [20n + BigInt(random.int(20))]))
      proposals.push(await gov.propose(people[0] as Actor, calls, `proposal ${proposals.length}`))
    },
    () => chain.send(people[0] as Actor, 'OpenLedgerGovernor', 'cancel(uint256)', [some(proposals)]),
    () => gov.vote(some(proposals), some(people), random.chance(0.7) ? 1 : random.chance(0.5) ? 0 : 2),
    () => gov.vote(some(proposals), some(people), 1),
    () => gov.governor(some(people), 'queue(uint256)', [some(proposals)]),
    () => gov.governor(some(people), 'queue(uint256)', [some(proposals)]),
    () => gov.governor(some(people), 'execute(uint256)', [some(proposals)]),
    () => chain.send(some(people), 'StakePool', 'fundReserve', [], { value: open }),
    () =>
      chain.send(some(people), 'StakePool', 'stake', [random.int(5), some(people).address], {
        value: BigInt(1 + random.int(9)) * open,
      }),
    () => chain.send(some(people), 'StakePool', 'topUpStake', [BigInt(random.int(8))], { value: open }),
    () => chain.send(some(people), 'StakePool', 'renew', [BigInt(random.int(8))]),
    () => chain.send(some(people), 'StakePool', 'requestUnstake', [BigInt(random.int(8))]),
    () => chain.send(some(people), 'StakePool', 'unstake', [BigInt(random.int(8))]),
  ]
  for (let step = 0; step < steps; step++) {
    let done = 0
    while (done === 0) {
      await some(acts)().then(
        () => done++,
        (error: unknown) => (error instanceof Reverted || proposals.length === 0 ? undefined : Promise.reject(error)),
      )
    }
    await remember()
    chain.advance(some([2n, day / 2n, day + 1n, 5n * day]))
  }
}

async function remember(): Promise<void> {
  const states = new Map<bigint, string>()
  for (const id of proposals) states.set(id, await gov.state(id))
  const stakes = new Map<bigint, bigint>()
  const count = (await chain.read('StakePool', 'nextStakeId')) as bigint
  for (let id = 0n; id < count; id++) {
    const worth = (await chain.read('StakePool', 'calculateAmount', [id])) as bigint
    if (worth > 0n) stakes.set(id, worth)
  }
  const votes = await Promise.all(people.map(({ address }) => chain.read('GOPEN', 'getVotes', [address])))
  const pool = await Promise.all(
    ['freeReserve', 'reserved', 'staked', 'owed'].map((part) => chain.read('StakePool', part)),
  )
  moments.push({
    block: Number(chain.blockNumber),
    time: chain.now,
    states,
    votes: votes as bigint[],
    supply: (await chain.read('GOPEN', 'totalSupply')) as bigint,
    stakes,
    pool: pool as bigint[],
  })
}

async function ask<T>(query: string): Promise<T> {
  const { data, errors } = await index.ask(query)
  expect(errors).toBeUndefined()
  return data as T
}

test('at every block each proposal is in the state that the Governor said, and all eight came up', async () => {
  const seen = new Set<string>()
  for (const { block, states } of moments) {
    if (states.size === 0) continue
    type Answer = { governanceProposals: { nodes: { id: string; state: string }[] } }
    const { governanceProposals } = await ask<Answer>(
      `{ governanceProposals(first: 100, block: { number: ${block} }) { nodes { id state } } }`,
    )
    const answered = new Map(governanceProposals.nodes.map(({ id, state }) => [BigInt(id), state]))
    expect(answered, `block ${block}`).toEqual(states)
    for (const state of states.values()) seen.add(state)
  }
  expect([...seen].sort()).toEqual(
    ['Active', 'Canceled', 'Defeated', 'Executed', 'Expired', 'Pending', 'Queued', 'Succeeded'].sort(),
  )
}, 120_000)

test('past votes and the past supply are those of GOPEN at every time, and votes of now are right at every block', async () => {
  for (const { block, time, votes, supply } of moments) {
    type Answer = Record<`v${number}`, { votes: string; pastVotes: string }> & {
      governance: { pastSupply: string; gopenSupply: string }
    }
    const fields = people.map(({ address }, i) => `v${i}: voter(address: "${address}") { pastVotes(time: ${time}) }`)
    const past = await ask<Answer>(`{ ${fields.join(' ')} governance { pastSupply(time: ${time}) } }`)
    for (const [i, { address }] of people.entries()) {
      const expected = time < chain.now ? await chain.read('GOPEN', 'getPastVotes', [address, time]) : votes[i]
      expect(past[`v${i}`]?.pastVotes).toBe(String(expected))
    }
    expect(past.governance.pastSupply).toBe(String(supply))
    const then = await ask<Answer>(
      `{ ${people.map(({ address }, i) => `v${i}: voter(address: "${address}", block: { number: ${block} }) { votes }`).join(' ')} }`,
    )
    expect(people.map((_, i) => BigInt(then[`v${i}`]?.votes ?? -1))).toEqual(votes)
  }
}, 120_000)

test('stakes with their interest and the books of the StakePool are the contract’s at every block', async () => {
  for (const { block, stakes, pool } of moments) {
    type Answer = {
      stakes: { nodes: { id: string; worth: string }[] }
      stakePool: Record<'freeReserve' | 'reserved' | 'staked' | 'owed', string>
    }
    const answer = await ask<Answer>(
      `{ stakes(first: 100, where: { status: "live" }, block: { number: ${block} }) { nodes { id worth } }
         stakePool(block: { number: ${block} }) { freeReserve reserved staked owed } }`,
    )
    const { freeReserve, reserved, staked, owed } = answer.stakePool
    expect([freeReserve, reserved, staked, owed].map(BigInt), `block ${block}`).toEqual(pool)
    expect(new Map(answer.stakes.nodes.map(({ id, worth }) => [BigInt(id), BigInt(worth)]))).toEqual(stakes)
  }
  expect(Math.max(...moments.map(({ stakes }) => stakes.size))).toBeGreaterThan(3)
}, 120_000)

test('GOPEN and the StakePool hold what the index says they owe', async () => {
  expect(index.owed('gopen')).toBe(chain.balance('GOPEN'))
  expect(index.owed('staking')).toBe(chain.balance('StakePool'))
})

test('an index that went back and came again is one that never did', async () => {
  const again = world.open('again')
  await again.follow()
  const { number } = again.store.cursor() ?? { number: 0 }
  for (const depth of [1, number >> 1]) {
    again.store.rollbackTo(number - depth)
    await again.follow()
  }
  expect(again.store.cursor()).toEqual(index.store.cursor())
  expect(dump(again.store)).toEqual(dump(index.store))
  world.close(again)
}, 120_000)

test('operations of the Timelock belong to their proposals, with calls, times and what became of them', async () => {
  type Node = {
    state: string
    executableFrom: number | null
    operation: { status: string; readyAt: number; id: string } | null
    calls: { to: string }[]
  }
  const { governanceProposals } = await ask<{ governanceProposals: { nodes: (Node & { id: string })[] } }>(
    '{ governanceProposals(first: 100) { nodes { id state executableFrom calls { to } operation { id status readyAt calls { to } } } } }',
  )
  for (const { id, state, executableFrom, operation } of governanceProposals.nodes) {
    expect(operation === null).toBe(executableFrom === null)
    if (operation === null) continue
    expect(operation.readyAt).toBe(executableFrom)
    expect(operation.id).toBe(await chain.read('OpenLedgerGovernor', 'operationOf', [BigInt(id)]))
    expect(operation.status).toBe(state === 'Executed' ? 'done' : 'scheduled')
  }
})

test('gas fees that were divided are told with their shares, and OPEN that moved by its minter', async () => {
  const fresh = await IndexWorld.start()
  const money = await MoneyChain.create()
  const recorded = new RecordedChain(money, fresh.chain)
  money.evm.state.account(predeploys.baseFeeVault).balance = 4n * open
  await money.send(money.actor('x'), 'FeeSplitter', 'disburseFees')
  await money.send(money.actor('x'), 'OpenBurner', 'burn', [], { value: open })
  await money.send(addressOf('OpenBurner'), 'LiquidityController', 'mint', [money.actor('y').address, 3n * open])
  money.advance(2)
  recorded.show()
  const it = fresh.open()
  await it.follow()
  const { data, errors } = await it.ask(
    '{ feeDisbursements { nodes { grossRevenue shares { amount } } } openSupply { minted burned net burnedForGood moves { nodes { kind amount } } } }',
  )
  expect(errors).toBeUndefined()
  expect(data).toEqual({
    feeDisbursements: {
      nodes: [
        { grossRevenue: String(4n * open), shares: [{ amount: String(2n * open) }, { amount: String(2n * open) }] },
      ],
    },
    openSupply: {
      minted: String(3n * open),
      burned: String(open),
      net: String(2n * open),
      burnedForGood: String(open),
      moves: {
        nodes: [
          { kind: 'burn', amount: String(open) },
          { kind: 'mint', amount: String(3n * open) },
        ],
      },
    },
  })
  await fresh.stop()
})

test('a parameter that is not the documented one is told once, by name and value', async () => {
  const warned: unknown[] = []
  const log = { ...silentLog, warn: (...words: readonly unknown[]) => void warned.push(words) }
  const documented = Object.values(documentedGovernance)
  let words: (bigint | undefined)[] = [...documented]
  const clock = { nowMs: () => 0, sleep: async () => {} }
  const watch = new GovernanceWatch({ client: { words: async () => words }, clock, log })
  await watch.look()
  expect([watch.parameters, warned]).toEqual([documentedGovernance, []])
  words = documented.with(1, 7n * day)
  await watch.look()
  await watch.look()
  expect(warned).toEqual([
    [
      'a parameter of governance is not the documented one',
      { parameter: 'votingPeriodSeconds', documented: documentedGovernance.votingPeriodSeconds, actual: 7n * day },
    ],
  ])
  const none = new GovernanceWatch({ client: { words: async () => [undefined] }, clock, log })
  await none.look()
  expect(none.parameters).toBeUndefined()

  index.governance = watch.parameters
  const { governance } = await ask<{
    governance: { hasDrift: boolean; parameters: { name: string; isDocumented: boolean }[] }
  }>('{ governance { hasDrift parameters { name isDocumented } } }')
  expect(governance.hasDrift).toBe(true)
  expect(governance.parameters.filter(({ isDocumented }) => !isDocumented)).toEqual([
    { name: 'votingPeriodSeconds', isDocumented: false },
  ])
})
