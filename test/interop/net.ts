import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { type BuiltGenesis, buildGenesis } from '../../genesis/build-genesis.ts'
import { deployL1Contracts, type L1Addresses } from '../../genesis/deploy-l1.ts'
import { devPreset, devRoles } from '../../genesis/presets.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../../protocol/genesis-file.ts'
import { headerHash } from '../../protocol/header.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { rollupConfigJson } from '../../protocol/rollup-config-json.ts'
import { type Anvil, startAnvil } from '../fakes/anvil.ts'
import { type FakeBeacon, startBeacon } from '../fakes/beacon.ts'
import { genesisForks, withForks } from './fork-schedule.ts'

/** Age of the L2's genesis when its first node starts, in seconds: ten minutes of blocks that nobody waits for. */
const defaultGenesisAgeSeconds = 600
/** Seconds between the L1 blocks of that time. */
const l1BlockSeconds = 4

/** An L1 with a beacon API, the L2's contracts and its files; nodes are added by the tests. */
export class InteropNet {
  readonly anvil: Anvil
  readonly beacon: FakeBeacon
  readonly rollupConfig: RollupConfig
  readonly genesis: Record<string, unknown>
  readonly addresses: L1Addresses
  readonly dir: string

  private constructor(parts: Pick<InteropNet, 'anvil' | 'beacon' | 'rollupConfig' | 'genesis' | 'addresses' | 'dir'>) {
    this.anvil = parts.anvil
    this.beacon = parts.beacon
    this.rollupConfig = parts.rollupConfig
    this.genesis = parts.genesis
    this.addresses = parts.addresses
    this.dir = parts.dir
  }

  /** The L1 has mined up to now and goes on with a block a second. `withoutJovian`: an L2 of Isthmus. */
  static async start(
    genesisAgeSeconds = defaultGenesisAgeSeconds,
    { withoutJovian = false }: { readonly withoutJovian?: boolean } = {},
  ): Promise<InteropNet> {
    const now = Math.floor(Date.now() / 1000)
    const anvil = await startAnvil([
      ...['--timestamp', String(now - genesisAgeSeconds), '--slots-in-an-epoch', '16', '--order', 'fifo'],
    ])
    const config = { ...devPreset(), l2BlockTime: 1n }
    const deployerKey = devPrivateKeys[devRoles.owner]
    const { l1Start, addresses } = await deployL1Contracts({ rpcUrl: anvil.url, deployerKey, config })
    const built = await buildGenesis(config, l1Start, addresses)
    const { genesis, rollup, rollupConfig } = withoutJovian ? isthmusOnly(built) : built
    const head = (await anvil.rpc.request('eth_getBlockByNumber', ['latest', false])) as { readonly timestamp: string }
    const count = Math.floor((Math.floor(Date.now() / 1000) - Number(head.timestamp)) / l1BlockSeconds)
    await anvil.rpc.request('anvil_mine', [`0x${count.toString(16)}`, `0x${l1BlockSeconds.toString(16)}`])
    await anvil.rpc.request('evm_setIntervalMining', [1])
    const dir = mkdtempSync(join(tmpdir(), 'openledger-interop-'))
    const net = new InteropNet({
      anvil,
      beacon: await startBeacon(anvil.url),
      rollupConfig,
      genesis,
      addresses,
      dir,
    })
    writeFileSync(net.file('genesis.json'), JSON.stringify(genesis))
    writeFileSync(net.file('rollup.json'), JSON.stringify(rollup))
    writeFileSync(net.file('l1.json'), JSON.stringify(l1ChainConfig(Number(config.l1ChainId))))
    writeFileSync(net.file('jwt.hex'), '07'.repeat(32))
    return net
  }

  file(name: string): string {
    return join(this.dir, name)
  }

  folder(name: string): string {
    const dir = this.file(name)
    mkdirSync(dir, { recursive: true })
    return dir
  }

  /** Its folder, logs included, is removed unless OPENLEDGER_KEEP is set. */
  async stop(): Promise<void> {
    await this.beacon.stop()
    await this.anvil.stop()
    if (process.env['OPENLEDGER_KEEP'] === undefined) rmSync(this.dir, { recursive: true, force: true })
  }
}

/** The chain with Isthmus as its last fork. */
function isthmusOnly(built: BuiltGenesis): BuiltGenesis {
  const times = Object.fromEntries(genesisForks.map((fork) => [fork, fork === 'jovian' ? undefined : 0n]))
  const genesis = withForks(built.genesis, times)
  const hash = bytesToHex(headerHash(genesisHeader(parseGenesis(genesis)).header))
  const { genesis: old, forkTimes } = built.rollupConfig
  const rollupConfig: RollupConfig = {
    ...built.rollupConfig,
    genesis: { ...old, l2: { ...old.l2, hash } },
    forkTimes: { ...forkTimes, jovian: undefined },
  }
  return { genesis, rollup: rollupConfigJson(rollupConfig), rollupConfig }
}

/** op-node's `--rollup.l1-chain-config`: what it needs of an L1 that it does not know, Prague from its first block. */
function l1ChainConfig(chainId: number): unknown {
  const blob = (target: number, max: number, baseFeeUpdateFraction: number) => ({ target, max, baseFeeUpdateFraction })
  return {
    chainId,
    londonBlock: 0,
    shanghaiTime: 0,
    cancunTime: 0,
    pragueTime: 0,
    blobSchedule: { cancun: blob(3, 6, 3_338_477), prague: blob(6, 9, 5_007_716) },
  }
}
