import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { predeploys } from '../../contracts/addresses.ts'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { alice, at, balanceOf, bob, calldata, carol, deploy, l2Chain, sendRaw, unit } from './chain.ts'

/** Wrapped OPEN, by the names of the published tests. */
const wopen = at('WOPEN', predeploys.wopen)
const most = 2n ** 256n - 1n

let evm: GenesisEvm
beforeEach(async () => {
  evm = await l2Chain()
})

const send = (from: Hex, name: string, args: readonly unknown[] = [], value = 0n) =>
  evm.call(wopen, name, args, { from, value })
const read = (name: string, ...args: readonly unknown[]) => evm.call(wopen, name, args) as Promise<bigint>
const tokens = (of: Hex) => read('balanceOf', of)
const plain = (value: bigint, data: Hex = '0x') => sendRaw(evm, wopen.address, data, { from: alice, value }, 'WOPEN')

describe('Deployment', () => {
  test('the right name, symbol and decimals, and zero total supply', async () => {
    expect([await read('name'), await read('symbol'), Number(await read('decimals'))]).toEqual([
      'Wrapped OpenLedger',
      'WOPEN',
      18,
    ])
    expect(await read('totalSupply')).toBe(0n)
  })
})

describe('Deposits', () => {
  test('mint tokens for OPEN, one for one; the minimum is 1 wei', async () => {
    for (const value of [1n, unit]) {
      const before = await tokens(alice)
      await send(alice, 'deposit', [], value)
      expect((await tokens(alice)) - before).toBe(value)
    }
    expect(balanceOf(evm, wopen.address)).toBe(unit + 1n)
  })

  test('of zero mint nothing, and consecutive ones add up', async () => {
    await send(alice, 'deposit')
    expect(await tokens(alice)).toBe(0n)
    for (let i = 1n; i <= 5n; i++) await send(alice, 'deposit', [], i * unit)
    expect(await tokens(alice)).toBe(15n * unit)
  })
})

describe('Withdrawals', () => {
  beforeEach(() => send(alice, 'deposit', [], 10n * unit))

  test('burn tokens and return OPEN, in part, of zero, and of the exact balance', async () => {
    for (const value of [0n, 4n * unit, 6n * unit]) {
      const before = balanceOf(evm, alice)
      await send(alice, 'withdraw', [value])
      expect(balanceOf(evm, alice) - before).toBe(value)
    }
    expect([await tokens(alice), await read('totalSupply')]).toEqual([0n, 0n])
  })

  test('of more than the balance revert', async () => {
    await expect(send(alice, 'withdraw', [10n * unit + 1n])).rejects.toThrow('InsufficientBalance')
    await expect(send(bob, 'withdraw', [1n])).rejects.toThrow('InsufficientBalance')
  })

  test('reentrancy prevention: what calls back finds its tokens burned', async () => {
    const address: Hex = `0x${'e5'.repeat(20)}`
    const attacker = await deploy(evm, 'Caller', address)
    await send(alice, 'transfer', [address, unit])
    const again = calldata(wopen, 'withdraw', [unit])
    await evm.call(attacker, 'answer', [wopen.address, again])
    await evm.call(attacker, 'run', [wopen.address, 0n, again])
    expect(await evm.call(attacker, 'refused')).toBe(1n)
    expect(balanceOf(evm, address)).toBe(unit)
    expect(balanceOf(evm, wopen.address)).toBe(9n * unit)
  })
})

describe('Transfers', () => {
  beforeEach(() => send(alice, 'deposit', [], 10n * unit))

  test('between accounts; more than the sender has fail', async () => {
    await send(alice, 'transfer', [bob, 3n * unit])
    expect([await tokens(alice), await tokens(bob)]).toEqual([7n * unit, 3n * unit])
    await expect(send(bob, 'transfer', [alice, 3n * unit + 1n])).rejects.toThrow('InsufficientBalance')
  })

  test('to oneself need no allowance and change nothing', async () => {
    await send(alice, 'transferFrom', [alice, alice, 10n * unit])
    expect(await tokens(alice)).toBe(10n * unit)
  })

  test('of zero are transfers', async () => {
    await send(bob, 'transfer', [alice, 0n])
    await send(bob, 'transferFrom', [alice, bob, 0n])
    expect(await tokens(alice)).toBe(10n * unit)
  })

  test('by an infinite approval leave it, by a finite one use it up', async () => {
    await send(alice, 'approve', [bob, most])
    await send(bob, 'transferFrom', [alice, carol, unit])
    expect(await read('allowance', alice, bob)).toBe(most)
    await send(alice, 'approve', [bob, 2n * unit])
    await send(bob, 'transferFrom', [alice, carol, unit])
    expect(await read('allowance', alice, bob)).toBe(unit)
    // The exact allowance is enough, and a wei more is not.
    await expect(send(bob, 'transferFrom', [alice, carol, unit + 1n])).rejects.toThrow('InsufficientAllowance')
    await send(bob, 'transferFrom', [alice, carol, unit])
    expect(await read('allowance', alice, bob)).toBe(0n)
    expect(await tokens(carol)).toBe(3n * unit)
  })
})

describe('Allowances', () => {
  test('are what was approved last, and a transfer of the owner’s leaves them', async () => {
    await send(alice, 'deposit', [], 10n * unit)
    await send(alice, 'approve', [bob, 5n])
    await send(alice, 'approve', [bob, 3n])
    await send(alice, 'transfer', [bob, unit])
    expect(await read('allowance', alice, bob)).toBe(3n)
  })
})

describe('Receive function', () => {
  test('OPEN sent directly is a deposit; with calldata that names nothing it reverts', async () => {
    const events = await plain(unit)
    expect(events).toMatchObject([{ name: 'Deposit', args: { value: unit } }])
    expect(await tokens(alice)).toBe(unit)
    await expect(plain(unit, '0x80218021')).rejects.toThrow(/^0x$/)
    expect(await tokens(alice)).toBe(unit)
  })
})

describe('ERC20Bank exploit', () => {
  test('WOPEN is not vulnerable to the permit attack: a permit reverts, and does not pass for one that was signed', async () => {
    await send(alice, 'deposit', [], unit)
    const signature = 'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)'
    const selector = keccak256(new TextEncoder().encode(signature)).subarray(0, 4)
    const address = (of: Hex) => concatBytes(new Uint8Array(12), hexToBytes(of))
    const forged = concatBytes(selector, address(alice), address(bob), new Uint8Array(32 * 5).fill(1))
    await expect(plain(0n, bytesToHex(forged))).rejects.toThrow(/^0x$/)
    expect(await read('allowance', alice, bob)).toBe(0n)
  })
})

test('total supply is what was deposited and not withdrawn, whatever is sent about', async () => {
  const people = [alice, bob, carol]
  const step = fc.record({
    kind: fc.constantFrom('deposit', 'withdraw', 'transfer'),
    from: fc.nat(2),
    to: fc.nat(2),
    value: fc.bigInt(0n, 5n * unit),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      for (const { kind, from, to, value } of steps) {
        const who = people[from] ?? alice
        const args = { deposit: [], withdraw: [value], transfer: [people[to], value] }[kind]
        await send(who, kind, args, kind === 'deposit' ? value : 0n).catch((error: unknown) =>
          expect(String(error)).toContain('InsufficientBalance'),
        )
        const held = await Promise.all(people.map(tokens))
        expect(held.reduce((a, b) => a + b)).toBe(balanceOf(evm, wopen.address))
        expect(await read('totalSupply')).toBe(balanceOf(evm, wopen.address))
      }
    }),
    { numRuns: 10 },
  )
})
