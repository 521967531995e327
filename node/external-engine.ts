import type { Clock } from '../common/clock.ts'
import { errorMessage } from '../common/errors.ts'
import { HttpRpcClient, RpcError } from '../common/json-rpc.ts'
import type { Log } from '../common/log.ts'
import { type Backoff, retry } from '../common/retry.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { checkChainId } from './chain-checks.ts'
import { type Engine, EngineError } from './engine/engine.ts'
import { engineMethods } from './engine/http/capabilities.ts'
import { HttpEngine } from './engine/http/http-engine.ts'
import { jwtToken } from './engine/jwt.ts'
import { NodeError } from './node-error.ts'
import type { EngineOptions } from './node-options.ts'

/** An external engine may take half a minute to come up beside the node. */
const engineBackoff: Backoff = { firstMs: 500, maxMs: 5_000, attemptsMax: 10 }
/** Time for an answer to `eth_*`; logs of many blocks take the longest. */
const ethTimeoutMs = 30_000

type Parts = { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }

/**
 * Waits for the engine behind `--l2` and checks that it is of this chain and can serve its forks. Throws NodeError:
 * `no-engine`, `engine-refuses`, `wrong-chain`, `wrong-genesis`, `engine-too-old`.
 */
export async function reachEngine(
  config: RollupConfig,
  { url, jwtSecret }: EngineOptions & { kind: 'http' },
  { clock, log, signal }: Parts,
): Promise<Engine> {
  const engine = new HttpEngine({ url, jwtSecret, forkTimes: config.forkTimes }, { clock })
  const ask = async () => {
    try {
      return await engine.chainId()
    } catch (error) {
      log.warn('the engine is not reachable', { error: errorMessage(error) })
      throw error
    }
  }
  const chainId = await retry(ask, engineBackoff, { clock, signal, isFinal }).catch((cause: unknown) => {
    if (isRefused(cause)) throw new NodeError('engine-refuses', errorMessage(cause), { cause })
    throw new NodeError('no-engine', 'the engine does not answer; check --l2', { cause })
  })
  checkChainId('engine', config.l2ChainId, chainId)
  await checkEngineGenesis(config, engine)
  await checkCapabilities(config, engine, { clock, log })
  return engine
}

/** `eth_*` of the engine, which engines serve beside the Engine API. */
export function engineRpc({ url, jwtSecret }: EngineOptions & { kind: 'http' }, clock: Clock): HttpRpcClient {
  const headers = () => ({ authorization: `Bearer ${jwtToken(jwtSecret, Math.floor(clock.nowMs() / 1000))}` })
  return new HttpRpcClient({ url, timeoutMs: ethTimeoutMs, headers })
}

/** An answer that is an error (a refused token, say) will not change by asking again. */
function isFinal(error: unknown): boolean {
  return isRefused(error) || (error instanceof Error && error.cause instanceof RpcError)
}

function isRefused(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'unauthorized'
}

async function checkEngineGenesis({ genesis }: RollupConfig, engine: Engine): Promise<void> {
  const first = await engine.payloadByNumber(genesis.l2.number)
  const hash = first?.executionPayload.blockHash
  // An engine may have dropped its old blocks; then the heads are checked against L1 alone.
  if (hash === undefined || hash === genesis.l2.hash) return
  throw new NodeError(
    'wrong-genesis',
    `the engine has ${hash} at ${genesis.l2.number}, the rollup config begins at ${genesis.l2.hash}; initialise it with this chain’s genesis.json`,
  )
}

async function checkCapabilities(
  { forkTimes }: RollupConfig,
  engine: HttpEngine,
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
): Promise<void> {
  const offered = await engine.capabilities()
  if (offered === undefined) return log.warn('the engine does not say what it can do; going on')
  const missing = engineMethods(forkTimes).filter(({ method }) => !offered.includes(method))
  const nowSeconds = BigInt(Math.floor(clock.nowMs() / 1_000))
  const now = missing.filter(({ since }) => since <= nowSeconds)
  for (const { method, fork, since } of missing.filter((one) => !now.includes(one))) {
    log.warn('the engine must be upgraded before the fork', { method, fork, since })
  }
  if (now.length === 0) return
  const names = now.map(({ method, fork }) => `${method} (${fork})`).join(', ')
  throw new NodeError('engine-too-old', `the engine lacks ${names}: upgrade it`)
}
