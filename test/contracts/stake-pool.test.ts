import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { compound, flexiWindowSeconds, stakeTerms } from '../../protocol/stake-interest.ts'
import { exactInterest } from '../fakes/exact-interest.ts'
import { type Actor, addressOf, MoneyChain, open } from '../fakes/money-chain.ts'

const { timelock } = openLedgerPredeploys
const day = 86_400n
const rates = [2n, 3n, 5n, 8n, 12n].map((percent) => percent * 10n ** 16n)
const flexi = 0
const lock30 = 1
const lock365 = 4

let chain: MoneyChain
let alice: Actor
let bob: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  ;[alice, bob] = [chain.actor('alice'), chain.actor('bob')]
})

const fund = (amount: bigint) => chain.send(chain.actor('funder'), 'StakePool', 'fundReserve', [], { value: amount })
const stake = async (config: number, amount: bigint, from = alice, onBehalfOf: Hex = from.address) =>
  (await chain.send(from, 'StakePool', 'stake', [config, onBehalfOf], { value: amount })).result as bigint
const act = (from: Actor, functionName: string, id: bigint, value = 0n) =>
  chain.send(from, 'StakePool', functionName, [id], { value })
const refused = async (from: Actor | Hex, functionName: string, args: readonly unknown[], value = 0n) =>
  (await chain.fails(from, 'StakePool', functionName, args, { value })).error
const worth = (id: bigint) => chain.read('StakePool', 'calculateAmount', [id])
const setConfig = (config: number, rate: bigint, min = open, max = 10n ** 27n, isActive = true) =>
  chain.send(timelock, 'StakePool', 'setConfig', [config, rate, min, max, isActive])

/** `balance = freeReserve + reserved + staked + owed`. */
async function conserved(): Promise<void> {
  const parts = ['freeReserve', 'reserved', 'staked', 'owed']
  const values = await Promise.all(parts.map((part) => chain.read('StakePool', part) as Promise<bigint>))
  expect(values.reduce((a, b) => a + b)).toBe(chain.balance('StakePool'))
}

