import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, createWalletClient, defineChain, http, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { devPrivateKeys } from '../../../../../common/dev-keys.ts'
import { RpcServer } from '../../../../../common/json-rpc-server.ts'
import { silentLog } from '../../../../../common/log.ts'
import { EmbeddedChain } from '../../../../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../../../../node/engine/embedded/engine.ts'
import { embeddedRpcMethods } from '../../../../../node/engine/embedded/rpc/embedded-rpc.ts'
import { forwardTo } from '../../../../../node/engine/embedded/rpc/sequencer-forward.ts'
import { TxPool } from '../../../../../node/engine/embedded/txpool/tx-pool.ts'
import type { Engine } from '../../../../../node/engine/engine.ts'
import { type Hex, hexToBytes, quantity, zeroHash } from '../../../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../../../protocol/engine-api.ts'
import { parseGenesis } from '../../../../../protocol/genesis-file.ts'
import { type ForkTimes, type Hardfork, hardforks, isActive } from '../../../../../protocol/hardforks.ts'
import { l1InfoDepositOf, l1InfoFormat } from '../../../../../protocol/l1-info.ts'
import { type DepositTx, encodeTransaction } from '../../../../../protocol/transaction.ts'
import { ManualClock } from '../../../../fakes/manual-clock.ts'

export const testChain = defineChain({
  id: 161_201,
  name: 'test',
  nativeCurrency: { name: 'Test', symbol: 'T', decimals: 18 },
  rpcUrls: { default: { http: [] } },
})

export const accounts = devPrivateKeys.map((key) => privateKeyToAccount(key))

/** A chain of the embedded engine with its RPC served over HTTP and WebSocket, as node.ts composes it. */
export class RpcWorld {
  readonly chain: EmbeddedChain
  readonly engine: EmbeddedEngine
  readonly pool: TxPool
  readonly clock: ManualClock
  readonly url: string
  readonly #server: RpcServer
  readonly #dir: string

  private constructor(
    dir: string,
    parts: {
      chain: EmbeddedChain
      engine: EmbeddedEngine
      pool: TxPool
      clock: ManualClock
      server: RpcServer
      port: number
    },
  ) {
    this.#dir = dir
    this.chain = parts.chain
    this.engine = parts.engine
    this.pool = parts.pool
    this.clock = parts.clock
    this.#server = parts.server
    this.url = `127.0.0.1:${parts.port}`
  }

