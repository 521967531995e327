import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { licence } from '../fakes/licences.ts'
import { MoneyChain, open } from '../fakes/money-chain.ts'
import { PayoutTree } from '../fakes/payout-tree.ts'
import { Random } from '../fakes/random.ts'

const registry = openLedgerPredeploys.datanetRegistry
const bondKey = 1
const periodKey = 0x40
const quorumKey = 0x41
const thresholdKey = 0x42
const [against, inFavour, abstain] = [0, 1, 2]
const unitsId = (1n << 32n) | 1n
const day = 86_400n

let chain: MoneyChain
let owner: Hex
let holders: readonly Hex[]

beforeEach(async () => {
  chain = await MoneyChain.create()
  owner = chain.actor('owner').address
  holders = ['first', 'second', 'third'].map((name) => chain.actor(name).address)
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, licence('MIT'), zeroHash, 5n, zeroHash])
})

const send = (from: Hex, name: string, ...args: readonly unknown[]) => chain.send(from, 'DatanetVotes', name, args)
const refused = async (from: Hex, name: string, ...args: readonly unknown[]) =>
  (await chain.fails(from, 'DatanetVotes', name, args)).error
const state = async (id: bigint) => Number(await chain.read('DatanetVotes', 'state', [id]))
const states = { active: 1, defeated: 2, succeeded: 3, executed: 4, expired: 5 }

/** Units 50, 30 and 20 of three holders, and the Datanet theirs to govern. */
async function govern(): Promise<void> {
  await chain.send(registry, 'DatanetUnits', 'issue', [1n, 1, owner, 100n, zeroHash])
  for (const [i, units] of [50n, 30n, 20n].entries()) {
    await chain.send(owner, 'DatanetUnits', 'transfer', [holders[i], unitsId, units])
  }
  await chain.send(owner, 'DatanetRegistry', 'govern', [1n])
  chain.advance(2)
}

