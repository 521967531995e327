import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { compound, flexiWindowSeconds } from '../../protocol/stake-interest.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'

/** Scenarios of the published staking tests that stake-pool.test.ts has not, by their names; where ours differs the scenario says how. */
const { timelock, moneyTimelock } = openLedgerPredeploys
const day = 86_400n
const year = 365n * day
const [flexi, lock30, lock365] = [0, 1, 4] as const
const [flexiRate, lock30Rate, lock365Rate] = [2n, 3n, 12n].map((percent) => percent * 10n ** 16n) as [
  bigint,
  bigint,
  bigint,
]
/** The highest rate that can be set. */
const rateMax = 5n * 10n ** 17n
const amount = 1_000n * open

let chain: MoneyChain
let user: Actor
let other: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  ;[user, other] = [chain.actor('user'), chain.actor('other')]
  await chain.send(chain.actor('funder'), 'StakePool', 'fundReserve', [], { value: 5_000n * open })
})

const stake = async (config: number, value = amount, onBehalfOf = user.address) =>
  (await chain.send(user, 'StakePool', 'stake', [config, onBehalfOf], { value })).result as bigint
const act = (from: Actor, functionName: string, id: bigint, value = 0n) =>
  chain.send(from, 'StakePool', functionName, [id], { value })
const refused = async (from: Actor | Hex, functionName: string, args: readonly unknown[], value = 0n) =>
  (await chain.fails(from, 'StakePool', functionName, args, { value })).error
const worth = async (id: bigint) => (await chain.read('StakePool', 'calculateAmount', [id])) as bigint
const startOf = async (id: bigint) =>
  ((await chain.read('StakePool', 'stakes', [id])) as readonly bigint[])[3] as bigint
const stakedBy = (config: number, of = user) => chain.read('StakePool', 'stakedAmounts', [config, of.address])
const setConfig = (config: number, rate: bigint, { min = open, max = 10n ** 27n, isActive = true } = {}) =>
  chain.send(timelock, 'StakePool', 'setConfig', [config, rate, min, max, isActive])
/** What the user has once a stake that is over was asked back. */
async function paidFor(id: bigint): Promise<bigint> {
  const before = chain.balance(user)
  await act(user, 'requestUnstake', id)
  return chain.balance(user) - before
}

