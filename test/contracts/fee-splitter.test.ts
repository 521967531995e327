import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { devPreset } from '../../genesis/presets.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'

const { timelock } = openLedgerPredeploys
const { proxyAdminOwner, feeVaultMinimumWithdrawal } = devPreset()
const vaults = [
  predeploys.sequencerFeeVault,
  predeploys.baseFeeVault,
  predeploys.operatorFeeVault,
  predeploys.l1FeeVault,
] as const

let chain: MoneyChain
let anyone: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  anyone = chain.actor('anyone')
})

const disburse = () => chain.send(anyone, 'FeeSplitter', 'disburseFees')
const fill = (vault: Hex, amount: bigint) => {
  chain.evm.state.account(vault).balance = amount
}

test('whatever the vaults hold goes to stakers and treasury, to the wei, and the splitter keeps nothing', async () => {
  const staker = chain.actor('staker')
  await chain.send(staker, 'StakePool', 'stake', [0, staker.address], { value: open })
  const amount = fc.oneof(
    fc.bigInt(0n, 10n ** 21n),
    fc.bigInt(feeVaultMinimumWithdrawal - 2n, feeVaultMinimumWithdrawal + 2n),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(amount, amount, amount, amount),
      fc.integer({ min: 1_000, max: 9_000 }),
      async (amounts, bps) => {
        await chain.trial(async () => {
          await chain.send(timelock, 'FeeShares', 'setStakersBps', [bps])
          for (const [i, vault] of vaults.entries()) fill(vault, amounts[i] ?? 0n)
          const due = amounts.filter((each) => each >= feeVaultMinimumWithdrawal).reduce((a, b) => a + b, 0n)
          if (due === 0n) {
            expect((await chain.fails(anyone, 'FeeSplitter', 'disburseFees')).error).toBe('NothingToDisburse')
            return
          }
          const before = chain.balance('RoyaltyVault')
          const { events, result } = await disburse()
          expect(result).toBe(due)
          const disbursed = events.find(({ name }) => name === 'FeesDisbursed')
          expect(disbursed?.args).toMatchObject({ grossRevenue: due })
          const [stakers, treasury] = events
            .filter(({ name }) => name === 'PoolFunded')
            .map(({ args }) => args['amount'])
          expect([stakers, treasury]).toEqual([(due * BigInt(bps)) / 10_000n, due - (due * BigInt(bps)) / 10_000n])
          expect(chain.balance('RoyaltyVault') - before).toBe(due)
          expect(chain.balance('FeeSplitter')).toBe(0n)
          for (const [i, vault] of vaults.entries()) {
            expect(chain.balance(vault)).toBe((amounts[i] ?? 0n) >= feeVaultMinimumWithdrawal ? 0n : amounts[i])
          }
        })
      },
    ),
    { numRuns: 30 },
  )
})

test('stakers claim what the vaults brought, by their stakes', async () => {
  const [a, b] = [chain.actor('a'), chain.actor('b')]
  await chain.send(a, 'StakePool', 'stake', [0, a.address], { value: open })
  await chain.send(b, 'StakePool', 'stake', [0, b.address], { value: 3n * open })
  fill(predeploys.baseFeeVault, 8n * open)
  await disburse()
  const before = chain.balance(b)
  await chain.send(b, 'RoyaltyVault', 'claimPool', [0, 0n, b.address])
  expect(chain.balance(b) - before).toBe(3n * open)
  expect(await chain.read('RoyaltyVault', 'claimable', [2, 0n, timelock])).toBe(4n * open)
})

test('nobody else’s money gets in, not even a vault’s outside of a disbursement', async () => {
  const { result } = await chain.sendRaw(anyone, predeploys.feeSplitter, new Uint8Array(), { value: open })
  expect(result.execResult.exceptionError).toBeDefined()
  fill(predeploys.sequencerFeeVault, open)
  await expect(chain.send(anyone, 'SequencerFeeVault', 'withdraw')).rejects.toThrow()
  expect(chain.balance(predeploys.sequencerFeeVault)).toBe(open)
})

test('a vault that pays somebody else is left to them, and the others are divided', async () => {
  await chain.send(proxyAdminOwner, 'SequencerFeeVault', 'setRecipient', [anyone.address])
  for (const vault of vaults) fill(vault, open)
  expect((await disburse()).result).toBe(3n * open)
  expect(chain.balance(predeploys.sequencerFeeVault)).toBe(open)
})

test('the stakers’ part stays within its bounds, and only the timelock sets it; only the ProxyAdmin’s owner sets who divides', async () => {
  const refused = async (from: Hex, bps: number) => (await chain.fails(from, 'FeeShares', 'setStakersBps', [bps])).error
  expect(await refused(timelock, 999)).toBe('StakersShareOutOfBounds')
  expect(await refused(timelock, 9_001)).toBe('StakersShareOutOfBounds')
  expect(await refused(proxyAdminOwner, 5_000)).toBe('NotTimelock')
  expect((await chain.fails(anyone, 'FeeSplitter', 'setSharesCalculator', [anyone.address])).error).toBe(
    'NotProxyAdminOwner',
  )
  expect((await chain.fails(anyone, 'FeeSplitter', 'initialize', [anyone.address])).error).toBe('InvalidInitialization')
})
