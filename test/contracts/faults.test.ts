import { beforeAll, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { deploy, emptyChain } from './chain.ts'

let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'MoneyHarness', `0x${'5f'.repeat(20)}`)
})

const stake = 1_000_000n
const day = 86_400n

/** docs/MONEY.md §7, at a fee of 100 wei and a stake of 1,000,000 wei. */
test.each([
  ['late', 0, 100n, 0n],
  ['duplicate request', 1, 100n, 0n],
  ['wrong token count', 2, 100n, 0n],
  ['wrong fee', 3, 50_300n, day],
  ['wrong shares', 4, 50_300n, day],
  ['no voucher', 5, 50_300n, day],
  ['wrong segment sum', 6, 50_300n, day],
  ['wrong entry', 7, 50_300n, day],
  ['data withheld', 8, 100_100n, 7n * day],
  ['wrong inference step', 9, 500_000n, 30n * day],
  ['two final answers', 10, 300_000n, 30n * day],
  ['outvoted fingerprint', 11, 100_300n, 7n * day],
  ['outvoted sketch', 12, 100_300n, 7n * day],
])('%s costs what the page says', async (_, fault, amount, jail) => {
  expect(await evm.call(harness, 'penalty', [fault, 100n, stake])).toEqual([amount, jail])
})

test('nobody loses more than their stake', async () => {
  for (const fault of [0, 3, 8]) expect(await evm.call(harness, 'penalty', [fault, stake, 10n])).toContain(10n)
  expect(await evm.call(harness, 'penalty', [10, stake, 0n])).toEqual([0n, 30n * day])
})
