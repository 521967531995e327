import { expect, test } from 'vitest'
import { FormatError } from '../../protocol/bytes.ts'
import { loadUpgradeTransactions, UpgradeError, upgradeTransactions } from '../../protocol/upgrade-txs.ts'

const forkTimes = { ecotone: 10n, fjord: 20n, karst: 30n }

test('only the first block of a fork has upgrade transactions', () => {
  expect(upgradeTransactions(undefined, { forkTimes }, 12n, 10n)).toEqual([])
  expect(upgradeTransactions(undefined, { forkTimes }, 8n, 6n)).toEqual([])
})

test('a fork of genesis needs none', () => {
  expect(upgradeTransactions(undefined, { forkTimes: { ecotone: 0n, jovian: 0n } }, 2n, 0n)).toEqual([])
})

test('a missing set stops derivation and names the fork', () => {
  expect(() => upgradeTransactions(undefined, { forkTimes }, 10n, 8n)).toThrow(/ecotone/)
  expect(() => upgradeTransactions({ fjord: [] }, { forkTimes }, 10n, 8n)).toThrow(UpgradeError)
})

test('transactions with other hashes than the known ones are refused', () => {
  expect(() => loadUpgradeTransactions({ forks: { fjord: ['0x7e', '0x7e', '0x7e'] } })).toThrow(/hash/)
  expect(() => loadUpgradeTransactions({ forks: { fjord: ['0x7e'] } })).toThrow(FormatError)
  expect(() => loadUpgradeTransactions({})).toThrow(FormatError)
  expect(loadUpgradeTransactions({ forks: {} })).toEqual({})
})
