import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { type BuiltGenesis, buildGenesis, genesisFileText } from '../../genesis/build-genesis.ts'
import { checkCodeHash } from '../../genesis/code-hashes.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { openLedgerContracts } from '../../genesis/open-ledger.ts'
import { implementationAddress } from '../../genesis/predeploys.ts'
import { devPreset } from '../../genesis/presets.ts'
import { openSupply } from '../../genesis/supply.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../../protocol/genesis-file.ts'
import { headerHash } from '../../protocol/header.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { parseRollupConfig } from '../../protocol/rollup-config-json.ts'

type Account = { code?: Hex; balance: Hex; nonce?: Hex; storage?: Record<string, Hex> }

const l1Start = { hash: `0x${'11'.repeat(32)}`, number: 5n, timestamp: 1_700_000_000n } as const
const l1 = {
  systemConfig: `0x${'01'.repeat(20)}`,
  optimismPortal: `0x${'02'.repeat(20)}`,
  openBridge: `0x${'03'.repeat(20)}`,
} as const

/** EIP-1967. */
const adminSlot = '0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103'
const implementationSlot = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'

const ownContracts = openLedgerContracts(devPreset(), l1.openBridge)

const build = (changes: Partial<DeployConfig> = {}) => buildGenesis({ ...devPreset(), ...changes }, l1Start, l1)

describe('genesis of a dev chain', () => {
  let built: BuiltGenesis
  let alloc: Record<string, Account>

  beforeAll(async () => {
    built = await build()
    alloc = built.genesis['alloc'] as Record<string, Account>
  })

  test('two builds are the same bytes', async () => {
    const digest = ({ genesis, rollup }: BuiltGenesis) =>
      createHash('sha256').update(genesisFileText(genesis)).update(genesisFileText(rollup)).digest('hex')
    expect(digest(await build())).toBe(digest(built))
  })

  test('all balances sum to exactly 1e27 wei, and precompiles have none', () => {
    const total = Object.values(alloc).reduce((sum, { balance }) => sum + BigInt(balance), 0n)
    expect(total).toBe(openSupply)
    expect(Object.keys(alloc).filter((address) => BigInt(address) < 1_000n)).toEqual([])
    expect(BigInt(alloc[predeploys.nativeAssetLiquidity]?.balance ?? 0)).toBe(openSupply - 100_000n * 10n ** 18n)
  })

  test('2048 predeploy addresses are proxies of the ProxyAdmin, but for the wrapped and the governance token', () => {
    const proxyCode = alloc[predeploys.l1Block]?.code
    const proxies = Object.entries(alloc).filter(([address, { code }]) => {
      return address.startsWith('0x4200') && code === proxyCode
    })
    expect(proxies).toHaveLength(2048 - 2)
    for (const [, { storage }] of proxies) expect(BigInt(storage?.[adminSlot] ?? 0)).toBe(BigInt(predeploys.proxyAdmin))
    expect(alloc[predeploys.wopen]?.code).not.toBe(proxyCode)
    expect(alloc['0x4200000000000000000000000000000000000042']).toBeUndefined()
  })

  test('every predeploy but the wrapped token points to its implementation, which has code', () => {
    for (const proxy of [...Object.values(predeploys), ...ownContracts.map(({ address }) => address)]) {
      if (proxy === predeploys.wopen) continue
      const implementation = implementationAddress(proxy)
      expect(BigInt(alloc[proxy]?.storage?.[implementationSlot] ?? 0)).toBe(BigInt(implementation))
      expect(alloc[implementation]?.code?.length ?? 0).toBeGreaterThan(200)
    }
  })

  test('contracts that hold other people’s money are upgraded by the slow timelock alone, the rest of ours by the other', () => {
    const { timelock, moneyTimelock } = openLedgerPredeploys
    const slow = [
      'StakePool',
      ...['DatanetUnits', 'DatanetAccess', 'DatanetReview', 'SignatureProofs'],
      ...['AgentRegistry', 'AgentSpending', 'AgentTrails', 'Grants'],
      ...['ShareJudge', 'SketchJudge', 'SignatureRegistry', 'SketchRegistry', 'CheckerCommittee', 'FingerprintJudge'],
      'InferenceMarket',
      'AttributionLedger',
      'RoyaltyVault',
      'DisputeGame',
      'ReceiptJudge',
      'EntryJudge',
      'EpochJudge',
      'AnswerJudge',
      'IndexRegistry',
      'SpanJudge',
      'EvidenceDemands',
      'TraceDemands',
      'LinearStep',
      'QuantiseStep',
      'ElementStep',
      'AttentionStep',
      'ChoiceStep',
      'TraceJudge',
      'StopJudge',
    ]
    for (const { name, address } of ownContracts) {
      const admin = slow.includes(name) ? moneyTimelock : timelock
      expect(BigInt(alloc[address]?.storage?.[adminSlot] ?? 0), name).toBe(BigInt(admin))
    }
    for (const address of [timelock, moneyTimelock]) expect(alloc[address]?.storage).not.toHaveProperty(adminSlot)
  })

  test('the burner may take OPEN out of circulation, and has no proxy that could be made to mint', () => {
    const { openBurner, openBridge, attributionCaller } = openLedgerPredeploys
    const minters = loadArtifact('LiquidityController').storageLayout.find(({ label }) => label === 'minters')
    const flag = (minter: Hex) => {
      const place = concatBytes(uintBytes(BigInt(minter), 32), uintBytes(minters?.slot ?? 0, 32))
      return BigInt(alloc[predeploys.liquidityController]?.storage?.[bytesToHex(keccak256(place))] ?? 0)
    }
    expect([openBridge, openBurner, attributionCaller].map(flag)).toEqual([1n, 1n, 0n])
    for (const address of [openBurner, attributionCaller]) expect(alloc[address]?.storage).toBeUndefined()
  })

  test('rollup.json names the block that genesis.json makes, and reads back', () => {
    const { header } = genesisHeader(parseGenesis(built.genesis))
    const rollup = parseRollupConfig(JSON.parse(genesisFileText(built.rollup)))
    expect(rollup.genesis.l2.hash).toBe(bytesToHex(headerHash(header)))
    expect(rollup).toEqual(built.rollupConfig)
    expect(rollup.genesis.l2Time).toBe(l1Start.timestamp)
    expect(header.timestamp).toBe(l1Start.timestamp)
    expect(rollup.depositContractAddress).toBe(l1.optimismPortal)
    expect(rollup.l1SystemConfigAddress).toBe(l1.systemConfig)
  })

  test('every fork through Jovian is active at 0, Karst is unset', () => {
    const forkTimes = built.rollupConfig.forkTimes
    expect(forkTimes.jovian).toBe(0n)
    expect(forkTimes.karst).toBeUndefined()
    expect(built.genesis['config']).toMatchObject({ isthmusTime: 0, jovianTime: 0, pragueTime: 0 })
    expect(built.genesis['config']).not.toHaveProperty('karstTime')
    expect(built.genesis['extraData']).toBe('0x01000000fa000000060000000000000000')
  })

  test('making it used nobody’s nonce', () => {
    const preinstalled = Object.keys(alloc).filter((address) => alloc[address]?.nonce !== undefined)
    expect(preinstalled.filter((address) => /^0x(4200|c0d3|4f4c|f39f)/.test(address))).toEqual([])
    for (const { nonce } of Object.values(alloc)) expect(nonce ?? '0x1').toBe('0x1')
  })

  test('the beacon roots and block hash contracts stand with used-up deployers', () => {
    expect(alloc['0x000f3df6d732807ef1319fb7b8bb8522d0beac02']?.nonce).toBe('0x1')
    expect(alloc['0x0000f90827f1c53a10cb7a02335b175320002935']?.nonce).toBe('0x1')
    expect(alloc['0x3462413af4609098e1e27a490f554f260213d685']).toEqual({ balance: '0x0', nonce: '0x1' })
  })

  test('Permit2 knows its chain', () => {
    const code = alloc['0x000000000022d473030f116ddee9f6b43ac78ba3']?.code ?? '0x'
    expect(BigInt(bytesToHex(hexToBytes(code).subarray(6945, 6977)))).toBe(901n)
  })
})

