import { beforeEach, describe, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { alice, bob, carol, deploy, emptyChain, l1Bridge, unit } from './chain.ts'

/** OPEN on the L1 of a chain that has none of its own, by the names of the published token's tests. It is not burned there: burning is the L2's. */
const supply = 10n ** 27n
const locked = 10n ** 26n

let evm: GenesisEvm
let token: Target
beforeEach(async () => {
  evm = await emptyChain()
  token = await deploy(evm, 'OpenToken', `0x${'0e'.repeat(20)}`, [l1Bridge, locked, alice])
})

const read = (name: string, ...args: readonly unknown[]) => evm.call(token, name, args)
const send = (from: Hex, name: string, ...args: readonly unknown[]) => evm.call(token, name, args, { from })
const balance = (of: Hex) => read('balanceOf', of)

describe('Deployment', () => {
  test('the right name and symbol; all of the total supply is the bridge’s and its holder’s', async () => {
    expect([await read('name'), await read('symbol'), await read('totalSupply')]).toEqual([
      'OpenLedger',
      'OPEN',
      supply,
    ])
    expect([await balance(l1Bridge), await balance(alice)]).toEqual([locked, supply - locked])
  })
})

describe('Transactions', () => {
  test('transfer tokens between accounts, and fail where the sender has too few', async () => {
    await send(alice, 'transfer', bob, 5n * unit)
    await send(bob, 'transfer', carol, 2n * unit)
    expect([await balance(bob), await balance(carol)]).toEqual([3n * unit, 2n * unit])
    await expect(send(bob, 'transfer', carol, 3n * unit + 1n)).rejects.toThrow('ERC20InsufficientBalance')
  })

  test('allowances are updated on approval; TransferFrom moves as much and no more', async () => {
    await send(alice, 'approve', bob, 4n * unit)
    expect(await read('allowance', alice, bob)).toBe(4n * unit)
    await send(bob, 'transferFrom', alice, carol, 4n * unit)
    expect([await balance(carol), await read('allowance', alice, bob)]).toEqual([4n * unit, 0n])
    await expect(send(bob, 'transferFrom', alice, carol, 1n)).rejects.toThrow('ERC20InsufficientAllowance')
  })
})
