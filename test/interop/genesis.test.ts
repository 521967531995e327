import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { buildGenesis } from '../../genesis/build-genesis.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { devPreset, type PresetName, preset } from '../../genesis/presets.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../../protocol/genesis-file.ts'
import { headerHash } from '../../protocol/header.ts'
import { genesisForks, withForks } from './fork-schedule.ts'
import { hasGo, OpGeth } from './op-geth-process.ts'

const timestamp = 1_700_000_000n
const address = (n: number): Hex => `0x${n.toString(16).padStart(40, '0')}`
const l1Start = { hash: `0x${'ab'.repeat(32)}`, number: 17n, timestamp } as const
const l1Addresses = {
  systemConfig: address(0x5c),
  optimismPortal: address(0xde),
  openBridge: address(0xb1),
  l1CrossDomainMessenger: address(0xd0),
  l1StandardBridge: address(0xd1),
  l1Erc721Bridge: address(0xd2),
}

const folder = mkdtempSync(join(tmpdir(), 'interop-genesis-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The hash of block 0 of an op-geth that was given this file. */
async function hashOfOpGeth(genesis: unknown, name: string): Promise<unknown> {
  const geth = await OpGeth.start({ genesis, dir: join(folder, name) })
  try {
    const block = (await geth.eth.request('eth_getBlockByNumber', ['0x0', false])) as { readonly hash: string }
    return block.hash
  } finally {
    await geth.kill()
  }
}

describe.skipIf(!hasGo)('op-geth loads our genesis.json to our hash (skipped without Go)', () => {
  test.each<PresetName>(['dev', '161201', '1612'])('preset %s', async (name) => {
    // A public preset leaves addresses to whoever deploys it; the dev preset stands in for them.
    const config: DeployConfig = { ...devPreset(), ...preset(name) }
    // Where ETH pays for gas there is no Governor, and somebody else proposes.
    const { l1Owner } = config
    const ofEther = {
      ...config,
      customGasToken: null,
      feeRecipient: l1Owner,
      timelockProposer: l1Owner,
      fundedAccounts: [],
    }
    for (const variant of [config, ofEther]) {
      const { genesis, rollupConfig } = await buildGenesis(variant, l1Start, l1Addresses)
      const token = variant.customGasToken === null ? 'ether' : 'open'
      expect(await hashOfOpGeth(genesis, `${name}-${token}`)).toBe(rollupConfig.genesis.l2.hash)
    }
  })

  test.each(genesisForks)('schedules with %s last at genesis, and the later forks never or soon', async (last) => {
    const { genesis } = await buildGenesis(devPreset(), l1Start, l1Addresses)
    for (const later of [undefined, timestamp + 2n]) {
      const isEarly = (fork: (typeof genesisForks)[number]) => genesisForks.indexOf(fork) <= genesisForks.indexOf(last)
      const times = Object.fromEntries(genesisForks.map((fork) => [fork, isEarly(fork) ? 0n : later]))
      const file = withForks(genesis, times)
      const ours = bytesToHex(headerHash(genesisHeader(parseGenesis(file)).header))
      expect(await hashOfOpGeth(file, `${last}-${later}`)).toBe(ours)
    }
  })
})