describe('votes of unit holders', () => {
  test('a vote changes a parameter that its owner can no longer change', async () => {
    const [first = '0x', second = '0x', third = '0x'] = holders
    expect(await refused(first, 'propose', 1n, bondKey, 1n, zeroHash)).toBe('NotGoverned')
    await govern()
    const byOwner = await chain.fails(owner, 'DatanetRegistry', 'setParameter', [1n, bondKey, 7n])
    expect(byOwner.error).not.toBe('')
    const { events } = await send(third, 'propose', 1n, bondKey, open / 100n, zeroHash)
    expect(events).toMatchObject([{ name: 'ProposalMade', args: { datanet: 1n, key: bondKey, quorum: 25n } }])
    await send(first, 'castVote', 1n, inFavour)
    await send(second, 'castVote', 1n, against)
    expect(await refused(first, 'execute', 1n)).toBe('WrongState')
    chain.advance(3n * day)
    expect(await state(1n)).toBe(states.succeeded)
    expect(await refused(third, 'castVote', 1n, against)).toBe('WrongState')
    await send(owner, 'execute', 1n)
    expect(await state(1n)).toBe(states.executed)
    expect(await chain.read('DatanetRegistry', 'parameter', [1n, bondKey])).toBe(open / 100n)
    expect(await refused(owner, 'execute', 1n)).toBe('WrongState')
  })

  test('units that are sold give their buyer no second vote, and their seller keeps the first', async () => {
    const [first = '0x', second = '0x', third = '0x'] = holders
    await govern()
    await send(first, 'propose', 1n, bondKey, 1n, zeroHash)
    await chain.send(first, 'DatanetUnits', 'transfer', [owner, unitsId, 50n])
    await chain.send(second, 'DatanetUnits', 'transfer', [third, unitsId, 30n])
    expect((await send(first, 'castVote', 1n, inFavour)).result).toBe(50n)
    expect(await refused(owner, 'castVote', 1n, against)).toBe('NoUnits')
    expect((await send(third, 'castVote', 1n, against)).result).toBe(20n)
    expect((await send(second, 'castVote', 1n, abstain)).result).toBe(30n)
    expect(await refused(first, 'castVote', 1n, against)).toBe('AlreadyVoted')
  })

  test('units got in the block of a proposal have no vote on it, so none are lent for one', async () => {
    const [first = '0x', second = '0x'] = holders
    await govern()
    await chain.send(first, 'DatanetUnits', 'transfer', [second, unitsId, 50n])
    await send(second, 'propose', 1n, bondKey, 1n, zeroHash)
    expect((await send(second, 'castVote', 1n, inFavour)).result).toBe(30n)
  })

  test('allotted units vote once they are claimed, with what was theirs before', async () => {
    const [first = '0x'] = holders
    const tree = new PayoutTree(holders.map((payee, i) => ({ payee, cumulative: BigInt(i + 1) })))
    await chain.send(registry, 'DatanetUnits', 'issue', [1n, 1, owner, 6n, tree.root])
    await chain.send(owner, 'DatanetRegistry', 'govern', [1n])
    chain.advance(2)
    expect(await refused(first, 'propose', 1n, bondKey, 1n, zeroHash)).toBe('BelowThreshold')
    const claim = async (who: Hex) => {
      const { index, count, cumulative, siblings } = tree.claim(0n, who)
      await chain.send(who, 'DatanetUnits', 'claimAllotment', [unitsId, who, cumulative, index, count, siblings])
    }
    await claim(first)
    await send(first, 'propose', 1n, bondKey, 1n, zeroHash)
    await claim(holders[2] ?? '0x')
    expect((await send(holders[2] ?? '0x', 'castVote', 1n, inFavour)).result).toBe(3n)
  })

  test('without a quorum, or with a tie, nothing passes; what passed lapses after two weeks', async () => {
    const [first = '0x', second = '0x', third = '0x'] = holders
    await govern()
    await send(first, 'propose', 1n, bondKey, 1n, zeroHash)
    await send(third, 'castVote', 1n, inFavour)
    await send(first, 'propose', 1n, bondKey, 2n, zeroHash)
    await send(second, 'castVote', 2n, against)
    await send(first, 'propose', 1n, bondKey, 3n, zeroHash)
    await send(third, 'castVote', 3n, inFavour)
    await send(second, 'castVote', 3n, abstain)
    chain.advance(3n * day)
    expect([await state(1n), await state(2n), await state(3n)]).toEqual([2, 2, 3])
    chain.advance(14n * day)
    expect(await state(3n)).toBe(states.expired)
    expect(await refused(first, 'execute', 3n)).toBe('WrongState')
    expect(await state(99n)).toBe(0)
  })

  test('rules of votes have bounds, are the owner’s before and a vote’s after, and bind no vote in progress', async () => {
    const [first = '0x'] = holders
    const set = (from: Hex, key: number, value: bigint) => refused(from, 'setParameter', 1n, key, value)
    expect(await set(first, quorumKey, 3_000n)).toBe('NotAllowed')
    const outOfBounds: [number, bigint][] = [
      [periodKey, 29n],
      [periodKey, 30n * day + 1n],
      [quorumKey, 499n],
      [quorumKey, 9_001n],
      [thresholdKey, 1_001n],
    ]
    for (const [key, value] of outOfBounds) expect(await set(owner, key, value)).toBe('OutOfBounds')
    expect(await set(owner, 0x4f, 1n)).toBe('UnknownKey')
    await send(owner, 'setParameter', 1n, periodKey, 60n)
    await govern()
    expect(await set(owner, quorumKey, 3_000n)).toBe('NotAllowed')
    expect(await refused(first, 'propose', 1n, quorumKey, 9_001n, zeroHash)).toBe('OutOfBounds')
    expect(await refused(first, 'propose', 1n, 0x60, 1n, zeroHash)).toBe('UnknownKey')
    await send(first, 'propose', 1n, quorumKey, 8_000n, zeroHash)
    await send(first, 'castVote', 1n, inFavour)
    await send(first, 'propose', 1n, bondKey, 9n, zeroHash)
    await send(first, 'castVote', 2n, inFavour)
    chain.advance(60)
    await send(first, 'execute', 1n)
    // Passed under the old quorum of a quarter.
    await send(first, 'execute', 2n)
    expect(await chain.read('DatanetVotes', 'rulesOf', [1n])).toMatchObject({ quorumBps: 8_000, period: 60 })
  })

  test('over random sales no more units vote than there were', async () => {
    await govern()
    const random = new Random(9)
    for (let id = 1n; id <= 8n; id++) {
      await send(holders.find(() => true) ?? '0x', 'propose', 1n, bondKey, id, zeroHash).catch(() => undefined)
      if ((await chain.read('DatanetVotes', 'proposalCount')) !== id) break
      let voted = 0n
      for (let i = 0; i < 12; i++) {
        const [from, to] = [random.pick([...holders, owner]), random.pick([...holders, owner])]
        const has = (await chain.read('DatanetUnits', 'unitsOf', [1n, from])) as bigint
        await chain.send(from, 'DatanetUnits', 'transfer', [to, unitsId, BigInt(random.int(Number(has) + 1))])
        if (random.chance(0.5)) chain.advance(1)
        const vote = await send(to, 'castVote', id, random.int(3)).catch(() => undefined)
        voted += (vote?.result as bigint | undefined) ?? 0n
      }
      expect(voted).toBeGreaterThan(0n)
      expect(voted).toBeLessThanOrEqual(100n)
      chain.advance(2)
    }
  })
})
