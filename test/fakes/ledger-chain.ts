import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CallReverted, callContract } from '../../chain/ledger/l2-calls.ts'
import { inProcessRpc, type L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { encodeCall, type MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { Serial } from '../../common/serial.ts'
import { buildGenesis } from '../../genesis/build-genesis.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import { devPreset } from '../../genesis/presets.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { embeddedRpcMethods } from '../../node/engine/embedded/rpc/embedded-rpc.ts'
import { TxPool } from '../../node/engine/embedded/txpool/tx-pool.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { l1InfoDepositOf } from '../../protocol/l1-info.ts'
import { privateKeyAddress, signDigest } from '../../protocol/secp256k1.ts'
import { encodeTransaction, signTransaction } from '../../protocol/transaction.ts'
import type { Actor } from './money-chain.ts'

type Head = { readonly number: bigint; readonly hash: Hex }

/** Accounts that hold 100,000 OPEN from the first block on, by name. */
const names = [
  'alice',
  'bob',
  'worker',
  'second worker',
  'datanet owner',
  'model owner',
  'attributor',
  'watcher',
  'third worker',
  'checker',
  'second checker',
  'third checker',
  'fourth checker',
  'fifth checker',
  'sixth checker',
] as const
export type AccountName = (typeof names)[number]
const built: { genesis?: Promise<unknown> } = {}

/** The embedded engine with the dev genesis, whose blocks a test builds: what a role sees of a chain, clock and reorgs included. */
export class LedgerChain {
  readonly chain: EmbeddedChain
  readonly rpc: L2Rpc
  readonly #engine: EmbeddedEngine
  readonly #pool: TxPool
  readonly #dir: string
  /** Number of the L1 block that new blocks name as their origin, whose prevRandao is theirs; undefined: they name none. */
  origin: bigint | undefined
  /** Seconds that the next block comes later than 2 s. */
  readonly #deposits: Uint8Array[] = []
  #later = 0n
  readonly #mining = new Serial()

  private constructor(dir: string, chain: EmbeddedChain) {
    this.#dir = dir
    this.chain = chain
    this.#engine = new EmbeddedEngine(chain, { log: silentLog })
    this.#pool = new TxPool({ forkTimes: chain.genesis.forkTimes }, { chain, clock: systemClock, log: silentLog })
    const parts = { chain, pool: this.#pool, forward: undefined, clock: systemClock, log: silentLog }
    this.rpc = inProcessRpc(embeddedRpcMethods({ clientVersion: 'openledger/test' }, parts))
  }

  /** `change`: what another deploy config has than the dev preset. */
  static async open(change?: Partial<DeployConfig>): Promise<LedgerChain> {
    if (change === undefined) built.genesis ??= devGenesis()
    const dir = await mkdtemp(join(tmpdir(), 'ledger-chain-'))
    const genesis = parseGenesis(await (change === undefined ? built.genesis : devGenesis(change)))
    return new LedgerChain(dir, await EmbeddedChain.open({ dir, genesis, archive: true }, { log: silentLog }))
  }

  async close(): Promise<void> {
    this.#pool.stop()
    await this.#engine.stop()
    await this.chain.close()
    await rm(this.#dir, { recursive: true })
  }

  /** Where it keeps its blocks. */
  get dir(): string {
    return this.#dir
  }

  get head(): Head {
    const { header, hash } = this.chain.latest()
    return { number: header.number, hash }
  }

  /** Unix time in seconds of the block about to be built. */
  get now(): bigint {
    return this.chain.latest().header.timestamp + 2n + this.#later
  }

  get firstHash(): Hex {
    return this.chain.canonicalHash(0n) ?? zeroHash
  }

  actor(name: AccountName): Actor & { readonly key: Hex } {
    const key = keyOf(name)
    const sign = (digest: Uint8Array) => {
      const { rs, yParity } = signDigest(digest, key)
      const vs = uintBytes(BigInt(bytesToHex(rs.subarray(32))) | (BigInt(yParity) << 255n), 32)
      const r = rs.slice(0, 32)
      return { r: bytesToHex(r), vs: bytesToHex(vs), bytes: concatBytes(r, vs) }
    }
    return { address: addressOf(name), key: bytesToHex(key), sign }
  }

  /** Lets the next block come so many seconds later. */
  advance(seconds: bigint | number): void {
    this.#later += BigInt(seconds)
  }

  /** Has the next block begin with a call from any account, as a deposit is. */
  async deposit(from: Hex, contract: MoneyContract, functionName: string, args: readonly unknown[]): Promise<void> {
    const { to, data } = encodeCall({ contract, functionName, args })
    const sourceHash = keccak256(hexToBytes(data))
    const amounts = { mint: 0n, value: 0n, gasLimit: 8_000_000n, isSystemTx: false }
    const tx = { type: 0x7e as const, sourceHash, from: hexToBytes(from), to: hexToBytes(to), ...amounts }
    this.#deposits.push(encodeTransaction({ ...tx, data: hexToBytes(data) }))
    await this.mine()
  }

  /** Builds the next block from the pool, or an empty one on `parent`, and makes it the head; one at a time. */
  mine(onParent?: Hex): Promise<Head> {
    return this.#mining.run(() => this.#mine(onParent))
  }

  async #mine(onParent?: Hex): Promise<Head> {
    const parent = onParent ?? this.chain.latest().hash
    const { header } = this.chain.blockByHash(parent) ?? this.chain.latest()
    const first = this.firstHash
    const heads = (head: Hex) => ({ headBlockHash: head, safeBlockHash: first, finalizedBlockHash: first })
    const { payloadId } = await this.#engine.forkchoiceUpdated(heads(parent), {
      timestamp: header.timestamp + 2n + this.#later,
      prevRandao: this.origin === undefined ? zeroHash : bytesToHex(uintBytes(this.origin, 32)),
      suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
      withdrawals: [],
      parentBeaconBlockRoot: zeroHash,
      transactions: [...(this.origin === undefined ? [] : [originDeposit(this.origin)]), ...this.#deposits.splice(0)],
      noTxPool: onParent !== undefined,
      gasLimit: 30_000_000n,
      eip1559Params: '0x0000000000000000',
      minBaseFee: 0n,
    })
    if (payloadId === undefined) throw new Error('no block was begun')
    this.#later = 0n
    const envelope = await this.#engine.getPayload(payloadId)
    const { status, validationError } = await this.#engine.newPayload(envelope)
    if (status !== 'VALID') throw new Error(`${status}: ${validationError}`)
    await this.#engine.forkchoiceUpdated(heads(envelope.executionPayload.blockHash))
    return this.head
  }

  /** Replaces the last `depth` blocks by empty ones, one more than before. */
  async reorg(depth: number): Promise<Head> {
    const fork = this.head.number - BigInt(depth)
    let parent = this.chain.canonicalHash(fork) ?? zeroHash
    // A later time makes the first new block another one than the first replaced.
    this.advance(1)
    for (let i = 0; i <= depth; i++) parent = (await this.mine(parent)).hash
    return this.head
  }

  /** One transaction in a block of its own. Throws {@link CallReverted}. */
  async send(
    from: Actor,
    contract: MoneyContract,
    functionName: string,
    args: readonly unknown[] = [],
    { value = 0n }: { readonly value?: bigint } = {},
  ): Promise<{ readonly result: unknown; readonly block: Head; readonly txHash: Hex }> {
    const call = { contract, functionName, args, value }
    const { to, data } = encodeCall(call)
    const result = await callContract(this.rpc, call, from.address).catch((error: unknown) => {
      // Time may make it right in the block to come.
      if (!(error instanceof CallReverted)) throw error
      return undefined
    })
    return { result, ...(await this.sendRaw(from, to, hexToBytes(data), value)) }
  }

  /** Sends wei in a block of its own. */
  async transfer(from: Actor, to: Hex, value: bigint): Promise<void> {
    await this.sendRaw(from, to, new Uint8Array(0), value)
  }

  /** One transaction of that calldata in a block of its own. */
  async sendRaw(from: Actor, to: Hex, data: Uint8Array, value = 0n): Promise<{ block: Head; txHash: Hex }> {
    const nonce = BigInt((await this.rpc.request('eth_getTransactionCount', [from.address, 'latest'])) as string)
    const tx = {
      ...{ type: 2 as const, chainId: this.chain.genesis.chainId, nonce, gasLimit: 8_000_000n, value, accessList: [] },
      ...{ maxPriorityFeePerGas: 1_000_000n, maxFeePerGas: 10n ** 11n, yParity: 0 as const, r: 0n, s: 0n },
      ...{ to: hexToBytes(to), data },
    }
    const name = names.find((known) => addressOf(known) === from.address)
    if (name === undefined) throw new Error(`${from.address} is no account of this chain`)
    const raw = bytesToHex(encodeTransaction(signTransaction(tx, keyOf(name))))
    const txHash = (await this.rpc.request('eth_sendRawTransaction', [raw])) as Hex
    const block = await this.mine()
    const receipt = (await this.rpc.request('eth_getTransactionReceipt', [txHash])) as { status: string } | null
    if (receipt?.status !== '0x1') throw new Error(`${txHash} to ${to} failed in block ${block.number}`)
    return { block, txHash }
  }

  async read(contract: MoneyContract, functionName: string, args: readonly unknown[] = []): Promise<unknown> {
    return await callContract(this.rpc, { contract, functionName, args })
  }

  async balance(address: Hex): Promise<bigint> {
    return BigInt((await this.rpc.request('eth_getBalance', [address, 'latest'])) as string)
  }
}

async function devGenesis(change: Partial<DeployConfig> = {}): Promise<unknown> {
  const preset = devPreset()
  const balance = 100_000n * 10n ** 18n
  const fundedAccounts = [...preset.fundedAccounts, ...names.map((name) => ({ address: addressOf(name), balance }))]
  const config = { ...preset, fundedAccounts, attributor: addressOf('attributor'), ...change }
  const start = { hash: zeroHash, number: 0n, timestamp: 1_700_000_000n }
  const at = (n: number): Hex => `0x${n.toString(16).padStart(40, 'b')}`
  const l1 = { systemConfig: at(1), optimismPortal: at(2), l2OutputOracle: at(3), openBridge: at(4), openToken: at(5) }
  return (await buildGenesis(config, start, l1)).genesis
}

/** The deposit that tells a block's origin. */
function originDeposit(number: bigint): Uint8Array {
  const info = {
    ...{ format: 'jovian' as const, number, timestamp: 1_700_000_000n, baseFee: 1n, sequenceNumber: 0n },
    ...{ blockHash: bytesToHex(uintBytes(number, 32)), batcherAddr: bytesToHex(new Uint8Array(20)) },
    ...{ overhead: zeroHash, scalar: zeroHash, baseFeeScalar: 0, blobBaseFeeScalar: 0, blobBaseFee: 1n },
    ...{ operatorFeeScalar: 0, operatorFeeConstant: 0n, daFootprintGasScalar: 400 },
  }
  return encodeTransaction(l1InfoDepositOf(info, true))
}

function keyOf(name: string): Uint8Array {
  return keccak256(new TextEncoder().encode(`actor ${name}`))
}

function addressOf(name: string): Hex {
  return bytesToHex(privateKeyAddress(keyOf(name)))
}
