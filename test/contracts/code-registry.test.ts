import { beforeEach, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { zeroAddress } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { alice, at, bob, carol, deploy, emptyChain } from './chain.ts'

const registry = at('CodeRegistry', openLedgerPredeploys.codeRegistry)
let evm: GenesisEvm
beforeEach(async () => {
  evm = await emptyChain()
  await deploy(evm, 'CodeRegistry', registry.address)
})

const call = (functionName: string, args: readonly unknown[], from = alice) =>
  evm.call(registry, functionName, args, { from })

test('a code pays whom its owner says', async () => {
  await call('register', ['openledger', bob, 'ipfs://x'])
  expect(await call('isRegistered', ['openledger'])).toBe(true)
  expect(String(await call('payoutAddress', ['openledger'])).toLowerCase()).toBe(bob)
  expect(await call('codeURI', ['openledger'])).toBe('ipfs://x')
  await call('setPayout', ['openledger', carol])
  expect(String(await call('payoutAddress', ['openledger'])).toLowerCase()).toBe(carol)
})

test('the first to register a code has it', async () => {
  await call('register', ['app', alice, ''])
  await expect(call('register', ['app', bob, ''], bob)).rejects.toThrow('CodeTaken')
  await expect(call('setPayout', ['app', bob], bob)).rejects.toThrow('NotCodeOwner')
  await expect(call('setURI', ['app', 'x'], bob)).rejects.toThrow('NotCodeOwner')
})

test('a transfer moves the right to change, not the payout', async () => {
  await call('register', ['app', alice, ''])
  await call('transferCode', ['app', bob])
  expect(String(await call('payoutAddress', ['app'])).toLowerCase()).toBe(alice)
  await expect(call('setPayout', ['app', alice], alice)).rejects.toThrow('NotCodeOwner')
  await call('setPayout', ['app', carol], bob)
})

test('a payout address is in force from the next day on, and stays so for what was settled before', async () => {
  const day = 86_400n
  const today = (evm.timestamp / day) * day
  const payoutAt = async (time: bigint) =>
    String(await call('payoutAt', [keccakHex(new TextEncoder().encode('app')), time])).toLowerCase()
  expect(await payoutAt(today + 10n * day)).toBe(zeroAddress)
  await call('register', ['app', bob, ''])
  expect(await payoutAt(evm.timestamp)).toBe(zeroAddress)
  expect(await payoutAt(today + day - 1n)).toBe(zeroAddress)
  expect(await payoutAt(today + day)).toBe(bob)
  await call('setPayout', ['app', carol])
  expect(await payoutAt(today + day)).toBe(carol)
  evm.timestamp = today + 3n * day
  await call('setPayout', ['app', alice])
  expect(await payoutAt(evm.timestamp + day - 1n)).toBe(carol)
  expect(await payoutAt(evm.timestamp + day)).toBe(alice)
})

test('an unregistered code has no payout address', async () => {
  expect(await call('isRegistered', ['nobody'])).toBe(false)
  await expect(call('payoutAddress', ['nobody'])).rejects.toThrow('Unregistered')
})

test.each(['', 'A', 'a-b', 'a b', 'é', 'a'.repeat(33)])('%j is no code', async (code) => {
  expect(await call('isValidCode', [code])).toBe(false)
  await expect(call('register', [code, bob, ''])).rejects.toThrow('InvalidCode')
})

test.each(['a', '0', '_', 'open_ledger_2', 'z'.repeat(32)])('%j is a code', async (code) => {
  expect(await call('isValidCode', [code])).toBe(true)
})

test('a code pays somebody, and its URI is short', async () => {
  await expect(call('register', ['app', `0x${'0'.repeat(40)}`, ''])).rejects.toThrow('ZeroAddress')
  await expect(call('register', ['app', bob, 'x'.repeat(1025)])).rejects.toThrow('URITooLong')
})
