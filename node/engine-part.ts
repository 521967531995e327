import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { inProcessRpc, type L2Rpc } from '../chain/ledger/l2-rpc.ts'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import { RpcServer } from '../common/json-rpc-server.ts'
import type { Log } from '../common/log.ts'
import { type Genesis, genesisHeader, parseGenesis } from '../protocol/genesis-file.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { create2DeployerCodeOf } from '../protocol/upgrade-txs.ts'
import { checkGenesis } from './chain-checks.ts'
import { EmbeddedChain } from './engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from './engine/embedded/engine.ts'
import { embeddedRpcMethods } from './engine/embedded/rpc/embedded-rpc.ts'
import { minerMethods } from './engine/embedded/rpc/miner-methods.ts'
import { forwardTo } from './engine/embedded/rpc/sequencer-forward.ts'
import { TxPool } from './engine/embedded/txpool/tx-pool.ts'
import type { Engine } from './engine/engine.ts'
import { engineApiMethods } from './engine/http/engine-api-methods.ts'
import { jwtAuthorizer } from './engine/jwt.ts'
import { engineRpc, reachEngine } from './external-engine.ts'
import { listen } from './listen.ts'
import { NodeError } from './node-error.ts'
import type { EngineOptions, NodeOptions } from './node-options.ts'
import { nodeVersion } from './rpc/version.ts'

export type EnginePart = {
  readonly engine: Engine
  /** The engine's `eth_*`. */
  readonly rpc: L2Rpc
  /** Ports in use: the public `eth_*` JSON-RPC and the Engine API, of the embedded engine. */
  readonly ports: { readonly eth?: number; readonly engine?: number }
}

/** What the embedded engine needs to know of its chain. */
export type ChainOptions = Pick<NodeOptions, 'dataDir' | 'rollupConfig' | 'genesis' | 'upgradeTransactions'>

type Parts = { readonly clock: Clock; readonly log: Log; readonly registry: Registry; readonly signal: AbortSignal }

/** Opens the embedded engine with its servers, or reaches the external one. Throws NodeError and the engine's own errors. */
export async function openEngine(options: NodeOptions, parts: Parts, closers: Closers): Promise<EnginePart> {
  const { engine } = options
  if (engine.kind === 'http') {
    const reached = await reachEngine(options.rollupConfig, engine, parts)
    return { engine: reached, rpc: engineRpc(engine, parts.clock), ports: {} }
  }
  return openEmbedded(options, engine, parts, closers)
}

/** Opens the embedded engine and its servers. Throws NodeError and the engine's own errors. */
export async function openEmbedded(
  { rollupConfig, genesis: file, dataDir, upgradeTransactions }: ChainOptions,
  options: EngineOptions & { kind: 'embedded' },
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  closers: Closers,
): Promise<EnginePart> {
  if (file === undefined) throw new NodeError('no-genesis', 'the embedded engine needs the chain’s genesis.json')
  const { forkTimes } = rollupConfig
  const genesis = genesisOf(rollupConfig, file)
  checkGenesis(rollupConfig, genesis, genesisHeader(genesis).header)
  const chain = await EmbeddedChain.open(
    {
      dir: engineDir(dataDir),
      genesis,
      archive: options.archive,
      create2DeployerCode: upgradeTransactions === undefined ? undefined : create2DeployerCodeOf(upgradeTransactions),
    },
    { log },
  )
  closers.add('engine', () => chain.close())
  const pool = new TxPool({ forkTimes }, { chain, clock, log })
  closers.add('transaction pool', () => pool.stop())
  const engine = new EmbeddedEngine(chain, { log })
  closers.add('block building', () => engine.stop())
  const forward = options.sequencerUrl === undefined ? undefined : forwardTo(options.sequencerUrl, { log })
  const methods = embeddedRpcMethods({ clientVersion: nodeVersion }, { chain, pool, forward, clock, log })
  const server = new RpcServer({ ...options.rpc, websocket: true, corsOrigin: '*' }, { methods, log })
  const eth = await listen(server, options.rpc, 'eth JSON-RPC')
  closers.add('eth rpc', () => server.stop())
  if (options.auth === undefined) return { engine, rpc: inProcessRpc(methods), ports: { eth } }
  const { host, port, jwtSecret } = options.auth
  const authMethods = {
    ...methods,
    ...minerMethods(engine),
    ...engineApiMethods({ forkTimes, version: nodeVersion }, engine),
  }
  const authorize = jwtAuthorizer(jwtSecret, clock)
  const authServer = new RpcServer({ host, port, authorize, websocket: true }, { methods: authMethods, log })
  const enginePort = await listen(authServer, options.auth, 'Engine API')
  closers.add('engine rpc', () => authServer.stop())
  return { engine, rpc: inProcessRpc(methods), ports: { eth, engine: enginePort } }
}

/** Where a node's embedded engine keeps its chain. */
export const engineDir = (dataDir: string) => join(dataDir, 'engine')

/** Parses a genesis file. Throws FormatError. */
export function genesisOf({ l2ChainId: chainId, forkTimes, feeConstants }: RollupConfig, file: unknown): Genesis {
  return hasConfig(file) ? parseGenesis(file) : parseGenesis(file, { chainId, forkTimes, feeConstants })
}

/** The superchain registry's genesis files have `config: null`; then the rollup config says the forks. */
function hasConfig(file: unknown): boolean {
  return typeof file === 'object' && file !== null && 'config' in file && file.config !== null
}