describe('interest', () => {
  test('CalculateAmountHighRate: the highest rate that can be set pays no more than e^½', async () => {
    await setConfig(lock365, rateMax)
    const id = await stake(lock365)
    chain.advance(year)
    expect(await worth(id)).toBe(compound(amount, rateMax, year))
    expect(await worth(id)).toBeLessThan((amount * 16_488n) / 10_000n)
  })

  test('CalculateAmountZeroRate: a stake at no rate is worth what was put in, and sets nothing aside', async () => {
    await setConfig(lock365, 0n)
    const reserved = await chain.read('StakePool', 'reserved')
    const id = await stake(lock365)
    chain.advance(year)
    expect(await worth(id)).toBe(amount)
    expect(await chain.read('StakePool', 'reserved')).toBe(reserved)
  })

  test('CalculateAmountInfiniteDuration: a flexible stake has no end; it earns for as long as it is renewed', async () => {
    const id = await stake(flexi)
    let expected = amount
    for (let i = 0; i < 24; i++) {
      const from = await startOf(id)
      chain.advance(flexiWindowSeconds)
      await act(other, 'renew', id)
      const renewed = await startOf(id)
      expect(renewed - from).toBeGreaterThanOrEqual(flexiWindowSeconds)
      expected = compound(expected, flexiRate, flexiWindowSeconds)
      expect(await worth(id)).toBe(expected)
    }
    // Ours sets interest aside before it is earned, so what nobody renews stops earning.
    chain.advance(10n * year)
    expect(await worth(id)).toBe(compound(expected, flexiRate, flexiWindowSeconds))
  })

  test('AccureInterest, AccureInterestWithExistingInterest: a renewal makes what was earned part of the stake, and it earns too', async () => {
    const id = await stake(flexi)
    chain.advance(day)
    const earned = await worth(id)
    expect(earned).toBeGreaterThan(amount)
    await act(user, 'renew', id)
    const first = await worth(id)
    expect(first).toBeGreaterThanOrEqual(earned)
    const from = await startOf(id)
    chain.advance(day)
    expect(await worth(id)).toBe(compound(first, flexiRate, chain.now - from))
    expect(await stakedBy(flexi)).toBe(amount)
  })

  test('AccureInterestNoChange: in the second of its beginning a stake is worth what was put in', async () => {
    expect(await worth(await stake(lock30))).toBe(amount)
  })

  test('AccureInterestMultipleTimes: each renewal finds more than the one before', async () => {
    const id = await stake(flexi)
    let last = amount
    for (let i = 0; i < 5; i++) {
      chain.advance(day)
      await act(user, 'renew', id)
      const now = await worth(id)
      expect(now).toBeGreaterThan(last)
      last = now
    }
  })

  test('CalculateAmountPrecision: the least rate on the least stake never takes a wei away', async () => {
    await setConfig(lock365, 1n, { min: 1n })
    const id = await stake(lock365, 1n)
    for (let i = 0; i < 12; i++) {
      chain.advance(30n * day)
      expect(await worth(id)).toBe(1n)
    }
  })

  test('CalculateAmountEdgeCases: a stake of what the reserve cannot pay for is refused, whatever its size', async () => {
    const rich = chain.actor('rich')
    chain.evm.state.account(rich.address).balance = 10n ** 27n
    const value = 9n * 10n ** 26n
    expect((await chain.fails(rich, 'StakePool', 'stake', [lock365, rich.address], { value })).error).toBe(
      'ReserveTooLow',
    )
    await chain.send(rich, 'StakePool', 'stake', [flexi, rich.address], { value })
  })

  test('CalculateAmountConsistency: asked twice the answer is the same', async () => {
    const id = await stake(lock30)
    chain.advance(day)
    expect(await worth(id)).toBe(await worth(id))
  })

  test('IntegrationStakeAndCalculateAmount: what a stake is said to be worth is what is paid', async () => {
    const id = await stake(lock30)
    chain.advance(30n * day)
    const said = await worth(id)
    expect(said).toBe(compound(amount, lock30Rate, 30n * day))
    expect(await paidFor(id)).toBe(said)
  })

  test('IntegrationTopUpAndCalculateAmount: a top-up adds itself to what was earned', async () => {
    const id = await stake(lock365)
    chain.advance(100n * day)
    const grown = await worth(id)
    await act(user, 'topUpStake', id, amount)
    const topped = await worth(id)
    expect(topped - amount).toBeGreaterThanOrEqual(grown)
    chain.advance(year)
    expect(await worth(id)).toBe(compound(topped, lock365Rate, year))
  })
})

describe('RevertWhen', () => {
  test('StakeZeroAmount, TopupZeroAmount', async () => {
    expect(await refused(user, 'stake', [lock30, user.address])).toBe('ZeroAmount')
    expect(await refused(user, 'topUpStake', [await stake(lock30)])).toBe('ZeroAmount')
  })

  test('UnauthorizedBankUpdatesConfig, NonBankUpdatesConfig: whoever is not the Timelock', async () => {
    for (const from of [user, moneyTimelock]) {
      expect(await refused(from, 'setConfig', [lock30, 1n, open, 10n * open, true])).toBe('NotTimelock')
    }
  })

  test('StakeOnInactiveConfig, StakeOnNonPublicConfig, StakeOnPlanToggledInactive: a config that is not there or is turned off', async () => {
    // There are no private configs: what is not one of the five is none.
    expect(await refused(user, 'stake', [5, user.address], open)).toBe('UnknownConfig')
    await stake(lock30)
    await setConfig(lock30, lock30Rate, { isActive: false })
    expect(await refused(user, 'stake', [lock30, user.address], open)).toBe('InactiveConfig')
  })

  test('StakeAmountTooSmall, StakeAmountExceedsMax, StakeExceedsMaxAfterTopup', async () => {
    await setConfig(lock30, lock30Rate, { min: 10n * open, max: 20n * open })
    expect(await refused(user, 'stake', [lock30, user.address], 10n * open - 1n)).toBe('StakeAmountTooSmall')
    expect(await refused(user, 'stake', [lock30, user.address], 20n * open + 1n)).toBe('StakeAmountExceeded')
    const id = await stake(lock30, 20n * open)
    expect(await refused(user, 'topUpStake', [id], 1n)).toBe('StakeAmountExceeded')
  })

  test('TopupWithNonOwnAccount, TopupNonExistentStake, TopupEndedStake', async () => {
    const id = await stake(lock30)
    expect(await refused(other, 'topUpStake', [id], open)).toBe('MismatchedRecipient')
    expect(await refused(user, 'topUpStake', [id + 1n], open)).toBe('StakeNotFound')
    chain.advance(30n * day)
    expect(await refused(user, 'topUpStake', [id], open)).toBe('StakeEnded')
  })

  test('RequestUnstakeNonExistentStake, RequestUnstakeWithWrongRecipient, RequestUnstakeBeforeStakeEnded', async () => {
    const id = await stake(lock30)
    expect(await refused(user, 'requestUnstake', [id + 1n])).toBe('StakeNotFound')
    expect(await refused(other, 'requestUnstake', [id])).toBe('MismatchedRecipient')
    chain.advance(30n * day - 2n)
    expect(await refused(user, 'requestUnstake', [id])).toBe('StakeNotEnded')
  })

  test('UnstakeBeforeCooldown, UnstakeWithWrongRecipient, UnstakeNonExistentRequest', async () => {
    const id = await stake(flexi)
    expect(await refused(user, 'unstake', [id])).toBe('UnstakeRequestNotFound')
    await act(user, 'requestUnstake', id)
    expect(await refused(user, 'unstake', [id])).toBe('CooldownNotPassed')
    chain.advance(7n * day)
    expect(await refused(other, 'unstake', [id])).toBe('MismatchedRecipient')
  })
})

