import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { alice, at, balanceOf, bob, calldata, carol, l1Bridge, l2Chain, sendRaw, unit } from './chain.ts'

const bridge = at('L2OpenBridge', openLedgerPredeploys.openBridge)
const liquidity = predeploys.nativeAssetLiquidity
const aliased: Hex = `0x${((BigInt(l1Bridge) + 0x1111000000000000000000000000000000001111n) % 2n ** 160n).toString(16).padStart(40, '0')}`

let evm: GenesisEvm
beforeEach(async () => {
  evm = await l2Chain()
})

describe('OPEN bridge on the L2', () => {
  test('a deposit of the L1 bridge releases as much from the liquidity', async () => {
    const [pool, before] = [balanceOf(evm, liquidity), balanceOf(evm, bob)]
    await evm.call(bridge, 'finalizeDeposit', [alice, bob, 9n * unit], { from: aliased })
    expect(balanceOf(evm, bob) - before).toBe(9n * unit)
    expect(pool - balanceOf(evm, liquidity)).toBe(9n * unit)
  })

  test('nobody else deposits, the unaliased bridge included', async () => {
    for (const from of [alice, l1Bridge, predeploys.l2CrossDomainMessenger]) {
      await expect(evm.call(bridge, 'finalizeDeposit', [alice, bob, 1n], { from })).rejects.toThrow('NotL1Bridge')
    }
  })

  test('a deposit that cannot be released is held for its owner', async () => {
    const pool = balanceOf(evm, liquidity)
    evm.state.account(liquidity).balance = 0n
    await evm.call(bridge, 'finalizeDeposit', [alice, bob, unit], { from: aliased })
    expect(await evm.call(bridge, 'held', [bob])).toBe(unit)
    evm.state.account(liquidity).balance = pool
    await expect(evm.call(bridge, 'claimHeld', [alice], { from: alice })).rejects.toThrow('NothingHeld')
    const before = balanceOf(evm, carol)
    await evm.call(bridge, 'claimHeld', [carol], { from: bob })
    expect(balanceOf(evm, carol) - before).toBe(unit)
    await expect(evm.call(bridge, 'claimHeld', [carol], { from: bob })).rejects.toThrow('NothingHeld')
  })

  test('a withdrawal burns its value and sends a message without value', async () => {
    const pool = balanceOf(evm, liquidity)
    const data = calldata(bridge, 'withdraw', [carol])
    const events = await sendRaw(
      evm,
      bridge.address,
      data,
      { from: alice, value: 4n * unit },
      'L2OpenBridge',
      'L2ToL1MessagePasser',
      'LiquidityController',
    )
    expect(events.map(({ name }) => name)).toEqual(['LiquidityBurned', 'WithdrawalInitiated', 'MessagePassed'])
    expect(events[2]?.args).toMatchObject({ value: 0n })
    expect(String(events[2]?.args['target']).toLowerCase()).toBe(l1Bridge)
    expect(balanceOf(evm, liquidity) - pool).toBe(4n * unit)
    await expect(evm.call(bridge, 'withdraw', [carol], { from: alice })).rejects.toThrow('ZeroAmount')
  })
})

describe('WOPEN', () => {
  const wopen = at('WOPEN', predeploys.wopen)

  test('wraps one for one, and what it holds is its supply', async () => {
    await evm.call(wopen, 'deposit', [], { from: alice, value: 5n })
    await sendRaw(evm, wopen.address, '0x', { from: alice, value: 2n })
    expect(await evm.call(wopen, 'balanceOf', [alice])).toBe(7n)
    await evm.call(wopen, 'transfer', [bob, 3n], { from: alice })
    const before = balanceOf(evm, bob)
    await evm.call(wopen, 'withdraw', [2n], { from: bob })
    expect(balanceOf(evm, bob) - before).toBe(2n)
    expect(await evm.call(wopen, 'totalSupply')).toBe(5n)
    await expect(evm.call(wopen, 'withdraw', [2n], { from: bob })).rejects.toThrow('InsufficientBalance')
  })

  test('an allowance is used up, unless it is the largest', async () => {
    await evm.call(wopen, 'deposit', [], { from: alice, value: 10n })
    await evm.call(wopen, 'approve', [bob, 4n], { from: alice })
    await evm.call(wopen, 'transferFrom', [alice, carol, 3n], { from: bob })
    await expect(evm.call(wopen, 'transferFrom', [alice, carol, 2n], { from: bob })).rejects.toThrow(
      'InsufficientAllowance',
    )
    await evm.call(wopen, 'approve', [bob, 2n ** 256n - 1n], { from: alice })
    await evm.call(wopen, 'transferFrom', [alice, carol, 2n], { from: bob })
    expect(await evm.call(wopen, 'allowance', [alice, bob])).toBe(2n ** 256n - 1n)
  })

  test('a transfer with an attribution suffix but no function reverts, as documented', async () => {
    const suffix = '0x80218021802180218021802180218021'
    await expect(sendRaw(evm, wopen.address, suffix, { from: alice, value: 1n })).rejects.toThrow()
  })
})
