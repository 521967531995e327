import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { type AttributionEntry, entryClasses } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { type Shares, weightTotal } from '../../protocol/fee.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { channelOf } from '../../protocol/voucher.ts'
import type { Terms } from '../fakes/money-batch.ts'
import { type Actor, chainId, type MoneyChain, open } from '../fakes/money-chain.ts'
import { MoneyWorld } from '../fakes/money-world.ts'
import { stake } from '../fakes/standing-model.ts'

const { timelock } = openLedgerPredeploys
const stakePool: Hex = '0x4f4c000000000000000000000000000000000008'
const day = 86_400n
const app = { code: 'self', hash: keccakHex(new TextEncoder().encode('self')) }

/** A split that governance may set: up to 0.001 OPEN for the platform, at least 3,000 bps for contributors. */
const split = fc
  .record({
    platformFee: fc.bigInt(0n, 10n ** 15n),
    cuts: fc.tuple(...Array.from({ length: 4 }, () => fc.nat(7_000))),
  })
  .map(({ platformFee, cuts }): Shares => {
    const [a = 0, b = 0, c = 0, d = 0] = [...cuts].sort((x, y) => x - y)
    return { platformFee, betaBps: a, gammaBps: b - a, omegaBps: c - b, rhoBps: d - c }
  })
const query = fc.record({ tin: fc.integer({ min: 1, max: 4_000 }), tout: fc.nat(4_000) })
const rate = fc.oneof(fc.bigInt(0n, 5_000n), fc.bigInt(0n, 10n ** 15n))

let world: MoneyWorld
let chain: MoneyChain
/** Payer, worker, model's owner, author, app's owner and staker in one. */
let operator: Actor
beforeEach(async () => {
  world = await MoneyWorld.create()
  chain = world.chain
  operator = chain.actor('model owner')
  await stake(chain, operator)
})

/** A world under another split and price. */
async function priced(shares: Shares, price: Terms['price']): Promise<MoneyWorld> {
  const other = await world.chain.fork()
  await other.send(timelock, 'RevenueSplitter', 'setShares', [shares])
  const validUntil = other.now + 30n * day
  await other.send(operator, 'ModelRegistry', 'setPrice', [1n, 1, 0, price.rin, price.rout, validUntil])
  return new MoneyWorld(other, { ...world.terms, shares, price, priceVersion: 2 }, world.royaltyRows)
}

/** All wei of the operator: its own, its stake, what its channel with itself still holds. */
async function wealth(on: MoneyChain): Promise<bigint> {
  const channel = channelOf(operator.address, operator.address)
  const { balance } = (await on.read('InferenceMarket', 'channels', [channel])) as { balance: bigint }
  const staked = (await on.read('WorkerRegistry', 'stakeOf', [operator.address])) as bigint
  return on.balance(operator) + staked + balance
}

const income = (kind: AttributionEntry['class'], id = 0n): Omit<AttributionEntry, 'weight'> => ({
  payee: operator.address,
  id,
  class: kind,
  evidenceHash: zeroHash,
})

describe('an operator who queries its own model', () => {
  test('never gains, whatever the split, the price and the part of the stakers that is its own', async () => {
    const queries = fc.array(query, { minLength: 1, maxLength: 4 })
    await chain.send(operator, 'CodeRegistry', 'register', [app.code, operator.address, ''])
    chain.advance(day)
    await fc.assert(
      fc.asyncProperty(split, rate, rate, queries, fc.boolean(), async (shares, rin, rout, list, stakes) => {
        const dealt = await priced(shares, { rin, rout })
        const { chain: on } = dealt
        if (stakes) await on.send(stakePool, 'RoyaltyVault', 'setUnits', [0, 0n, operator.address, 7n])
        await dealt.deposit(operator, operator, 300n * open)
        const plans = list.map(({ tin, tout }) => {
          const plan = dealt.plan(operator, operator, tin, tout, [
            { ...income(entryClasses.S, 1n), weight: weightTotal },
          ])
          const own = { ...income(entryClasses.A), weight: weightTotal }
          return { ...plan, appCode: app.hash, entries: [...plan.entries, own].sort((a, b) => a.class - b.class) }
        })
        const before = await wealth(on)
        const { batch } = await dealt.commit(operator, dealt.build(operator, plans))
        const epoch = await dealt.settle([batch])
        await dealt.claim(operator, epoch)
        if (stakes) await on.send(operator, 'RoyaltyVault', 'claimPool', [0, 0n, operator.address])
        const lost = before - (await wealth(on))
        const part = (name: 'platform' | 'stakers') =>
          batch.built.receipts.reduce((sum, { parts }) => sum + parts[name], 0n)
        const least = part('platform') + (stakes ? 0n : part('stakers'))
        expect(lost).toBeGreaterThanOrEqual(least)
        // Beyond its parts only dust is gone: less than a wei an entry, and what no unit could be given of a pool.
        expect(lost - least).toBeLessThan(BigInt(plans.length * 5 + 7))
      }),
      { numRuns: 25 },
    )
  }, 120_000)

  test('loses half of what it has itself slashed for, however it earns the other half', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt(100n * open, 5_000n * open), async (staked) => {
        const on = await chain.fork()
        await on.send(operator, 'WorkerRegistry', 'addStake', [], { value: staked })
        const before = await wealth(on)
        const slashed = ((await on.read('WorkerRegistry', 'stakeOf', [operator.address])) as bigint) * 3_000n
        const answers = ['0x11', '0x22'].map((byte) => {
          const outputRoot: Hex = `0x${byte.slice(2).repeat(32)}`
          const { r, vs } = operator.sign(
            moneyDigest(chainId, answerStructHash({ requestId: zeroHash, outputRoot, final: true })),
          )
          return [
            { requestId: zeroHash, outputRoot, isFinal: true },
            { r, vs },
          ]
        })
        const { events } = await on.send(operator, 'DisputeGame', 'equivocation', [operator.address, ...answers.flat()])
        const subject = events.find(({ name }) => name === 'EquivocationProven')?.args['subject']
        on.advance(120)
        await on.send(operator, 'DisputeGame', 'payReward', [subject, operator.address])
        const lost = before - (await wealth(on))
        const penalty = slashed / 10_000n
        expect(lost).toBe(penalty - penalty / 2n)
        expect(lost).toBeGreaterThan(0n)
      }),
      { numRuns: 8 },
    )
  })
})
