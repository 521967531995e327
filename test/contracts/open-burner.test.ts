import { expect, test } from 'vitest'
import { predeploys } from '../../contracts/addresses.ts'
import { MoneyChain, open } from '../fakes/money-chain.ts'

test('what is burned leaves circulation, is counted by event, and stays in the sum of all balances', async () => {
  const chain = await MoneyChain.create()
  const alice = chain.actor('alice')
  const [supply, liquidity] = [chain.supply(), chain.balance(predeploys.nativeAssetLiquidity)]
  const { events } = await chain.send(alice, 'OpenBurner', 'burn', [], { value: 3n * open })
  expect(events).toMatchObject([
    { name: 'LiquidityBurned', args: { amount: 3n * open } },
    { name: 'Burned', args: { amount: 3n * open } },
  ])
  expect(chain.balance('OpenBurner')).toBe(0n)
  expect(chain.balance(predeploys.nativeAssetLiquidity)).toBe(liquidity + 3n * open)
  expect(chain.supply()).toBe(supply)
})

test('burning nothing is refused, and so is sending without burning', async () => {
  const chain = await MoneyChain.create()
  const alice = chain.actor('alice')
  expect((await chain.fails(alice, 'OpenBurner', 'burn')).error).toBe('ZeroAmount')
  const { result } = await chain.sendRaw(alice, '0x4f4c000000000000000000000000000000000021', new Uint8Array(0), {
    value: 1n,
  })
  expect(result.execResult.exceptionError).toBeDefined()
})