describe('Success', () => {
  test('Stake, StakeMinimumAmount, StakeMaximumAmount', async () => {
    await setConfig(lock30, lock30Rate, { min: 10n * open, max: 20n * open })
    await stake(lock30, 10n * open)
    await stake(lock30, 10n * open)
    expect(await stakedBy(lock30)).toBe(20n * open)
  })

  test('StakeOnBehalfOf: it is the other’s to take back', async () => {
    const id = await stake(flexi, amount, other.address)
    expect(await stakedBy(flexi, other)).toBe(amount)
    expect(await refused(user, 'requestUnstake', [id])).toBe('MismatchedRecipient')
    await act(other, 'requestUnstake', id)
  })

  test('TopupStake, TopupOnInactivePlan: who is in may add while nobody new may begin', async () => {
    const id = await stake(lock30)
    await setConfig(lock30, lock30Rate, { isActive: false })
    await act(user, 'topUpStake', id, open)
    expect(await stakedBy(lock30)).toBe(amount + open)
  })

  test('UnstakeWithCooldown: a flexible stake is paid seven days after it was asked back, without interest for these', async () => {
    const id = await stake(flexi)
    chain.advance(10n * day)
    const { events } = await act(user, 'requestUnstake', id)
    const owed = events.find(({ name }) => name === 'RequestUnstake')?.args['amount'] as bigint
    expect(owed).toBeGreaterThan(amount)
    chain.advance(7n * day)
    const before = chain.balance(user)
    await act(user, 'unstake', id)
    expect(chain.balance(user) - before).toBe(owed)
  })

  test('UnstakeWithoutCooldown, UnstakeWithoutCooldownWithInterest: a lock that is over is paid at once, with its interest', async () => {
    await setConfig(lock30, 0n)
    const [bare, earning] = [await stake(lock30), await stake(lock365)]
    chain.advance(year)
    expect(await paidFor(bare)).toBe(amount)
    expect(await paidFor(earning)).toBe(compound(amount, lock365Rate, year))
  })

  test('ConfigCreation: the Timelock changes rate, bounds and whether a config takes stakes, and nothing else of it', async () => {
    const before = (await chain.read('StakePool', 'configs', [lock30])) as readonly unknown[]
    await setConfig(lock30, 1n, { min: 2n, max: 3n, isActive: false })
    const after = (await chain.read('StakePool', 'configs', [lock30])) as readonly unknown[]
    const changed = after.filter((value, i) => value !== before[i])
    expect(changed).toEqual(expect.arrayContaining([1n, 2n, 3n, false]))
    expect(changed).toHaveLength(4)
  })
})
