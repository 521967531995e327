import { beforeEach, describe, expect, test } from 'vitest'
import { depositorAccount, openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { packageContract } from '../../genesis/package-contracts.ts'
import { devPreset } from '../../genesis/presets.ts'
import { alice, at, balanceOf, bob, calldata, carol, deploy, l1Bridge, l2Chain, sendRaw, unit } from './chain.ts'

const owner = devPreset().proxyAdminOwner
const liquidity = at('NativeAssetLiquidity', predeploys.nativeAssetLiquidity)
const controller = at('LiquidityController', predeploys.liquidityController)
const l1Block = at('L1Block', predeploys.l1Block)
const passer = at('L2ToL1MessagePasser', predeploys.l2ToL1MessagePasser)
const packaged = (name: string, address: `0x${string}`) => ({ abi: packageContract(name).abi, address })
const messenger = packaged('L2CrossDomainMessenger', predeploys.l2CrossDomainMessenger)
const bridge = packaged('L2StandardBridge', predeploys.l2StandardBridge)

let evm: GenesisEvm
beforeEach(async () => {
  evm = await l2Chain()
})

/** One test for each MUST of specs custom-gas-token/*.md. */
describe('custom-gas-token/predeploys.md: L1Block', () => {
  test('setCustomGasToken MUST only be callable by the depositor account', async () => {
    const ether = await l2Chain('ether')
    await expect(ether.call(l1Block, 'setCustomGasToken', [], { from: alice })).rejects.toThrow('NotDepositor')
  })

  test('setCustomGasToken MUST set isCustomGasToken', async () => {
    const ether = await l2Chain('ether')
    expect(await ether.call(l1Block, 'isCustomGasToken')).toBe(false)
    await ether.call(l1Block, 'setCustomGasToken', [], { from: depositorAccount })
    expect(await ether.call(l1Block, 'isCustomGasToken')).toBe(true)
  })

  test('setCustomGasToken MUST be callable only once', async () => {
    const again = evm.call(l1Block, 'setCustomGasToken', [], { from: depositorAccount })
    await expect(again).rejects.toThrow('CustomGasTokenAlreadySet')
  })

  test('the attributes of a block leave the flag alone', async () => {
    await sendRaw(evm, predeploys.l1Block, `0x3db6be2b${'ff'.repeat(174)}`, { from: depositorAccount })
    expect(await evm.call(l1Block, 'isCustomGasToken')).toBe(true)
    expect(await evm.call(l1Block, 'daFootprintGasScalar')).toBe(65_535)
  })
})

describe('custom-gas-token/messengers.md, bridges.md, withdrawals.md', () => {
  test('initiateWithdrawal MUST revert with value', async () => {
    const call = (value: bigint) => evm.call(passer, 'initiateWithdrawal', [bob, 21_000n, '0x'], { from: alice, value })
    await expect(call(1n)).rejects.toThrow('NotAllowedOnCGTMode')
    await call(0n)
  })

  test('a plain transfer to the message passer reverts too', async () => {
    await expect(sendRaw(evm, passer.address, '0x', { from: alice, value: 1n })).rejects.toThrow()
  })

  test('sendMessage MUST revert with value', async () => {
    const call = (value: bigint) => evm.call(messenger, 'sendMessage', [bob, '0x1234', 21_000], { from: alice, value })
    await expect(call(1n)).rejects.toThrow()
    await call(0n)
  })

  test('ETH bridging functions MUST revert', async () => {
    const options = { from: alice, value: unit }
    await expect(evm.call(bridge, 'bridgeETH', [21_000, '0x'], options)).rejects.toThrow()
    await expect(evm.call(bridge, 'bridgeETHTo', [bob, 21_000, '0x'], options)).rejects.toThrow()
    const ether = '0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000'
    await expect(evm.call(bridge, 'withdraw', [ether, unit, 21_000, '0x'], options)).rejects.toThrow()
    await expect(sendRaw(evm, bridge.address, '0x', options)).rejects.toThrow()
  })

  test('where ETH pays for gas, all of them work', async () => {
    const ether = await l2Chain('ether')
    const options = { from: alice, value: unit }
    await ether.call(passer, 'initiateWithdrawal', [bob, 21_000n, '0x'], options)
    await ether.call(messenger, 'sendMessage', [bob, '0x1234', 21_000], options)
    await ether.call(bridge, 'bridgeETHTo', [bob, 21_000, '0x'], options)
    expect(balanceOf(ether, passer.address)).toBe(3n * unit)
  })
})

describe('custom-gas-token/predeploys.md: fee vaults', () => {
  test.each([
    ['SequencerFeeVault', predeploys.sequencerFeeVault],
    ['BaseFeeVault', predeploys.baseFeeVault],
    ['L1FeeVault', predeploys.l1FeeVault],
    ['OperatorFeeVault', predeploys.operatorFeeVault],
  ])('%s: the withdrawal network MUST be L2, and it pays there', async (name, address) => {
    const vault = at(name, address)
    expect(await evm.call(vault, 'withdrawalNetwork')).toBe(1)
    evm.state.account(address).balance = 5n * unit
    await evm.call(vault, 'setRecipient', [bob], { from: owner })
    const before = balanceOf(evm, bob)
    const events = await sendRaw(evm, address, '0x3ccfd60b', { from: carol }, name)
    expect(balanceOf(evm, bob) - before).toBe(5n * unit)
    expect(events.map((event) => event.name)).toEqual(['Withdrawal', 'Withdrawal'])
    expect(await evm.call(vault, 'totalProcessed')).toBe(5n * unit)
  })

  test('below its minimum a vault pays nothing', async () => {
    evm.state.account(predeploys.baseFeeVault).balance = devPreset().feeVaultMinimumWithdrawal - 1n
    await expect(evm.call(at('BaseFeeVault', predeploys.baseFeeVault), 'withdraw')).rejects.toThrow()
  })

  test('only the ProxyAdmin owner changes a vault, and nobody initialises it twice', async () => {
    const vault = at('L1FeeVault', predeploys.l1FeeVault)
    await expect(evm.call(vault, 'setRecipient', [bob], { from: alice })).rejects.toThrow('NotProxyAdminOwner')
    await evm.call(vault, 'setRecipient', [bob], { from: owner })
    expect(await evm.call(vault, 'RECIPIENT')).toMatch(new RegExp(bob, 'i'))
    await expect(evm.call(vault, 'initialize', [bob, 0n, 0])).rejects.toThrow('InvalidInitialization')
  })
})

describe('custom-gas-token/predeploys.md: NativeAssetLiquidity', () => {
  const from = predeploys.liquidityController

  test('deposit and withdraw MUST only be callable by the LiquidityController', async () => {
    await expect(evm.call(liquidity, 'deposit', [], { from: alice, value: 1n })).rejects.toThrow()
    await expect(evm.call(liquidity, 'withdraw', [1n], { from: owner })).rejects.toThrow('NotLiquidityController')
  })

  test('deposit MUST accept any amount and emit LiquidityDeposited', async () => {
    evm.state.account(from).balance = 7n
    const before = balanceOf(evm, liquidity.address)
    const events = await sendRaw(evm, liquidity.address, '0xd0e30db0', { from, value: 7n }, 'NativeAssetLiquidity')
    expect(balanceOf(evm, liquidity.address) - before).toBe(7n)
    expect(events).toMatchObject([{ name: 'LiquidityDeposited', args: { value: 7n } }])
  })

  test('withdraw MUST send exactly the amount to the caller and emit LiquidityWithdrawn', async () => {
    const data = calldata(liquidity, 'withdraw', [9n])
    const events = await sendRaw(evm, liquidity.address, data, { from }, 'NativeAssetLiquidity')
    expect(balanceOf(evm, from)).toBe(9n)
    expect(events).toMatchObject([{ name: 'LiquidityWithdrawn', args: { value: 9n } }])
  })

  test('withdraw MUST revert when the balance is insufficient', async () => {
    const amount = balanceOf(evm, liquidity.address) + 1n
    await expect(evm.call(liquidity, 'withdraw', [amount], { from })).rejects.toThrow('InsufficientLiquidity')
  })
})

describe('custom-gas-token/predeploys.md: LiquidityController', () => {
  const send = (functionName: string, args: readonly unknown[], options: object) =>
    sendRaw(
      evm,
      controller.address,
      calldata(controller, functionName, args),
      options,
      'LiquidityController',
      'NativeAssetLiquidity',
    )

  test('authorizeMinter and deauthorizeMinter MUST only be callable by the ProxyAdmin owner', async () => {
    await expect(evm.call(controller, 'authorizeMinter', [alice], { from: alice })).rejects.toThrow(
      'NotProxyAdminOwner',
    )
    await expect(evm.call(controller, 'deauthorizeMinter', [alice], { from: alice })).rejects.toThrow(
      'NotProxyAdminOwner',
    )
  })

  test('authorizeMinter MUST allow mint and emit; deauthorizeMinter MUST take it away and emit', async () => {
    expect(await send('authorizeMinter', [alice], { from: owner })).toMatchObject([{ name: 'MinterAuthorized' }])
    await evm.call(controller, 'mint', [bob, 1n], { from: alice })
    expect(await send('deauthorizeMinter', [alice], { from: owner })).toMatchObject([{ name: 'MinterDeauthorized' }])
    await expect(evm.call(controller, 'mint', [bob, 1n], { from: alice })).rejects.toThrow('NotMinter')
  })

  test('mint MUST only be callable by minters', async () => {
    await expect(evm.call(controller, 'mint', [bob, 1n], { from: owner })).rejects.toThrow('NotMinter')
  })

  test('mint MUST withdraw from the liquidity, send exactly the amount and emit LiquidityMinted', async () => {
    await evm.call(controller, 'authorizeMinter', [alice], { from: owner })
    const [pool, recipient] = [balanceOf(evm, liquidity.address), balanceOf(evm, bob)]
    const events = await send('mint', [bob, 5n * unit], { from: alice })
    expect(balanceOf(evm, liquidity.address)).toBe(pool - 5n * unit)
    expect(balanceOf(evm, bob)).toBe(recipient + 5n * unit)
    expect(balanceOf(evm, controller.address)).toBe(0n)
    expect(events.map(({ name }) => name)).toEqual(['LiquidityWithdrawn', 'LiquidityMinted'])
  })

  test('mint reaches a contract that refuses transfers', async () => {
    await evm.call(controller, 'authorizeMinter', [alice], { from: owner })
    await evm.call(controller, 'mint', [predeploys.l1Block, 3n], { from: alice })
    expect(balanceOf(evm, predeploys.l1Block)).toBe(3n)
  })

  test('mint MUST revert when the liquidity is insufficient', async () => {
    await evm.call(controller, 'authorizeMinter', [alice], { from: owner })
    const amount = balanceOf(evm, liquidity.address) + 1n
    await expect(evm.call(controller, 'mint', [bob, amount], { from: alice })).rejects.toThrow()
  })

  test('burn MUST only be callable by minters and MUST revert without value', async () => {
    await expect(evm.call(controller, 'burn', [], { from: alice, value: 1n })).rejects.toThrow('NotMinter')
    await evm.call(controller, 'authorizeMinter', [alice], { from: owner })
    await expect(evm.call(controller, 'burn', [], { from: alice })).rejects.toThrow('ZeroAmount')
  })

  test('burn MUST accept any amount, deposit it into the liquidity and emit LiquidityBurned', async () => {
    await evm.call(controller, 'authorizeMinter', [alice], { from: owner })
    const before = balanceOf(evm, liquidity.address)
    const events = await send('burn', [], { from: alice, value: 11n })
    expect(balanceOf(evm, liquidity.address) - before).toBe(11n)
    expect(events.map(({ name }) => name)).toEqual(['LiquidityDeposited', 'LiquidityBurned'])
  })

  test('gasPayingAssetName and gasPayingAssetSymbol MUST be what L1Block and the wrapped token are named after', async () => {
    expect(await evm.call(controller, 'gasPayingAssetName')).toBe('OpenLedger')
    expect(await evm.call(l1Block, 'gasPayingTokenName')).toBe('OpenLedger')
    expect(await evm.call(l1Block, 'gasPayingTokenSymbol')).toBe('OPEN')
    const wrapped = at('WOPEN', predeploys.wopen)
    expect(await evm.call(wrapped, 'name')).toBe('Wrapped OpenLedger')
    expect(await evm.call(wrapped, 'symbol')).toBe('WOPEN')
  })
})

describe('custom-gas-token/optimism-portal.md and system-config.md', () => {
  const systemConfigAddress = `0x5c${'0'.repeat(38)}` as const
  const portalAddress = `0x70${'0'.repeat(38)}` as const
  const feature = `0x${Buffer.from('CUSTOM_GAS_TOKEN').toString('hex').padEnd(64, '0')}`
  const parameters = (customGasToken: boolean) => ({
    owner,
    batcher: bob,
    unsafeBlockSigner: bob,
    batchInbox: carol,
    gasLimit: 30_000_000n,
    basefeeScalar: 1,
    blobbasefeeScalar: 2,
    l2ChainId: 901n,
    customGasToken,
  })

  const l1 = async (customGasToken: boolean) => {
    const systemConfig = await deploy(evm, 'SystemConfig', systemConfigAddress, [parameters(customGasToken)])
    const portal = await deploy(evm, 'OptimismPortal', portalAddress, [l1Bridge, systemConfigAddress, owner])
    return { systemConfig, portal }
  }

  test('depositTransaction MUST revert with value, and works without', async () => {
    const { portal } = await l1(true)
    const call = (value: bigint) =>
      evm.call(portal, 'depositTransaction', [bob, 0n, 100_000n, false, '0x'], { from: alice, value })
    await expect(call(1n)).rejects.toThrow('NotAllowedOnCGTMode')
    await call(0n)
    await expect(sendRaw(evm, portal.address, '0x', { from: alice, value: 1n })).rejects.toThrow()
  })

  test('donateETH accepts value without a deposit', async () => {
    const { portal } = await l1(true)
    expect(await sendRaw(evm, portal.address, '0x8b4c40b0', { from: alice, value: 1n }, 'OptimismPortal')).toEqual([])
  })

  test('isFeatureEnabled says whether the mode is on; it cannot be turned off', async () => {
    const { systemConfig } = await l1(true)
    expect(await evm.call(systemConfig, 'isFeatureEnabled', [feature])).toBe(true)
    const off = evm.call(systemConfig, 'setFeatureEnabled', [feature, false], { from: owner })
    await expect(off).rejects.toThrow('FeatureIsPermanent')
  })

  test('with the feature off, deposits carry value', async () => {
    const { systemConfig, portal } = await l1(false)
    expect(await evm.call(systemConfig, 'isFeatureEnabled', [feature])).toBe(false)
    await evm.call(portal, 'depositTransaction', [bob, 0n, 100_000n, false, '0x'], { from: alice, value: 1n })
    expect(balanceOf(evm, portal.address)).toBe(1n)
  })
})

test('the OPEN bridge is the one minter of a new chain', async () => {
  expect(await evm.call(controller, 'minters', [openLedgerPredeploys.openBridge])).toBe(true)
})
