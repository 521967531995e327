import { type Abi, encodeFunctionData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { placePredeploys } from '../../genesis/predeploys.ts'
import { devPreset, preset } from '../../genesis/presets.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { MoneyChain, type MoneyContract } from '../fakes/money-chain.ts'
import { deploy } from './chain.ts'

const { timelock, moneyTimelock, codeRegistry } = openLedgerPredeploys
const owner = devPreset().proxyAdminOwner
const day = 86_400n
const proxyAbi = [
  {
    type: 'function',
    name: 'upgradeTo',
    stateMutability: 'nonpayable',
    inputs: [{ name: 'to', type: 'address' }],
    outputs: [],
  },
] as const

let chain: MoneyChain
beforeEach(async () => {
  chain = await MoneyChain.create()
})

const encode = (contract: MoneyContract, functionName: string, args: readonly unknown[]): Hex =>
  encodeFunctionData({ abi: loadArtifact(contract).abi as unknown as Abi, functionName, args })

/** Has the Timelock do something once its day is over. */
async function throughTimelock(to: Hex, data: Hex): Promise<void> {
  const call = [to, 0n, data, zeroHash, zeroHash] as const
  await chain.send(owner, 'Timelock', 'schedule', [...call, day])
  chain.advance(day)
  await chain.send(owner, 'Timelock', 'execute', call)
}

describe('Timelock', () => {
  const roles = ['PROPOSER_ROLE', 'CANCELLER_ROLE', 'EXECUTOR_ROLE', 'DEFAULT_ADMIN_ROLE'] as const

  /** Who of the accounts has which roles of the Timelock. */
  async function rolesOf(evm: GenesisEvm, accounts: readonly Hex[]): Promise<string[][]> {
    const target = { abi: loadArtifact('Timelock').abi, address: timelock }
    return await Promise.all(
      accounts.map(async (account) => {
        const has = async (role: string) =>
          (await evm.call(target, 'hasRole', [await evm.call(target, role), account])) as boolean
        const held: string[] = []
        for (const role of roles) if (await has(role)) held.push(role)
        return held
      }),
    )
  }

  test('of a public network the Governor alone proposes and cancels, anyone executes, and no key has a role', async () => {
    const config = { ...devPreset(), ...preset('161201') }
    const evm = await GenesisEvm.create(config.l2ChainId ?? 0n, 1_700_000_000n)
    await placePredeploys(evm, config, { openBridge: zeroAddress })
    const keys = config.fundedAccounts.length === 0 ? devPreset().fundedAccounts.map(({ address }) => address) : []
    expect(keys).toHaveLength(10)
    const [governor, zero, itself, ...others] = await rolesOf(evm, [
      openLedgerPredeploys.governor,
      zeroAddress,
      timelock,
      ...keys,
    ])
    expect(governor).toEqual(['PROPOSER_ROLE', 'CANCELLER_ROLE'])
    expect(zero).toEqual(['EXECUTOR_ROLE'])
    expect(itself).toEqual(['DEFAULT_ADMIN_ROLE'])
    expect(others.flat()).toEqual([])
  })

  test('of a dev chain its owner proposes and cancels beside the Governor', async () => {
    expect(await rolesOf(chain.evm, [openLedgerPredeploys.governor, owner])).toEqual([
      ['PROPOSER_ROLE', 'CANCELLER_ROLE'],
      ['PROPOSER_ROLE', 'CANCELLER_ROLE'],
    ])
  })

  test('an upgrade waits a day, and nobody but the owner asks for one', async () => {
    const next: Hex = `0x${'e1'.repeat(20)}`
    await deploy(chain.evm, 'CodeRegistry', next)
    const call = [codeRegistry, 0n, encodeFunctionData({ abi: proxyAbi, args: [next] }), zeroHash, zeroHash] as const
    expect((await chain.fails(chain.actor('mallory'), 'Timelock', 'schedule', [...call, day])).error).toContain(
      'Unauthorized',
    )
    expect((await chain.fails(owner, 'Timelock', 'schedule', [...call, day - 1n])).error).toBe(
      'TimelockInsufficientDelay',
    )
    await chain.send(owner, 'Timelock', 'schedule', [...call, day])
    chain.advance(day - 1n)
    expect((await chain.fails(owner, 'Timelock', 'execute', call)).error).toBe('TimelockUnexpectedOperationState')
    chain.advance(1n)
    await chain.send(owner, 'Timelock', 'execute', call)
    const slot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'
    expect(Buffer.from(chain.evm.state.account(codeRegistry).storage.get(slot) ?? []).toString('hex')).toBe(
      next.slice(2),
    )
  })
})

describe('MoneyTimelock', () => {
  const floor = 14n * day

  test('only the Timelock proposes; fourteen days later anyone executes', async () => {
    const call = [moneyTimelock, 0n, encode('MoneyTimelock', 'updateDelay', [floor + 1n]), zeroHash, zeroHash] as const
    expect((await chain.fails(owner, 'MoneyTimelock', 'schedule', [...call, floor])).error).toContain('Unauthorized')
    expect((await chain.fails(timelock, 'MoneyTimelock', 'schedule', [...call, floor - 1n])).error).toBe(
      'TimelockInsufficientDelay',
    )
    await throughTimelock(moneyTimelock, encode('MoneyTimelock', 'schedule', [...call, floor]))
    chain.advance(floor)
    await chain.send(chain.actor('anyone'), 'MoneyTimelock', 'execute', call)
    expect(await chain.read('MoneyTimelock', 'getMinDelay')).toBe(floor + 1n)
  })

  test('its delay cannot be set below the floor, not even by itself', async () => {
    const { error, args } = await chain.fails(moneyTimelock, 'MoneyTimelock', 'updateDelay', [floor - 1n])
    expect([error, args]).toEqual(['DelayBelowFloor', [floor - 1n, floor]])
    expect((await chain.fails(timelock, 'MoneyTimelock', 'updateDelay', [floor])).error).toContain('Unauthorized')
  })

  test('a window longer than a week moves the floor', async () => {
    const address: Hex = `0x${'e2'.repeat(20)}`
    const target = await deploy(chain.evm, 'MoneyTimelock', address, [8n * day, timelock])
    expect(await chain.evm.call(target, 'delayFloor')).toBe(16n * day)
    expect(await chain.evm.call(target, 'getMinDelay')).toBe(16n * day)
  })
})
