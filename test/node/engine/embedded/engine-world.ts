import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CustomPrecompile } from '@ethereumjs/evm'
import { silentLog } from '../../../../common/log.ts'
import { EmbeddedChain } from '../../../../node/engine/embedded/chain/chain.ts'
import type { StatesKept } from '../../../../node/engine/embedded/chain/pruner.ts'
import type { PooledTransaction, TransactionSource } from '../../../../node/engine/embedded/chain-view.ts'
import { EmbeddedEngine } from '../../../../node/engine/embedded/engine.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../../../protocol/engine-api.ts'
import type { Genesis, GenesisAccount } from '../../../../protocol/genesis-file.ts'
import { type ForkTimes, type Hardfork, hardforks, isActive } from '../../../../protocol/hardforks.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { privateKeyAddress } from '../../../../protocol/secp256k1.ts'
import {
  type DepositTx,
  encodeTransaction,
  type FeeMarketTx,
  signTransaction,
} from '../../../../protocol/transaction.ts'

export const chainId = 161_201n
export const key = (n: number): Uint8Array => new Uint8Array(32).fill(n)
export const addressOf = (n: number): Uint8Array => privateKeyAddress(key(n))
export const ether = 10n ** 18n
export const contractAt = (n: number): Uint8Array => hexToBytes(`0x${n.toString(16).padStart(40, '0')}`)

/** All forks up to `last` active from the start. */
export function forksUntil(last: Hardfork): ForkTimes {
  const active = hardforks.slice(1, hardforks.indexOf(last) + 1)
  return Object.fromEntries(active.map((fork) => [fork, 0n]))
}

export function account(address: Uint8Array, fields: Partial<GenesisAccount> = {}): GenesisAccount {
  return { address, nonce: 0n, balance: 0n, code: new Uint8Array(0), storage: [], ...fields }
}

export function genesisWith(forkTimes: ForkTimes, alloc: readonly GenesisAccount[] = []): Genesis {
  const isHolocene = isActive(forkTimes, 'holocene', 1_000n)
  const isJovian = isActive(forkTimes, 'jovian', 1_000n)
  const holocene = '0x00000000fa00000006'
  return {
    chainId,
    forkTimes,
    feeConstants: { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n },
    number: 0n,
    timestamp: 1_000n,
    gasLimit: 30_000_000n,
    gasUsed: 0n,
    difficulty: 0n,
    coinbase: contractAt(0),
    parentHash: new Uint8Array(32),
    prevRandao: new Uint8Array(32),
    nonce: new Uint8Array(8),
    extraData: isJovian
      ? hexToBytes('0x01000000fa000000060000000000000000')
      : isHolocene
        ? hexToBytes(holocene)
        : new Uint8Array(0),
    baseFeePerGas: 1_000_000_000n,
    alloc: [...[1, 2, 3].map((n) => account(addressOf(n), { balance: 1_000n * ether })), ...alloc],
  }
}

type ChainOptions = {
  readonly statesKept?: StatesKept
  readonly customPrecompiles?: readonly CustomPrecompile[]
}

/** An engine with a chain in a folder of its own. */
export class EngineWorld {
  readonly dir: string
  readonly genesis: Genesis
  readonly #options: ChainOptions
  chain: EmbeddedChain
  engine: EmbeddedEngine

  private constructor(genesis: Genesis, dir: string, options: ChainOptions, chain: EmbeddedChain) {
    this.genesis = genesis
    this.dir = dir
    this.#options = options
    this.chain = chain
    this.engine = new EmbeddedEngine(chain, { log: silentLog })
  }