describe('interest staking, by the names of the published tests', () => {
  test('CalculateAmount: basic, zero time, large amount and rate within a wei of the exact value, at every term', async () => {
    await fund(9_000n * open)
    for (const [config, { durationSeconds }] of stakeTerms.entries()) {
      const id = await stake(config, 777n * open + 13n)
      expect(await worth(id)).toBe(777n * open + 13n)
      await chain.trial(async () => {
        for (const part of [1n, 3n, 10n]) {
          const started = ((await chain.read('StakePool', 'stakes', [id])) as readonly bigint[])[3] as bigint
          chain.advance((durationSeconds === 0n ? flexiWindowSeconds : durationSeconds) / 10n)
          const time = chain.now - started
          expect(await worth(id), `config ${config}, part ${part}`).toBe(
            compound(777n * open + 13n, rates[config] ?? 0n, time),
          )
        }
      })
    }
    await conserved()
  })

  test('CalculateAmountFuzz: the contract is the twin, wei for wei, and a wei at most below the exact value', async () => {
    await fund(9_000n * open)
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt(open, 5_000n * open),
        fc.bigInt(0n, 5n * 10n ** 17n),
        fc.bigInt(0n, 365n * day),
        async (amount, rate, time) => {
          await chain.trial(async () => {
            await setConfig(lock365, rate)
            const id = await stake(lock365, amount)
            chain.advance(time)
            const value = (await worth(id)) as bigint
            expect(value).toBe(compound(amount, rate, time))
            const exact = exactInterest(amount, rate, time)
            expect(exact === value || exact === value + 1n).toBe(true)
          })
        },
      ),
      { numRuns: Number(process.env['OPENLEDGER_FUZZ'] ?? 40) },
    )
  })

  test('CalculateAmountExceedsStakeDuration: nothing is earned after the term', async () => {
    await fund(100n * open)
    const id = await stake(lock30, 1_000n * open)
    chain.advance(30n * day)
    const ended = await worth(id)
    chain.advance(300n * day)
    expect(await worth(id)).toBe(ended)
    const before = chain.balance(alice)
    await act(alice, 'requestUnstake', id)
    expect(chain.balance(alice) - before).toBe(ended)
    await conserved()
  })

  test('RevertWhen: stake of zero, unknown or inactive config, too small, too much, for nobody', async () => {
    expect(await refused(alice, 'stake', [lock30, alice.address])).toBe('ZeroAmount')
    expect(await refused(alice, 'stake', [5, alice.address], open)).toBe('UnknownConfig')
    expect(await refused(alice, 'stake', [flexi, `0x${'0'.repeat(40)}`], open)).toBe('ZeroAddress')
    expect(await refused(alice, 'stake', [flexi, alice.address], open - 1n)).toBe('StakeAmountTooSmall')
    await setConfig(flexi, 0n, open, 5n * open)
    await stake(flexi, 5n * open)
    expect(await refused(alice, 'stake', [flexi, alice.address], open)).toBe('StakeAmountExceeded')
    await setConfig(flexi, 0n, open, 50n * open, false)
    expect(await refused(alice, 'stake', [flexi, alice.address], open)).toBe('InactiveConfig')
  })

  test('RevertWhen: NonBankUpdatesConfig — nobody but the timelock sets rates, and it only within bounds', async () => {
    const config = [flexi, 1n, 1n, 1n, true]
    expect(await refused(alice, 'setConfig', config)).toBe('NotTimelock')
    expect(await refused(openLedgerPredeploys.moneyTimelock, 'setConfig', config)).toBe('NotTimelock')
    expect(await refused(timelock, 'setConfig', [5, 1n, 1n, 1n, true])).toBe('UnknownConfig')
    expect(await refused(timelock, 'setConfig', [flexi, 5n * 10n ** 17n + 1n, 1n, 1n, true])).toBe('RateTooHigh')
    expect(await refused(timelock, 'setConfig', [flexi, 1n, 1_000n * open + 1n, 1n, true])).toBe('MinStakeTooHigh')
    await setConfig(flexi, 5n * 10n ** 17n, 1_000n * open)
  })

  test('a rate that changes leaves running stakes as they are', async () => {
    await fund(100n * open)
    const id = await stake(lock30, 100n * open)
    await setConfig(lock30, 0n)
    chain.advance(30n * day)
    expect(await worth(id)).toBe(compound(100n * open, rates[lock30] ?? 0n, 30n * day))
  })

  test('TopupStake begins the term anew; RevertWhen it is zero, ended, not there or another’s', async () => {
    await fund(100n * open)
    const id = await stake(lock30, 100n * open)
    chain.advance(10n * day)
    const grown = (await worth(id)) as bigint
    await act(alice, 'topUpStake', id, 50n * open)
    expect(await worth(id)).toBe(grown + 50n * open)
    chain.advance(20n * day)
    expect(await refused(alice, 'requestUnstake', [id])).toBe('StakeNotEnded')
    expect(await refused(alice, 'topUpStake', [id])).toBe('ZeroAmount')
    expect(await refused(bob, 'topUpStake', [id], open)).toBe('MismatchedRecipient')
    expect(await refused(bob, 'topUpStake', [id + 1n], open)).toBe('StakeNotFound')
    chain.advance(10n * day)
    expect(await refused(alice, 'topUpStake', [id], open)).toBe('StakeEnded')
    expect(await worth(id)).toBe(compound(grown + 50n * open, rates[lock30] ?? 0n, 30n * day))
    await conserved()
  })

  test('RequestUnstake and Unstake: only the recipient, only after term and cooldown, and once', async () => {
    await fund(100n * open)
    const id = await stake(flexi, 100n * open, bob, alice.address)
    expect(await refused(bob, 'requestUnstake', [id])).toBe('MismatchedRecipient')
    expect(await refused(alice, 'unstake', [id])).toBe('UnstakeRequestNotFound')
    chain.advance(10n * day)
    const value = (await worth(id)) as bigint
    await act(alice, 'requestUnstake', id)
    expect(await refused(alice, 'requestUnstake', [id])).toBe('StakeNotFound')
    await conserved()
    chain.advance(7n * day - 1n)
    expect(await refused(alice, 'unstake', [id])).toBe('CooldownNotPassed')
    chain.advance(1n)
    expect(await refused(bob, 'unstake', [id])).toBe('MismatchedRecipient')
    const before = chain.balance(alice)
    await act(alice, 'unstake', id)
    expect(chain.balance(alice) - before).toBe(value)
    expect(await refused(alice, 'unstake', [id])).toBe('UnstakeRequestNotFound')
    await conserved()
  })
})

