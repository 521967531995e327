import { describe, expect, test } from 'vitest'
import { checkChainId, checkGenesis, checkL1Genesis } from '../../node/chain-checks.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../../protocol/genesis-file.ts'
import { headerHash } from '../../protocol/header.ts'
import { hash, testRollupConfig } from '../fakes/rollup-config.ts'

const forkTimes = testRollupConfig().forkTimes
const genesis = parseGenesis(
  {
    number: '0x0',
    timestamp: '0x0',
    gasLimit: '0x1c9c380',
    difficulty: '0x0',
    coinbase: '0x4200000000000000000000000000000000000011',
    parentHash: `0x${'00'.repeat(32)}`,
    mixHash: `0x${'00'.repeat(32)}`,
    nonce: '0x0',
    extraData: '0x01000000fa000000060000000000000000',
    baseFeePerGas: '0x3b9aca00',
    alloc: {},
  },
  { chainId: 901n, forkTimes, feeConstants: testRollupConfig().feeConstants },
)
const { header } = genesisHeader(genesis)
const base = testRollupConfig()
const config = testRollupConfig({
  genesis: { ...base.genesis, l2: { hash: bytesToHex(headerHash(header)), number: 0n } },
})

describe('one chain', () => {
  test('genesis and rollup config that belong together pass', () => {
    checkGenesis(config, genesis, header)
  })

  test('another genesis hash, chain id or fork time is named', () => {
    expect(() => checkGenesis(base, genesis, header)).toThrow('the rollup config says 0x')
    expect(() => checkGenesis({ ...config, l2ChainId: 7n }, genesis, header)).toThrow('chain 901')
    const later = { ...config, forkTimes: { ...forkTimes, jovian: 9n } }
    expect(() => checkGenesis(later, genesis, header)).toThrow('jovian')
    const delta = { ...config, forkTimes: { ...forkTimes, delta: 9n } }
    expect(() => checkGenesis(delta, genesis, header)).not.toThrow()
  })

  test('an L1 with another block at the rollup’s beginning is named; one that is not that far is waited for', () => {
    const block = { ...config.genesis.l1, parentHash: hash(0), timestamp: 0n }
    checkL1Genesis(config, block)
    checkL1Genesis(config, undefined)
    expect(() => checkL1Genesis(config, { ...block, hash: hash(7) })).toThrow(`L1 has ${hash(7)} at 0`)
  })

  test('an L1 of another chain is named', () => {
    expect(() => checkChainId('L1', 1n, 2n)).toThrow('the L1 is of chain 2')
    checkChainId('engine', 1n, 1n)
  })
})