  /** An archive, unless it is told how many states to keep. */
  static async open(genesis: Genesis, options: ChainOptions & { readonly dir?: string } = {}): Promise<EngineWorld> {
    const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'embedded-engine-'))
    return new EngineWorld(genesis, dir, options, await openChain(genesis, dir, options))
  }

  async reopen(): Promise<void> {
    this.chain = await openChain(this.genesis, this.dir, this.#options)
    this.engine = new EmbeddedEngine(this.chain, { log: silentLog })
  }

  async close(): Promise<void> {
    await this.engine.stop()
    await this.chain.close()
  }

  attributes(transactions: readonly Uint8Array[] = [], fields: Partial<PayloadAttributes> = {}): PayloadAttributes {
    const { forkTimes } = this.genesis
    const timestamp = fields.timestamp ?? this.chain.latest().header.timestamp + 2n
    const active = (fork: Hardfork) => isActive(forkTimes, fork, timestamp)
    return {
      timestamp,
      prevRandao: zeroHash,
      suggestedFeeRecipient: '0x4200000000000000000000000000000000000011',
      ...(active('canyon') ? { withdrawals: [] as const } : {}),
      ...(active('ecotone') ? { parentBeaconBlockRoot: zeroHash } : {}),
      transactions,
      noTxPool: true,
      gasLimit: 30_000_000n,
      ...(active('holocene') ? { eip1559Params: '0x000000fa00000006' as Hex } : {}),
      ...(active('jovian') ? { minBaseFee: 0n } : {}),
      ...fields,
    }
  }

  /** Builds a block on a parent without making it the head. */
  async build(
    transactions: readonly Uint8Array[] = [],
    fields: Partial<PayloadAttributes> = {},
    parent: Hex = this.chain.latest().hash,
  ): Promise<PayloadEnvelope> {
    const attributes = this.attributes(transactions, fields)
    const { payloadId } = await this.engine.forkchoiceUpdated(heads(parent), attributes)
    if (payloadId === undefined) throw new Error('no payload begun')
    return this.engine.getPayload(payloadId)
  }

  async accept(envelope: PayloadEnvelope): Promise<void> {
    const status = await this.engine.newPayload(envelope)
    if (status.status !== 'VALID') throw new Error(`${status.status}: ${status.validationError}`)
    await this.engine.forkchoiceUpdated(heads(envelope.executionPayload.blockHash))
  }

  /** Builds a block on the head and makes it the head. */
  async mine(
    transactions: readonly Uint8Array[] = [],
    fields: Partial<PayloadAttributes> = {},
  ): Promise<PayloadEnvelope> {
    const envelope = await this.build(transactions, fields)
    await this.accept(envelope)
    return envelope
  }

  balance(address: Uint8Array): bigint {
    return this.state().account(address)?.balance ?? 0n
  }

  state() {
    const view = this.chain.stateAt(this.chain.latest().hash)
    if (view === undefined) throw new Error('the head has no state')
    return view
  }

  receipts() {
    return this.chain.receiptsByHash(this.chain.latest().hash) ?? []
  }
}

function openChain(genesis: Genesis, dir: string, options: ChainOptions): Promise<EmbeddedChain> {
  const { statesKept, customPrecompiles } = options
  return EmbeddedChain.open(
    { dir, genesis, archive: statesKept === undefined, statesKept, customPrecompiles },
    { log: silentLog },
  )
}

export function heads(head: Hex, safe: Hex = zeroHash, finalized: Hex = zeroHash) {
  return { headBlockHash: head, safeBlockHash: safe, finalizedBlockHash: finalized }
}

export function deposit(fields: Partial<DepositTx> = {}): Uint8Array {
  return encodeTransaction({
    type: 0x7e,
    sourceHash: new Uint8Array(32),
    from: addressOf(9),
    to: addressOf(8),
    mint: 0n,
    value: 0n,
    gasLimit: 100_000n,
    isSystemTx: false,
    data: new Uint8Array(0),
    ...fields,
  })
}

export function transfer(from: number, nonce: bigint, fields: Partial<FeeMarketTx> = {}): Uint8Array {
  const unsigned: FeeMarketTx = {
    type: 2,
    chainId,
    nonce,
    maxPriorityFeePerGas: 1_000n,
    maxFeePerGas: 10_000_000_000n,
    gasLimit: 100_000n,
    to: addressOf(7),
    value: 1n,
    data: new Uint8Array(0),
    accessList: [],
    yParity: 0,
    r: 0n,
    s: 0n,
    ...fields,
  }
  return encodeTransaction(signTransaction(unsigned, key(from)))
}

/** A pool of fixed content, in the order given. */
export function sourceOf(
  entries: readonly { from: number; raw: Uint8Array; tx: FeeMarketTx }[],
): TransactionSource & { dropped: Hex[] } {
  const dropped: Hex[] = []
  return {
    dropped,
    pending: () => {
      const skipped = new Set<string>()
      function* iterate(): Generator<PooledTransaction> {
        for (const { from, raw, tx } of entries) {
          const sender = addressOf(from)
          if (!skipped.has(bytesToHex(sender))) yield { raw, tx, hash: keccakHex(raw), sender }
        }
      }
      return {
        [Symbol.iterator]: iterate,
        skipSender: (sender: Uint8Array) => void skipped.add(bytesToHex(sender)),
      }
    },
    removed: (hash) => void dropped.push(hash),
  }
}
