import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { defaultShares, type Shares } from '../../protocol/fee.ts'
import { MoneyChain } from '../fakes/money-chain.ts'

const { timelock, moneyTimelock } = openLedgerPredeploys
let chain: MoneyChain
beforeEach(async () => {
  chain = await MoneyChain.create()
})
const set = (shares: Shares) => chain.send(timelock, 'RevenueSplitter', 'setShares', [shares])
const refused = async (shares: Shares, from: Hex = timelock) =>
  (await chain.fails(from, 'RevenueSplitter', 'setShares', [shares])).error

test('version 1 is the split of MONEY §3, and no other is there', async () => {
  expect(await chain.read('RevenueSplitter', 'currentShares')).toBe(1)
  expect(await chain.read('RevenueSplitter', 'sharesOf', [1])).toEqual(defaultShares)
  for (const version of [0, 2]) {
    expect((await chain.fails(timelock, 'RevenueSplitter', 'sharesOf', [version])).error).toBe('UnknownShares')
  }
  expect((await chain.fails(timelock, 'RevenueSplitter', 'initialize')).error).toBe('InvalidInitialization')
})

test('a new split is a new version and leaves the old ones as they are', async () => {
  const shares = { ...defaultShares, rhoBps: 500 }
  const { events } = await set(shares)
  expect(events).toMatchObject([{ name: 'SharesSet', args: { version: 2, ...shares } }])
  expect(await chain.read('RevenueSplitter', 'sharesOf', [2])).toEqual(shares)
  expect(await chain.read('RevenueSplitter', 'sharesOf', [1])).toEqual(defaultShares)
})

test('nobody but the timelock sets it', async () => {
  expect(await refused(defaultShares, moneyTimelock)).toBe('NotTimelock')
  expect(await refused(defaultShares, chain.actor('anyone').address)).toBe('NotTimelock')
})

test('the platform’s part and the contributors’ least part hold for every split', async () => {
  const bps = fc.oneof(fc.nat(4_000), fc.nat(65_535))
  const fees = fc.oneof(fc.bigInt(0n, 2n * 10n ** 15n), fc.constantFrom(10n ** 15n, 10n ** 15n + 1n, (1n << 128n) - 1n))
  const shares = fc.record({ platformFee: fees, betaBps: bps, gammaBps: bps, omegaBps: bps, rhoBps: bps })
  await fc.assert(
    fc.asyncProperty(shares, async (each) => {
      const others = each.betaBps + each.gammaBps + each.omegaBps + each.rhoBps
      if (each.platformFee > 10n ** 15n) expect(await refused(each)).toBe('PlatformFeeTooHigh')
      else if (others > 7_000) expect(await refused(each)).toBe('ContributorsTooLow')
      else await set(each)
    }),
    {
      numRuns: 60,
      examples: [
        [{ platformFee: 0n, betaBps: 7_000, gammaBps: 0, omegaBps: 0, rhoBps: 0 }],
        [{ platformFee: 0n, betaBps: 7_000, gammaBps: 1, omegaBps: 0, rhoBps: 0 }],
      ],
    },
  )
})
