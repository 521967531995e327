import { describe, expect, test } from 'vitest'
import { predeploys } from '../../contracts/addresses.ts'
import { batchInboxOf, checkDeployConfig, deployConfigJson, parseDeployConfig } from '../../genesis/deploy-config.ts'
import { devPreset, preset } from '../../genesis/presets.ts'
import { circulatingAtGenesis, genesisLiquidity, openSupply } from '../../genesis/supply.ts'
import { zeroAddress } from '../../protocol/bytes.ts'
import { documentedGovernance } from '../../protocol/governance-parameters.ts'

describe('deploy config', () => {
  test('its JSON form reads back to the same config', () => {
    const config = devPreset()
    const json = JSON.parse(JSON.stringify(deployConfigJson(config))) as unknown
    expect(parseDeployConfig(json)).toEqual(config)
  })

  test('a key that it does not know is refused by name', () => {
    expect(() => parseDeployConfig({ l2BlockTme: 2 }, devPreset())).toThrow('unknown key l2BlockTme')
  })

  test('a preset for a public network leaves owners and keys to its deploy config, and says which', () => {
    expect(() => parseDeployConfig({}, preset('1612'))).toThrow(
      'missing batchSenderAddress, unsafeBlockSigner, proposer, challenger, l1Owner, proxyAdminOwner, l1OpenToken, attributor',
    )
    expect(preset('1612').l2ChainId).toBe(1612n)
    expect(preset('161201').l2ChainId).toBe(161_201n)
    expect(preset('1612').fundedAccounts).toEqual([])
  })

  test.each([
    [{ l2BlockTime: 0 }, 'l2BlockTime must be above 0'],
    [{ l2BlockTime: 1.5 }, 'l2BlockTime must be a whole number'],
    [{ l2ChainId: 31_337 }, 'l1ChainId and l2ChainId are both 31337'],
    [{ sequencerWindowSize: 1 }, 'sequencerWindowSize must be at least 2'],
    [{ l2GasLimit: 20_999_999 }, 'l2GasLimit must be between'],
    [{ eip1559Denominator: 0 }, 'must be above 0'],
    [{ baseFeeScalar: '0x100000000' }, 'does not fit 32 bits'],
    [{ proposer: '0x12' }, 'proposer must be an address'],
    [{ feeRecipient: `0x${'0'.repeat(40)}` }, 'feeRecipient must not be the zero address'],
    [{ challengeWindowSeconds: 2 }, 'challengeWindowSeconds must be at least 3'],
    [{ channelWithdrawalDelaySeconds: 29 }, 'channelWithdrawalDelaySeconds must be at least 30'],
    [{ unbondingSeconds: 59 }, 'unbondingSeconds must be at least 60'],
    [{ customGasToken: { name: 'A name that is longer than 31 bytes', symbol: 'X' } }, '1 to 31 ASCII characters'],
    [{ fundedAccounts: {} }, 'fundedAccounts must be a list'],
    [{ fundedAccounts: [{ address: `0x${'1'.repeat(40)}`, balance: -1 }] }, 'fundedAccounts[0].balance'],
    [
      {
        fundedAccounts: [
          { address: `0x${'a'.repeat(40)}`, balance: 1 },
          { address: `0x${'A'.repeat(40)}`, balance: 2 },
        ],
      },
      'twice',
    ],
  ])('%j is refused', (changes, message) => {
    expect(() => parseDeployConfig(changes, devPreset())).toThrow(message)
  })

  test('on a public network no clock of money is shorter than it takes to be heard', () => {
    const config = { ...devPreset(), ...preset('161201') }
    expect(config.challengeWindowSeconds).toBe(2n * 3_600n * 12n)
    expect(checkDeployConfig(config)).toBe(config)
    for (const key of ['challengeWindowSeconds', 'channelWithdrawalDelaySeconds', 'unbondingSeconds'] as const) {
      expect(() => checkDeployConfig({ ...config, [key]: config[key] - 1n })).toThrow(`${key} must be at least`)
    }
    expect(() => checkDeployConfig({ ...config, sequencerWindowSize: 3_601n })).toThrow('challengeWindowSeconds')
    // A sixteenth of it is the time for an answer, which may have to come through L1.
    const short = { ...config, sequencerWindowSize: 10n, challengeWindowSeconds: 16n * 1_800n }
    expect(checkDeployConfig(short)).toBe(short)
    expect(() => checkDeployConfig({ ...short, challengeWindowSeconds: 16n * 1_800n - 1n })).toThrow(
      'challengeWindowSeconds must be at least 28800',
    )
  })

  test('on a public network the clocks of governance are the documented ones; on one machine they may be short', () => {
    const config = { ...devPreset(), ...preset('161201') }
    for (const key of [
      'timelockDelaySeconds',
      'timelockGraceSeconds',
      'votingDelaySeconds',
      'votingPeriodSeconds',
    ] as const) {
      expect(config[key]).toBe(documentedGovernance[key])
      expect(() => checkDeployConfig({ ...config, [key]: 2n })).toThrow(`${key} must be ${documentedGovernance[key]}`)
      expect(devPreset()[key]).toBe(documentedGovernance[key])
      checkDeployConfig({ ...devPreset(), [key]: 2n })
      expect(() => checkDeployConfig({ ...devPreset(), [key]: 0n })).toThrow(`${key} must be above 0`)
    }
  })

  test('only the preset of one machine lets a key propose to the Timelock beside the Governor', () => {
    expect(preset('1612').timelockProposer).toBe(zeroAddress)
    expect(preset('161201').timelockProposer).toBe(zeroAddress)
    expect(devPreset().timelockProposer).toBe(devPreset().proxyAdminOwner)
  })

  test('where ETH pays for gas there is no Governor and no FeeSplitter to name', () => {
    const ether = { ...devPreset(), customGasToken: null, feeRecipient: devPreset().l1Owner }
    expect(checkDeployConfig(ether)).toBe(ether)
    expect(() => checkDeployConfig({ ...ether, timelockProposer: zeroAddress })).toThrow('there is no Governor')
    expect(() => checkDeployConfig({ ...ether, feeRecipient: predeploys.feeSplitter })).toThrow(
      'there is no FeeSplitter',
    )
  })

  test('it is no array, no null, no text', () => {
    for (const json of [[], null, 'dev', 1]) expect(() => parseDeployConfig(json)).toThrow('JSON object')
  })

  test('the batch inbox of a chain id is the registry’s', () => {
    expect(batchInboxOf(420_130_015n)).toBe('0x00ab2d21a3e869a42603c37731699d1eedf89eb3')
  })
})

describe('supply', () => {
  test('liquidity is what the funded accounts leave of 1e27', () => {
    expect(circulatingAtGenesis(devPreset())).toBe(100_000n * 10n ** 18n)
    expect(genesisLiquidity(devPreset())).toBe(openSupply - 100_000n * 10n ** 18n)
  })

  test('accounts cannot hold more than there is', () => {
    const address = `0x${'1'.repeat(40)}` as const
    const config = checkDeployConfig({ ...devPreset(), fundedAccounts: [{ address, balance: openSupply + 1n }] })
    expect(() => genesisLiquidity(config)).toThrow('more than the supply')
  })
})
