import {
  BaseError,
  ContractFunctionRevertedError,
  encodeFunctionData,
  InsufficientFundsError,
  maxUint256,
  parseGwei,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { suggestedTipMin } from '../../../../../node/engine/embedded/rpc/eth-fees.ts'
import type { Hex } from '../../../../../protocol/bytes.ts'
import { hexToBytes, zeroAddress } from '../../../../../protocol/bytes.ts'
import { verifyAccountProof } from '../../../../../protocol/trie-proof.ts'
import { compileProbe } from './probe-contract.ts'
import { accounts, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
let probe: Hex
const { abi, bytecode } = compileProbe()
const poor: Hex = `0x${'99'.repeat(20)}`

beforeAll(async () => {
  world = await RpcWorld.open()
  const hash = await world.walletClient(0).deployContract({ abi, bytecode })
  await world.mine()
  const { contractAddress } = await world.publicClient().getTransactionReceipt({ hash })
  if (contractAddress == null) throw new Error('the probe was not deployed')
  probe = contractAddress
})
afterAll(() => world.close())

const data = (functionName: string, ...args: unknown[]) => encodeFunctionData({ abi, functionName, args })
const read = (functionName: string, ...args: unknown[]) =>
  world.publicClient().readContract({ address: probe, abi, functionName, args })

const first3 = (list: unknown) => (list as readonly unknown[]).slice(0, 3)

async function revertOf(action: Promise<unknown>): Promise<ContractFunctionRevertedError> {
  const error = await action.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  const found =
    error instanceof BaseError ? error.walk((cause) => cause instanceof ContractFunctionRevertedError) : null
  if (!(found instanceof ContractFunctionRevertedError)) throw error
  return found
}

describe('eth_call', () => {
  test('viem reads every kind of revert', async () => {
    expect((await revertOf(read('refuse', 'no thanks'))).reason).toBe('no thanks')
    expect((await revertOf(read('refuseTyped', 7n))).data).toMatchObject({ errorName: 'Refused', args: [7n, 'typed'] })
    expect((await revertOf(read('divide', 1n, 0n))).reason).toMatch(/[Dd]ivision/)
  })

  test('a revert stands on the wire with code 3, its reason and its data', async () => {
    const call = { to: probe, data: data('refuse', 'no thanks') }
    const { error } = await world.rpc('eth_call', call, 'latest')
    expect(error).toMatchObject({ code: 3, message: 'execution reverted: no thanks' })
    expect(error?.data).toMatch(/^0x08c379a0/)
  })

  test('running out of gas is a server error', async () => {
    const { error } = await world.rpc('eth_call', { to: probe, data: data('spin'), gas: '0x30d40' }, 'latest')
    expect(error).toMatchObject({ code: -32000, message: expect.stringContaining('out of gas') })
  })

  test('a call sees the block it is asked about', async () => {
    const client = world.publicClient()
    const before = await client.getBlockNumber()
    await world.walletClient(0).writeContract({ address: probe, abi, functionName: 'set', args: [41n] })
    await world.mine()
    expect(await client.readContract({ address: probe, abi, functionName: 'value', blockNumber: before })).toBe(0n)
    expect(await read('value')).toBe(41n)
    const early = await world.rpc('eth_call', { to: probe, data: data('value') }, 'earliest')
    expect(early.result).toBe('0x')
  })

  test('without a price the base fee reads as zero, with one it is the block’s', async () => {
    const head = world.chain.head('latest')?.header
    expect(first3(await read('env'))).toEqual([head?.number, head?.timestamp, 0n])
    const [from] = accounts
    const priced = await world.publicClient().simulateContract({
      address: probe,
      abi,
      functionName: 'env',
      account: from?.address ?? zeroAddress,
      maxFeePerGas: parseGwei('50'),
    })
    expect(first3(priced.result)).toEqual([head?.number, head?.timestamp, head?.baseFeePerGas])
  })

  test('overrides of state and block hold for the call only', async () => {
    const client = world.publicClient()
    const slot = (n: bigint): Hex => `0x${n.toString(16).padStart(64, '0')}`
    const value = { address: probe, abi, functionName: 'value' }
    const diff = [{ address: probe, stateDiff: [{ slot: slot(0n), value: slot(5n) }] }]
    expect(await client.readContract({ ...value, stateOverride: diff })).toBe(5n)
    const whole = [{ address: probe, state: [{ slot: slot(1n), value: slot(5n) }] }]
    expect(await client.readContract({ ...value, stateOverride: whole })).toBe(0n)
    const code = await client.getCode({ address: probe })
    const elsewhere = [{ address: poor, code: code ?? '0x', balance: 9n }]
    expect(await client.readContract({ ...value, address: poor, stateOverride: elsewhere })).toBe(0n)
    const { result } = await world.rpc(
      'eth_call',
      { to: probe, data: data('env') },
      'latest',
      {},
      { number: '0x7b', time: '0x1c8', feeRecipient: poor },
    )
    expect(result).toMatch(
      new RegExp(`^${slot(123n)}${slot(456n).slice(2)}${slot(0n).slice(2)}${'0'.repeat(24)}${poor.slice(2)}`),
    )
    expect(await read('value')).toBe(41n)
    expect(await client.getCode({ address: poor })).toBeUndefined()
  })

  test('value that the sender lacks is insufficient funds', async () => {
    const { error } = await world.rpc('eth_call', { from: poor, to: probe, value: '0x1' }, 'latest')
    expect(error).toMatchObject({ code: -32000, message: expect.stringContaining('insufficient') })
  })
})

describe('eth_estimateGas', () => {
  test('a transfer needs 21,000', async () => {
    const [from] = accounts
    expect(await world.publicClient().estimateGas({ account: from?.address ?? zeroAddress, to: poor, value: 1n })).toBe(
      21_000n,
    )
  })

  test.each([
    ['set', [3n]],
    ['nested', [4n]],
    ['greedy', [500_000n]],
    ['setMany', [40n]],
  ])('the estimate of %s suffices and is not far above the least', async (functionName, args) => {
    const [from] = accounts
    const call = { from: from?.address, to: probe, data: data(functionName, ...args) }
    const estimate = BigInt(String((await world.rpc('eth_estimateGas', call)).result))
    const works = async (gas: bigint) => {
      const { error } = await world.rpc('eth_call', { ...call, gas: `0x${gas.toString(16)}` }, 'latest')
      return error === undefined
    }
    expect(await works(estimate)).toBe(true)
    expect(await works((estimate * 95n) / 100n - 2_500n)).toBe(false)
  })

  test('what reverts at any gas reverts, what needs more than allowed says so', async () => {
    expect((await world.rpc('eth_estimateGas', { to: probe, data: data('refuse', 'never') })).error).toMatchObject({
      code: 3,
      message: 'execution reverted: never',
    })
    const spin = await world.rpc('eth_estimateGas', { to: probe, data: data('spin'), gas: '0x186a0' })
    expect(spin.error).toMatchObject({ code: -32000, message: 'gas required exceeds allowance (100000)' })
  })

  test('with a price the balance bounds the gas, the L1 fee taken off first', async () => {
    const priced = { from: poor, to: probe, data: data('set', 1n), gasPrice: '0x3b9aca00' }
    const gasPrice = 1_000_000_000n
    const ask = async (balance: bigint) =>
      (await world.rpc('eth_estimateGas', priced, 'latest', { [poor]: { balance: `0x${balance.toString(16)}` } })).error
    expect(await ask(10n ** 18n)).toBeUndefined()
    expect(await ask(gasPrice * 22_000n)).toMatchObject({ message: expect.stringMatching(/allowance|insufficient/) })
    expect(await ask(1n)).toMatchObject({ message: expect.stringContaining('insufficient funds for transfer') })
  })
})

describe('eth_createAccessList', () => {
  test('names the slots a call uses', async () => {
    const { accessList, gasUsed } = await world.publicClient().createAccessList({ to: probe, data: data('value') })
    expect(accessList).toEqual([{ address: probe.toLowerCase(), storageKeys: [`0x${'0'.repeat(64)}`] }])
    expect(gasUsed).toBeGreaterThan(21_000n)
  })
})

describe('state', () => {
  test('proofs hold against the state root of the block', async () => {
    const head = world.chain.head('latest')
    const slots = ['0x0', `0x${'0'.repeat(63)}1`, `0x${'f'.repeat(64)}`]
    const { result } = await world.rpc('eth_getProof', probe, slots, 'latest')
    const proven = verifyAccountProof(head?.header.stateRoot ?? new Uint8Array(32), result)
    expect(proven.slots.map(({ value }) => value)).toEqual([41n, 0n, 0n])
    const absent = await world.rpc('eth_getProof', poor, [], 'latest')
    expect(verifyAccountProof(head?.header.stateRoot ?? new Uint8Array(32), absent.result).account.nonce).toBe(0n)
    expect(absent.result).toMatchObject({ storageProof: [], nonce: '0x0', balance: '0x0' })
  })

  test('storage is read at padded and unpadded slots', async () => {
    const word = `0x${'0'.repeat(62)}29`
    for (const slot of ['0x0', '0x00', `0x${'0'.repeat(64)}`]) {
      expect((await world.rpc('eth_getStorageAt', probe, slot, 'latest')).result).toBe(word)
    }
    expect((await world.rpc('eth_getStorageAt', probe, '0', 'latest')).error).toMatchObject({ code: -32602 })
  })
})

describe('fees', () => {
  test('the suggestions get a transaction into the next block', async () => {
    const client = world.publicClient()
    expect(await client.estimateMaxPriorityFeePerGas()).toBe(suggestedTipMin)
    expect(await client.getGasPrice()).toBe(world.chain.nextBaseFee() + suggestedTipMin)
  })

  test('the history has one base fee more than blocks, and rewards where asked', async () => {
    await world
      .walletClient(0)
      .sendTransaction({ to: poor, value: 1n, maxFeePerGas: parseGwei('50'), maxPriorityFeePerGas: 5n })
    await world.mine()
    const client = world.publicClient()
    const history = await client.getFeeHistory({ blockCount: 2, rewardPercentiles: [0, 50, 100] })
    expect(history.baseFeePerGas).toHaveLength(3)
    expect(history.baseFeePerGas.at(-1)).toBe(world.chain.nextBaseFee())
    // The L1 attributes use most of the gas and tip nothing.
    expect(history.reward?.at(-1)).toEqual([0n, 0n, 5n])
    const all = await client.getFeeHistory({ blockCount: 1024, rewardPercentiles: [] })
    expect(all.oldestBlock).toBe(0n)
    const { error } = await world.rpc('eth_feeHistory', '0x2', 'latest', [50, 10])
    expect(error).toMatchObject({ code: -32602 })
    expect(await world.rpc('eth_feeHistory', '0x2', '0xffffff', [])).toHaveProperty('error')
  })
})

describe('eth_sendRawTransaction', () => {
  test('viem recognises the refusals', async () => {
    const wallet = world.walletClient(3)
    const { request } = {
      request: { to: poor, value: 1n, maxFeePerGas: parseGwei('5'), maxPriorityFeePerGas: 1n, gas: 21_000n } as const,
    }
    const thrown = async (fields: object) => {
      const error = await wallet.sendTransaction({ ...request, ...fields }).catch((caught: unknown) => caught)
      return error instanceof BaseError ? error : undefined
    }
    const tooMuch = await thrown({ value: maxUint256 / 2n })
    expect(tooMuch?.walk((cause) => cause instanceof InsufficientFundsError)).toBeInstanceOf(InsufficientFundsError)
    await wallet.sendTransaction({ ...request, nonce: 0 })
    expect((await thrown({ nonce: 0 }))?.message).toContain('already known')
    expect((await thrown({ nonce: 0, value: 2n }))?.message).toContain('replacement transaction underpriced')
    await world.mine()
    expect((await thrown({ nonce: 0 }))?.message).toMatch(/nonce too low|lower than the current nonce/i)
    expect((await thrown({ gas: 20_000n }))?.message).toMatch(/intrinsic gas too low/i)
    expect((await thrown({ gas: 40_000_000n }))?.message).toContain('exceeds block gas limit')
  })

  test.each([
    ['0x', -32602],
    ['0xc0', -32602],
    ['nonsense', -32602],
    ['0x7ef8', -32602],
    ['0x03c0', -32000],
  ])('%s is refused with %d', async (raw, code) => {
    expect(await world.rpc('eth_sendRawTransaction', raw)).toMatchObject({ error: { code } })
  })

  test('the nonce of the pending state counts waiting transactions', async () => {
    const wallet = world.walletClient(4)
    const { address } = wallet.account
    await wallet.sendTransaction({ to: poor, value: 1n })
    const client = world.publicClient()
    expect(await client.getTransactionCount({ address, blockTag: 'pending' })).toBe(1)
    expect(await client.getTransactionCount({ address })).toBe(0)
    const content = (await world.rpc('txpool_contentFrom', address)).result
    expect(content).toMatchObject({ pending: { 0: { nonce: '0x0', blockHash: null } }, queued: {} })
    await world.mine()
    expect(await client.getTransactionCount({ address })).toBe(1)
  })

  test('the synchronous form answers with the receipt, or says that it is not there yet', async () => {
    const wallet = world.walletClient(5)
    const sign = async (nonce: number) =>
      await wallet.signTransaction(await wallet.prepareTransactionRequest({ to: poor, value: 1n, nonce }))
    const sent = world.rpc('eth_sendRawTransactionSync', await sign(0))
    while (world.pool.status().pending === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await world.mine()
    expect(await sent).toMatchObject({ result: { status: '0x1' } })
    expect(await world.rpc('eth_sendRawTransactionSync', await sign(1), 20)).toMatchObject({
      error: { code: 4, data: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    })
    await world.mine()
  })
})

test('the proof helper refuses what was changed', async () => {
  const head = world.chain.head('latest')
  const { result } = await world.rpc('eth_getProof', probe, ['0x0'], 'latest')
  const forged = { ...(result as object), balance: '0x1' }
  expect(() => verifyAccountProof(head?.header.stateRoot ?? hexToBytes('0x'), forged)).toThrow()
})

test('a long call does not hold up a block', async () => {
  const spinning = world.rpc('eth_call', { to: probe, data: data('spin') }, 'latest')
  let isOver = false
  void spinning.then(() => {
    isOver = true
  })
  await new Promise((resolve) => setTimeout(resolve, 30))
  await world.mine()
  expect(isOver).toBe(false)
  expect((await spinning).error).toMatchObject({ code: -32000, message: expect.stringMatching(/out of gas|timed out/) })
})