describe('the reserve', () => {
  test('a locked stake that the reserve cannot pay is refused, and one wei more lets it in', async () => {
    const interest = compound(1_000n * open, rates[lock365] ?? 0n, 365n * day) - 1_000n * open
    await fund(interest - 1n)
    const { error, args } = await chain.fails(alice, 'StakePool', 'stake', [lock365, alice.address], {
      value: 1_000n * open,
    })
    expect([error, args]).toEqual(['ReserveTooLow', [interest, interest - 1n]])
    await fund(1n)
    await stake(lock365, 1_000n * open)
    expect(await chain.read('StakePool', 'freeReserve')).toBe(0n)
    await conserved()
  })

  test('a flexible stake without reserve earns nothing until anyone renews it, then 30 days at the rate of then', async () => {
    const id = await stake(flexi, 1_000n * open)
    chain.advance(100n * day)
    expect(await worth(id)).toBe(1_000n * open)
    await fund(10n * open)
    await act(bob, 'renew', id)
    expect(await refused(bob, 'renew', [id])).toBe('MismatchedRecipient')
    chain.advance(40n * day)
    const afterWindow = compound(1_000n * open, rates[flexi] ?? 0n, flexiWindowSeconds)
    expect(await worth(id)).toBe(afterWindow)
    await act(alice, 'renew', id)
    chain.advance(day)
    expect(await worth(id)).toBe(compound(afterWindow, rates[flexi] ?? 0n, day))
    const locked = await stake(lock30, 10n * open)
    expect(await refused(alice, 'renew', [locked])).toBe('NotFlexible')
    expect(await refused(alice, 'renew', [99n])).toBe('StakeNotFound')
    await conserved()
  })

  test('what a flexible stake set aside and did not earn is free again when it leaves', async () => {
    await fund(10n * open)
    const id = await stake(flexi, 1_000n * open)
    chain.advance(day)
    await act(alice, 'requestUnstake', id)
    const earned = compound(1_000n * open, rates[flexi] ?? 0n, day) - 1_000n * open
    expect(await chain.read('StakePool', 'freeReserve')).toBe(10n * open - earned)
    expect(await refused(alice, 'fundReserve', [])).toBe('ZeroAmount')
  })
})

describe('fees', () => {
  test('stakers share what comes to their pool by what they put in, until they ask it back', async () => {
    await fund(100n * open)
    const first = await stake(flexi, 100n * open, alice)
    const fee = (amount: bigint) => chain.send(bob, 'RoyaltyVault', 'fund', [0, 0n], { value: amount })
    await fee(4n * open)
    await stake(lock30, 300n * open, bob)
    await fee(4n * open)
    await act(alice, 'requestUnstake', first)
    await fee(4n * open)
    // The pool divides 2^-64 wei by the wei that are staked; what is left over stays in it for the next fee.
    const leftMax = (3n * 400n * open) >> 64n
    for (const [who, share] of [
      [alice, 5n * open],
      [bob, 7n * open],
    ] as const) {
      const claimable = (await chain.read('RoyaltyVault', 'claimable', [0, 0n, who.address])) as bigint
      expect(share - claimable).toBeGreaterThanOrEqual(0n)
      expect(share - claimable).toBeLessThanOrEqual(leftMax)
    }
    expect((await chain.fails(alice, 'RoyaltyVault', 'setUnits', [0, 0n, alice.address, 1n])).error).toBe(
      'NotPoolManager',
    )
  })

  test('a recipient that refuses its stake keeps it owed', async () => {
    const id = await stake(flexi, 5n * open)
    await act(alice, 'requestUnstake', id)
    chain.advance(7n * day)
    chain.evm.state.account(alice.address).code = Uint8Array.of(0x5f, 0x5f, 0xfd)
    expect(await refused(alice, 'unstake', [id])).toBe('TransferFailed')
    expect(await chain.read('StakePool', 'owed')).toBe(5n * open)
    chain.evm.state.account(alice.address).code = new Uint8Array()
    await act(alice, 'unstake', id)
    expect(chain.balance(addressOf('StakePool'))).toBe(0n)
  })
})
