import { describe, expect, test } from 'vitest'
import { bytesToHex, hexToBytes } from '../../protocol/bytes.ts'
import { recoverAddress } from '../../protocol/secp256k1.ts'
import { MoneyChain, open } from '../fakes/money-chain.ts'

describe('the money chain of the tests', () => {
  test('balances sum to 1e27 wei, new actors included', async () => {
    const chain = await MoneyChain.create()
    const alice = chain.actor('alice')
    expect(chain.balance(alice)).toBe(10_000n * open)
    expect(chain.supply()).toBe(10n ** 27n)
    const digest = new Uint8Array(32).fill(7)
    const { bytes } = alice.sign(digest)
    const vs = BigInt(bytesToHex(bytes.subarray(32)))
    const rs = hexToBytes(
      `${bytesToHex(bytes.subarray(0, 32))}${(vs & ((1n << 255n) - 1n)).toString(16).padStart(64, '0')}`,
    )
    expect(bytesToHex(recoverAddress(digest, rs, Number(vs >> 255n)))).toBe(alice.address)
  })

  test('gas is a transaction’s: every transaction starts cold, and calldata has its floor', async () => {
    const chain = await MoneyChain.create()
    const alice = chain.actor('alice')
    const register = (code: string) => chain.send(alice, 'CodeRegistry', 'register', [code, alice.address, ''])
    const first = await register('app_one')
    const second = await register('app_two')
    expect(second.gas).toBe(first.gas)
    expect(first.events.map(({ name }) => name)).toEqual(['CodeRegistered'])
    const plain = await chain.sendRaw(alice, chain.actor('bob').address, new Uint8Array(1000).fill(1))
    expect(plain.gas).toBe(21_000n + 40n * 1000n)
  })

  test('a revert names the contract’s cause and changes nothing', async () => {
    const chain = await MoneyChain.create()
    const alice = chain.actor('alice')
    const { error, args } = await chain.fails(alice, 'CodeRegistry', 'register', ['Not a code', alice.address, ''])
    expect([error, args]).toEqual(['InvalidCode', ['Not a code']])
  })

  test('a fork does not change what it was made from', async () => {
    const chain = await MoneyChain.create()
    const alice = chain.actor('alice')
    const other = await chain.fork()
    await other.send(alice, 'CodeRegistry', 'register', ['app', alice.address, ''])
    expect(await other.read('CodeRegistry', 'isRegistered', ['app'])).toBe(true)
    expect(await chain.read('CodeRegistry', 'isRegistered', ['app'])).toBe(false)
  })
})