  /**
   * `fork`: the newest, active from genesis on with all before it. `file`: a genesis file to use in place of the small one.
   * `sequencerUrl`: where transactions are handed on.
   */
  static async open({
    fork = 'jovian',
    file,
    sequencerUrl,
  }: {
    readonly fork?: Hardfork
    readonly file?: unknown
    readonly sequencerUrl?: string
  } = {}): Promise<RpcWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'rpc-world-'))
    const genesis = parseGenesis(file ?? genesisJson(fork))
    const chain = await EmbeddedChain.open({ dir, genesis, archive: true }, { log: silentLog })
    const engine = new EmbeddedEngine(chain, { log: silentLog })
    const clock = new ManualClock()
    const pool = new TxPool({ forkTimes: genesis.forkTimes }, { chain, clock, log: silentLog })
    const log = silentLog
    const forward = sequencerUrl === undefined ? undefined : forwardTo(sequencerUrl, { log })
    const methods = embeddedRpcMethods({ clientVersion: 'openledger/test' }, { chain, pool, forward, clock, log })
    const server = new RpcServer({ host: '127.0.0.1', port: 0, websocket: true }, { methods, log: silentLog })
    return new RpcWorld(dir, { chain, engine, pool, clock, server, port: await server.start() })
  }

  async close(): Promise<void> {
    await this.#server.stop()
    this.pool.stop()
    await this.engine.stop()
    await this.chain.close()
    await rm(this.#dir, { recursive: true })
  }

  publicClient() {
    return createPublicClient({
      chain: testChain,
      transport: http(`http://${this.url}`),
      pollingInterval: 10,
      cacheTime: 0,
    })
  }

  socketClient() {
    return createPublicClient({
      chain: testChain,
      transport: webSocket(`ws://${this.url}`, { reconnect: false, keepAlive: false }),
    })
  }

  walletClient(index: number) {
    const account = accounts[index]
    if (account === undefined) throw new Error(`no account ${index}`)
    return createWalletClient({ account, chain: testChain, transport: http(`http://${this.url}`) })
  }

  /** One JSON-RPC call with its error as it stands on the wire. */
  async rpc(method: string, ...params: unknown[]) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(`http://${this.url}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    })
    return (await response.json()) as {
      result?: unknown
      error?: { readonly code: number; readonly message: string; readonly data?: unknown }
    }
  }

  /** Builds the next block from the pool, or on `parent`, and makes it the head. */
  async mine(
    options: {
      readonly parent?: Hex
      readonly engine?: Engine
      readonly deposits?: readonly DepositTx[]
      readonly noTxPool?: boolean
    } = {},
  ): Promise<PayloadEnvelope> {
    const parent = options.parent === undefined ? this.chain.head('latest') : this.chain.blockByHash(options.parent)
    if (parent === undefined) throw new Error('no such parent')
    const safeBlockHash = this.chain.canonicalHash(0n) ?? zeroHash
    const forkchoice = (headBlockHash: Hex) => ({ headBlockHash, safeBlockHash, finalizedBlockHash: safeBlockHash })
    const engine = options.engine ?? this.engine
    const timestamp = parent.header.timestamp + 2n
    const has = (fork: Hardfork) => isActive(this.chain.genesis.forkTimes, fork, timestamp)
    const transactions = [
      attributesDeposit(parent.header.number, this.chain.genesis.forkTimes),
      ...(options.deposits ?? []),
    ]
    const { payloadId, payloadStatus } = await engine.forkchoiceUpdated(forkchoice(parent.hash), {
      timestamp,
      prevRandao: zeroHash,
      suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
      ...(has('canyon') ? { withdrawals: [] as const } : {}),
      ...(has('ecotone') ? { parentBeaconBlockRoot: zeroHash } : {}),
      transactions: transactions.map(encodeTransaction),
      noTxPool: options.noTxPool ?? false,
      gasLimit: 30_000_000n,
      ...(has('holocene') ? { eip1559Params: '0x0000000000000000' } : {}),
      ...(has('jovian') ? { minBaseFee: 0n } : {}),
    })
    if (payloadId === undefined) throw new Error(`no payload: ${JSON.stringify(payloadStatus)}`)
    const envelope = await engine.getPayload(payloadId)
    const { status } = await engine.newPayload(envelope)
    if (status !== 'VALID') throw new Error(status)
    await engine.forkchoiceUpdated(forkchoice(envelope.executionPayload.blockHash))
    return envelope
  }
}

function attributesDeposit(number: bigint, times: ForkTimes): DepositTx {
  const info = {
    format: l1InfoFormat({ forkTimes: times, blockTime: 2n }, 1_700_000_002n + 2n * number),
    number: number + 1n,
    timestamp: number,
    baseFee: 1_000_000_000n,
    blockHash: `0x${'11'.repeat(32)}` as Hex,
    sequenceNumber: number,
    batcherAddr: zeroHash,
    overhead: zeroHash,
    scalar: zeroHash,
    baseFeeScalar: 5_227,
    blobBaseFeeScalar: 1_014_213,
    blobBaseFee: 1n,
    operatorFeeScalar: 0,
    operatorFeeConstant: 0n,
    daFootprintGasScalar: 400,
  }
  return l1InfoDepositOf({ ...info, batcherAddr: `0x${'00'.repeat(20)}` }, true)
}

/** Every fork through `fork` at genesis. L1Block is a contract that keeps what its storage holds and does nothing. */
function genesisJson(fork: Hardfork) {
  const word = (value: bigint) => `0x${value.toString(16).padStart(64, '0')}`
  const funded = accounts.map(({ address }) => [address, { balance: quantity(10n ** 24n) }])
  const forks = hardforks.slice(1, hardforks.indexOf(fork) + 1)
  const isHolocene = forks.includes('holocene')
  const isJovian = forks.includes('jovian')
  return {
    config: {
      chainId: testChain.id,
      ...Object.fromEntries(forks.map((fork) => [`${fork}Time`, 0])),
      optimism: { eip1559Elasticity: 6, eip1559Denominator: 50, eip1559DenominatorCanyon: 250 },
    },
    timestamp: quantity(1_700_000_000),
    gasLimit: quantity(30_000_000),
    baseFeePerGas: quantity(1_000_000_000),
    extraData: isJovian ? '0x01000000fa000000060000000000000000' : isHolocene ? '0x00000000fa00000006' : '0x',
    alloc: {
      ...Object.fromEntries(funded),
      '0x4200000000000000000000000000000000000015': {
        balance: '0x0',
        code: '0x00',
        storage: {
          [word(1n)]: word(1_000_000_000n),
          [word(3n)]: word((5_227n << 96n) | (1_014_213n << 64n)),
          [word(7n)]: word(1n),
        },
      },
    },
  }
}

/** A user deposit from L1. */
export function userDeposit(fields: Partial<DepositTx>): DepositTx {
  return {
    type: 0x7e,
    sourceHash: hexToBytes(`0x${'22'.repeat(32)}`),
    from: hexToBytes(`0x${'33'.repeat(20)}`),
    to: hexToBytes(`0x${'44'.repeat(20)}`),
    mint: 0n,
    value: 0n,
    gasLimit: 100_000n,
    isSystemTx: false,
    data: new Uint8Array(0),
    ...fields,
  }
}
