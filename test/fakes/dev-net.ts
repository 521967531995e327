import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { createLog, silentLog } from '../../common/log.ts'
import { buildGenesis } from '../../genesis/build-genesis.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { deployL1Contracts, type L1Addresses } from '../../genesis/deploy-l1.ts'
import { devPreset, devRoles } from '../../genesis/presets.ts'
import { type RunningNode, startNode } from '../../node/node.ts'
import type { NodeOptions, P2pOptions } from '../../node/node-options.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { type Anvil, startAnvil } from './anvil.ts'

/** Set to see the nodes' logs. */
const log =
  process.env['TEST_LOG'] === undefined
    ? silentLog
    : createLog({ level: 'debug', format: 'text', write: (line) => process.stderr.write(line) })

/** An anvil with a deployed L2 beside it, and nodes on demand. */
export class DevNet {
  readonly anvil: Anvil
  readonly rollupConfig: RollupConfig
  readonly addresses: L1Addresses
  readonly #genesis: unknown
  readonly #folder: string
  readonly #nodes = new Set<DevNode>()

  private constructor(parts: {
    readonly anvil: Anvil
    readonly rollupConfig: RollupConfig
    readonly addresses: L1Addresses
    readonly genesis: unknown
    readonly folder: string
  }) {
    this.anvil = parts.anvil
    this.rollupConfig = parts.rollupConfig
    this.addresses = parts.addresses
    this.#genesis = parts.genesis
    this.#folder = parts.folder
  }

  /** L1 blocks come once a second unless `anvilArgs` say otherwise; L1 finality is 64 blocks behind. */
  static async start(
    anvilArgs: readonly string[] = ['--block-time', '1'],
    change: Partial<DeployConfig> = {},
  ): Promise<DevNet> {
    const anvil = await startAnvil(['--slots-in-an-epoch', '32', ...anvilArgs])
    const config = { ...devPreset(), l2BlockTime: 1n, ...change }
    const deployerKey = devPrivateKeys[devRoles.owner]
    const { l1Start, addresses } = await deployL1Contracts({ rpcUrl: anvil.url, deployerKey, config })
    const { genesis, rollupConfig } = await buildGenesis(config, l1Start, addresses)
    const folder = await mkdtemp(join(tmpdir(), 'dev-net-'))
    return new DevNet({ anvil, rollupConfig, addresses, genesis, folder })
  }

  options(name: string, change: Partial<NodeOptions> = {}): NodeOptions {
    return {
      dataDir: join(this.#folder, name),
      rollupConfig: this.rollupConfig,
      genesis: this.#genesis,
      l1: { urls: [this.anvil.url], beaconUrls: [this.anvil.url], trustRpc: false, pollIntervalMs: 200, confs: 0 },
      engine: { kind: 'embedded', archive: true, rpc: { host: '127.0.0.1', port: 0 } },
      rpc: { host: '127.0.0.1', port: 0, enableAdmin: true },
      metrics: true,
      ...change,
    }
  }

  sequencerOptions(name = 'sequencer', change: Partial<NodeOptions> = {}): NodeOptions {
    return this.options(name, {
      sequencer: { stopped: false, l1Confs: 1, maxSafeLag: 0, recoverMode: false },
      batcher: {
        key: devPrivateKeys[devRoles.batcher],
        pollIntervalMs: 300,
        maxChannelDuration: 2,
        confirmations: 1,
        resubmissionTimeoutMs: 4_000,
      },
      ...change,
    })
  }

  /** Loopback, any port, no discovery; `signs`: with the key that L1 names. */
  p2p(name: string, change: Partial<P2pOptions> & { readonly signs?: boolean } = {}): P2pOptions {
    const { signs = false, ...rest } = change
    const folder = join(this.#folder, name, 'p2p')
    return {
      privateKeyPath: join(folder, 'priv.txt'),
      listen: { ip: '127.0.0.1', tcp: 0, udp: 0 },
      advertise: { tcp: 0, udp: 0 },
      staticPeers: [],
      discovery: false,
      bootnodes: [],
      netRestrict: [],
      peers: { lo: 20, hi: 30, graceMs: 30_000 },
      banMs: 3_600_000,
      banScore: -100,
      peerstorePath: join(folder, 'peerstore'),
      discoveryPath: join(folder, 'discovery'),
      reqResp: true,
      gossipAgeSecondsMax: 60,
      agent: 'openledger',
      ...(signs ? { signerKey: devPrivateKeys[devRoles.unsafeBlockSigner] } : {}),
      ...rest,
    }
  }

  get folder(): string {
    return this.#folder
  }

  async node(options: NodeOptions): Promise<DevNode> {
    const running = await startNode(options, { log, clock: systemClock })
    const node = new DevNode(running, () => this.#nodes.delete(node))
    this.#nodes.add(node)
    return node
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#nodes].map((node) => node.stop()))
    await this.anvil.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** A running node with clients for its ports. */
export class DevNode {
  readonly running: RunningNode
  readonly rollup: HttpRpcClient
  readonly eth: HttpRpcClient
  readonly url: string
  readonly #onStop: () => void

  constructor(running: RunningNode, onStop: () => void) {
    this.running = running
    this.url = `http://127.0.0.1:${running.ports.rpc}`
    this.rollup = new HttpRpcClient({ url: this.url, timeoutMs: 10_000 })
    this.eth = new HttpRpcClient({ url: `http://127.0.0.1:${running.ports.eth}`, timeoutMs: 10_000 })
    this.#onStop = onStop
  }

  async stop(): Promise<void> {
    this.#onStop()
    await this.running.stop()
  }

  /** Resolves when `isTrue` holds; rejects with the heads when the node ends or the time is up. */
  async until(isTrue: (heads: { unsafe: bigint; safe: bigint; finalized: bigint }) => boolean, msMax = 60_000) {
    const end = Date.now() + msMax
    for (;;) {
      const { unsafeL2, safeL2, finalizedL2, currentL1, headL1 } = this.running.syncStatus()
      const heads = { unsafe: unsafeL2.number, safe: safeL2.number, finalized: finalizedL2.number }
      if (isTrue(heads)) return this.running.syncStatus()
      if (Date.now() > end) {
        throw new Error(
          `still unsafe ${heads.unsafe}, safe ${heads.safe}, finalized ${heads.finalized}, L1 ${currentL1?.number} of ${headL1?.number}`,
        )
      }
      await Promise.race([new Promise((done) => setTimeout(done, 50)), this.running.finished])
    }
  }

  /** A multiaddr of the node with its peer id. */
  async p2pAddress(): Promise<string> {
    const { addresses } = (await this.rollup.request('opp2p_self', [])) as { readonly addresses: readonly string[] }
    return addresses[0] ?? ''
  }

  async blockHash(number: bigint): Promise<unknown> {
    const block = await this.eth.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
    return typeof block === 'object' && block !== null && 'hash' in block ? block.hash : block
  }
}