describe('other chains', () => {
  test('what the deploy config funds comes out of the liquidity', async () => {
    const address = `0x${'fe'.repeat(20)}` as const
    const { genesis } = await build({ fundedAccounts: [{ address, balance: 7n }] })
    const alloc = genesis['alloc'] as Record<string, Account>
    expect(alloc[address]).toEqual({ balance: '0x7' })
    expect(BigInt(alloc[predeploys.nativeAssetLiquidity]?.balance ?? 0)).toBe(openSupply - 7n)
  })

  test('a contract’s address cannot be funded', async () => {
    const fundedAccounts = [{ address: predeploys.l1Block, balance: 7n }]
    await expect(build({ fundedAccounts })).rejects.toThrow("a contract's address")
  })

  test('a chain whose gas is ETH has neither liquidity nor controller', async () => {
    const { genesis } = await build({ customGasToken: null, feeRecipient: devPreset().proxyAdminOwner })
    const alloc = genesis['alloc'] as Record<string, Account>
    expect(alloc[predeploys.liquidityController]?.storage).not.toHaveProperty(implementationSlot)
    expect(alloc[predeploys.nativeAssetLiquidity]?.balance).toBe('0x0')
  })

  test('code that is not on the list gets into no genesis', () => {
    expect(() => checkCodeHash('creation', 'Proxy', new Uint8Array(4))).toThrow('Proxy (creation) has code hash')
    expect(() => checkCodeHash('runtime', 'Unknown', new Uint8Array(4))).toThrow('expected none listed')
  })
})
