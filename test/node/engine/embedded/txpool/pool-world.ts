import { silentLog } from '../../../../../common/log.ts'
import type {
  AccountState,
  DataFees,
  HeadEvent,
  PooledTransaction,
  StateView,
  StoredBlock,
  StoredReceipt,
} from '../../../../../node/engine/embedded/chain-view.ts'
import { TxPool, type TxPoolOptions } from '../../../../../node/engine/embedded/txpool/tx-pool.ts'
import { bytesToHex, type Hex, uintBytes } from '../../../../../protocol/bytes.ts'
import { keccak256, keccakHex } from '../../../../../protocol/keccak.ts'
import { privateKeyAddress } from '../../../../../protocol/secp256k1.ts'
import {
  decodeTransaction,
  encodeTransaction,
  type FeeMarketTx,
  signTransaction,
  transactionSender,
} from '../../../../../protocol/transaction.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../../../../protocol/trie-root.ts'

export const chainId = 161_201n
const gwei = 1_000_000_000n

/** Private key number `index` of the test. */
export function testKey(index: number): Uint8Array {
  return keccak256(uintBytes(index + 1, 32))
}

export function testAddress(index: number): Uint8Array {
  return privateKeyAddress(testKey(index))
}

/** A signed transfer of account `from`. */
export function transfer(from: number, fields: Partial<FeeMarketTx> = {}): Uint8Array {
  const tx: FeeMarketTx = {
    type: 2,
    chainId,
    nonce: 0n,
    maxPriorityFeePerGas: gwei,
    maxFeePerGas: 10n * gwei,
    gasLimit: 21_000n,
    to: new Uint8Array(20).fill(0xaa),
    value: 0n,
    data: new Uint8Array(0),
    accessList: [],
    yParity: 0,
    r: 0n,
    s: 0n,
    ...fields,
  }
  return encodeTransaction(signTransaction(tx, testKey(from)))
}

/** A chain below the pool: accounts that a test sets, blocks that it mines and reverts. No execution. */
export class PoolWorld {
  readonly chainId = chainId
  readonly accounts = new Map<Hex, { nonce: bigint; balance: bigint; code?: Uint8Array }>()
  fees: DataFees = { l1Cost: () => 0n, operatorFee: () => 0n }
  baseFee = gwei
  nowMs = 1_000_000
  readonly pool: TxPool
  readonly #blocks: StoredBlock[] = [block(0n, [])]
  readonly #undo: (() => void)[] = []
  #listener: (event: HeadEvent) => void = () => {}

  constructor(options: Partial<TxPoolOptions> = {}, funded = 8) {
    for (let i = 0; i < funded; i++) this.fund(i, 10n ** 20n)
    const clock = { nowMs: () => this.nowMs, sleep: async () => {} }
    const forkTimes = { regolith: 0n, canyon: 0n, ecotone: 0n, fjord: 0n, holocene: 0n, isthmus: 0n, jovian: 0n }
    this.pool = new TxPool({ forkTimes, ...options }, { chain: this, clock, log: silentLog })
  }

  fund(index: number, balance: bigint, nonce = 0n): void {
    this.accounts.set(bytesToHex(testAddress(index)), { balance, nonce })
  }

  readonly head = (): StoredBlock => this.#blocks.at(-1) ?? block(0n, [])
  readonly dataFees = (): DataFees => this.fees
  readonly nextBaseFee = (): bigint => this.baseFee
  readonly receiptsByHash = (): readonly StoredReceipt[] | undefined => undefined
  readonly setTransactionSource = (): void => {}
  readonly onHead = (listener: (event: HeadEvent) => void): (() => void) => {
    this.#listener = listener
    return () => {}
  }
  readonly stateAt = (): StateView => ({
    stateRoot: emptyTrieRoot,
    account: (address) => this.#account(address),
    code: (address) => this.accounts.get(bytesToHex(address))?.code ?? new Uint8Array(0),
    storage: () => new Uint8Array(32),
    proof: () => {
      throw new Error('the pool asks for no proofs')
    },
  })

  /** Builds a block of `count` transactions as the engine would. */
  mine(count = Number.POSITIVE_INFINITY): StoredBlock {
    const taken: PooledTransaction[] = []
    for (const transaction of this.pool.pending(this.baseFee)) {
      if (taken.length >= count) break
      taken.push(transaction)
    }
    return this.include(taken.map(({ raw }) => raw))
  }

  /** Puts transactions on the chain: nonces rise, and nothing else changes. */
  include(transactions: readonly Uint8Array[]): StoredBlock {
    const next = block(this.head().header.number + 1n, transactions)
    this.#blocks.push(next)
    const senders = transactions.map((raw) => bytesToHex(transactionSender(decodeTransaction(raw))))
    for (const sender of senders) this.#bump(sender, 1n)
    this.#undo.push(() => {
      for (const sender of senders) this.#bump(sender, -1n)
    })
    this.#listener({ head: next, reverted: [], added: [next] })
    return next
  }

  /** Takes the newest block off the chain. */
  revert(): void {
    const gone = this.#blocks.pop()
    this.#undo.pop()?.()
    if (gone !== undefined) this.#listener({ head: this.head(), reverted: [gone], added: [] })
  }

  #bump(sender: Hex, by: bigint): void {
    const account = this.accounts.get(sender)
    if (account !== undefined) account.nonce += by
  }

  #account(address: Uint8Array): AccountState | undefined {
    const account = this.accounts.get(bytesToHex(address))
    return account === undefined ? undefined : { ...account, storageRoot: emptyTrieRoot, codeHash: emptyCodeHash }
  }
}

function block(number: bigint, transactions: readonly Uint8Array[]): StoredBlock {
  const zero = new Uint8Array(32)
  return {
    hash: keccakHex(new TextEncoder().encode(`${number} ${transactions.map((raw) => keccakHex(raw)).join()}`)),
    transactions,
    header: {
      parentHash: zero,
      ommersHash: zero,
      coinbase: new Uint8Array(20),
      stateRoot: zero,
      transactionsRoot: zero,
      receiptsRoot: zero,
      logsBloom: new Uint8Array(256),
      difficulty: 0n,
      number,
      gasLimit: 30_000_000n,
      gasUsed: 0n,
      timestamp: 1_700_000_000n + 2n * number,
      extraData: new Uint8Array(0),
      prevRandao: zero,
      nonce: new Uint8Array(8),
      baseFeePerGas: gwei,
    },
  }
}
