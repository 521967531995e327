import type { Hex } from '../../../protocol/bytes.ts'
import type { Header } from '../../../protocol/header.ts'
import type { Log, Receipt } from '../../../protocol/receipt.ts'
import type { AccessListEntry, Authorization, SignedTx } from '../../../protocol/transaction.ts'
import type { BlockLabel } from '../engine.ts'

/** What the RPC and the transaction pool see of the embedded engine. `EmbeddedChain` (chain/chain.ts) is the implementation. */
export type ChainView = {
  readonly chainId: bigint
  /** Undefined where the label was never set; `latest` always is. */
  readonly head: (label: BlockLabel) => StoredBlock | undefined
  readonly blockByHash: (hash: Hex) => StoredBlock | undefined
  /** The canonical block of that height. */
  readonly blockByNumber: (number: bigint) => StoredBlock | undefined
  /** Header only: a tenth of the cost of the block. */
  readonly headerByNumber: (number: bigint) => StoredHeader | undefined
  readonly canonicalHash: (number: bigint) => Hex | undefined
  readonly receiptsByHash: (hash: Hex) => readonly StoredReceipt[] | undefined
  /** Where a transaction of the canonical chain is. */
  readonly transactionLocation: (txHash: Hex) => TransactionLocation | undefined
  /** Called after each change of the head, blocks oldest first. Returns the function that ends it. */
  readonly onHead: (listener: (event: HeadEvent) => void) => () => void
  /** Undefined where the block is unknown or its state was pruned. */
  readonly stateAt: (blockHash: Hex) => StateView | undefined
  /** Executes a message on the state after block `at`; `pending`: in the environment of the block after the head. */
  readonly call: (at: Hex | 'pending', message: CallMessage, options?: CallOptions) => Promise<CallResult>
  /** Executes blocks of calls that build on block `at` and on each other. Throws {@link CallError} and SimulationError. */
  readonly simulate: (
    at: Hex,
    blocks: readonly SimulatedBlockInput[],
    options: SimulationOptions,
  ) => Promise<readonly SimulatedBlock[]>
  /** Replays the canonical transaction with `tracer` listening. Throws {@link CallError} where its state is gone. */
  readonly traceTransaction: (txHash: Hex, tracer: Tracer, timeoutMs?: number) => Promise<CallResult>
  /** Fees beyond gas that a transaction of the block after `blockHash` pays. */
  readonly dataFees: (blockHash: Hex) => DataFees
  /** Base fee of the block after the head, were it built with the head's parameters. */
  readonly nextBaseFee: () => bigint
  /** Where block building without `noTxPool` takes its transactions from. */
  readonly setTransactionSource: (source: TransactionSource) => void
}

export type StoredHeader = { readonly hash: Hex; readonly header: Header }

/** A block with its transactions as EIP-2718 bytes. */
export type StoredBlock = StoredHeader & { readonly transactions: readonly Uint8Array[] }

/** A receipt with what its consensus form leaves out. */
export type StoredReceipt = {
  readonly receipt: Receipt
  /** The sender of the transaction, 20 bytes. */
  readonly from: Uint8Array
  readonly gasUsed: bigint
  readonly effectiveGasPrice: bigint
  /** Address of the created contract, 20 bytes. */
  readonly contractAddress?: Uint8Array | undefined
  /** Index in the block of the receipt's first log. */
  readonly logIndex: number
  /** Absent for deposits. */
  readonly l1Fee?: L1FeeFields | undefined
}

/** The OP Stack's receipt extras (op-geth `types.Receipt`); each absent where its fork is not active. */
export type L1FeeFields = {
  readonly l1GasPrice: bigint
  readonly l1GasUsed: bigint
  readonly l1Fee: bigint
  /** The raw Bedrock scalar; RPC shows it divided by a million. */
  readonly l1FeeScalar?: bigint | undefined
  readonly l1BaseFeeScalar?: bigint | undefined
  readonly l1BlobBaseFee?: bigint | undefined
  readonly l1BlobBaseFeeScalar?: bigint | undefined
  readonly operatorFeeScalar?: bigint | undefined
  readonly operatorFeeConstant?: bigint | undefined
  readonly daFootprintGasScalar?: bigint | undefined
  /** Jovian: the DA footprint of the transaction. */
  readonly blobGasUsed?: bigint | undefined
}

export type TransactionLocation = { readonly blockHash: Hex; readonly blockNumber: bigint; readonly index: number }

export type HeadEvent = {
  readonly head: StoredBlock
  /** Blocks that left the canonical chain. */
  readonly reverted: readonly StoredBlock[]
  /** Blocks that joined it, the head last. */
  readonly added: readonly StoredBlock[]
}

/** An account of the state trie; hashes are 32 bytes. */
export type AccountState = {
  readonly nonce: bigint
  readonly balance: bigint
  readonly storageRoot: Uint8Array
  readonly codeHash: Uint8Array
}

export type StateView = {
  readonly stateRoot: Uint8Array
  readonly account: (address: Uint8Array) => AccountState | undefined
  readonly code: (address: Uint8Array) => Uint8Array
  /** 32 bytes. */
  readonly storage: (address: Uint8Array, slot: Uint8Array) => Uint8Array
  /** Merkle proofs as eth_getProof gives them; `slots` are 32 bytes each. */
  readonly proof: (address: Uint8Array, slots: readonly Uint8Array[]) => AccountProof
}

export type AccountProof = {
  readonly account: AccountState | undefined
  readonly accountProof: readonly Uint8Array[]
  readonly storageProof: readonly {
    readonly key: Uint8Array
    readonly value: bigint
    readonly proof: readonly Uint8Array[]
  }[]
}

export type CallMessage = {
  /** Default: the zero address. */
  readonly from?: Uint8Array | undefined
  /** Absent: a contract creation. */
  readonly to?: Uint8Array | undefined
  /** Default: `gasCap`, else the block's gas limit. */
  readonly gas?: bigint | undefined
  /** Zero or absent: no gas is bought, the base fee reads as 0. */
  readonly gasPrice?: bigint | undefined
  readonly value?: bigint | undefined
  readonly data?: Uint8Array | undefined
  readonly accessList?: readonly AccessListEntry[] | undefined
  readonly authorizationList?: readonly Authorization[] | undefined
}

/** State that a call sees instead of the chain's; keys of the maps are lower-case hex. */
export type StateOverrides = ReadonlyMap<
  Hex,
  {
    readonly balance?: bigint | undefined
    readonly nonce?: bigint | undefined
    readonly code?: Uint8Array | undefined
    /** Replaces the whole storage. */
    readonly state?: ReadonlyMap<Hex, Hex> | undefined
    /** Replaces single slots. */
    readonly stateDiff?: ReadonlyMap<Hex, Hex> | undefined
  }
>

export type BlockOverrides = {
  readonly number?: bigint | undefined
  readonly time?: bigint | undefined
  readonly gasLimit?: bigint | undefined
  readonly feeRecipient?: Uint8Array | undefined
  readonly prevRandao?: Uint8Array | undefined
  readonly baseFeePerGas?: bigint | undefined
}

export type CallOptions = {
  readonly stateOverrides?: StateOverrides | undefined
  readonly blockOverrides?: BlockOverrides | undefined
  readonly tracer?: Tracer | undefined
  /** Gas a call may have at most, whatever it asks for. */
  readonly gasCap?: bigint | undefined
  readonly timeoutMs?: number | undefined
}

/** Fees as a caller names them. */
export type CallFees = {
  readonly gasPrice?: bigint | undefined
  readonly maxFeePerGas?: bigint | undefined
  readonly maxPriorityFeePerGas?: bigint | undefined
}

export type SimulatedCall = {
  readonly message: Omit<CallMessage, 'gasPrice'>
  /** Absent: the account's next. */
  readonly nonce: bigint | undefined
  readonly fees: CallFees
}

export type SimulatedBlockInput = {
  readonly calls: readonly SimulatedCall[]
  readonly overrides?: BlockOverrides | undefined
  readonly stateOverrides?: StateOverrides | undefined
}

export type SimulationOptions = {
  /** Check nonces and fees as for real transactions; else the base fee is 0 and nothing is checked. */
  readonly validation: boolean
  /** Log movements of the native coin too. */
  readonly traceTransfers: boolean
  /** Gas all calls may use together. */
  readonly gasMax: bigint
  readonly timeoutMs: number
}

/** A block that was simulated; its transactions are the calls, unsigned. */
export type SimulatedBlock = StoredBlock & {
  readonly receipts: readonly StoredReceipt[]
  readonly calls: readonly SimulatedCallResult[]
}

export type SimulatedCallResult = Omit<CallResult, 'touched'> & {
  /** Before refunds. */
  readonly gasUsedMax: bigint
}

export type CallResult = {
  readonly status: 0 | 1
  /** Return data, or the revert data. */
  readonly output: Uint8Array
  /** Intrinsic gas included, refunds taken off. */
  readonly gasUsed: bigint
  readonly logs: readonly Log[]
  /** Why it failed, in geth's words (`execution reverted`, `out of gas`). */
  readonly error?: string | undefined
  readonly contractAddress?: Uint8Array | undefined
  /** Accounts and slots the execution looked at, with their values before and after; only with a tracer. */
  readonly touched: readonly TouchedAccount[]
}

export type TouchedAccount = {
  readonly address: Uint8Array
  readonly before: TouchedState | undefined
  readonly after: TouchedState | undefined
  /** By slot, 32-byte hex. */
  readonly storage: ReadonlyMap<Hex, { readonly before: Uint8Array; readonly after: Uint8Array }>
}

export type TouchedState = { readonly nonce: bigint; readonly balance: bigint; readonly code: Uint8Array }

/** Listens to an execution. Frames nest: each `enter` has its `exit`; a selfdestruct is an enter and an exit. */
export type Tracer = {
  readonly enter?: ((frame: FrameEnter) => void) | undefined
  readonly exit?: ((frame: FrameExit) => void) | undefined
  readonly step?: ((step: OpcodeStep) => void) | undefined
}

export type FrameEnter = {
  readonly type: 'CALL' | 'CALLCODE' | 'DELEGATECALL' | 'STATICCALL' | 'CREATE' | 'CREATE2' | 'SELFDESTRUCT'
  readonly from: Uint8Array
  /** Absent where the address of a creation is not known yet. */
  readonly to?: Uint8Array | undefined
  readonly value: bigint
  readonly gas: bigint
  readonly input: Uint8Array
}

export type FrameExit = {
  readonly gasUsed: bigint
  readonly output: Uint8Array
  readonly error?: string | undefined
  /** Logs of this very frame, kept only if it succeeded. */
  readonly logs: readonly Log[]
  /** The created contract. */
  readonly created?: Uint8Array | undefined
}

export type OpcodeStep = {
  readonly pc: number
  readonly opcode: string
  readonly depth: number
  readonly gasLeft: bigint
  readonly gasCost: bigint
  readonly address: Uint8Array
  readonly stack: readonly bigint[]
}

/**
 * `unavailable`: block unknown or state pruned. `too-little-gas`: less than its bytes cost alone. `insufficient-funds`,
 * `init-code`: such a message cannot be executed. `timeout`: it ran too long. `busy`: too many calls wait already.
 */
export type CallErrorCode = 'unavailable' | 'too-little-gas' | 'insufficient-funds' | 'init-code' | 'timeout' | 'busy'

export type DataFees = {
  /** L1 data fee of a signed transaction's bytes. */
  readonly l1Cost: (raw: Uint8Array) => bigint
  /** Most a transaction with this gas limit can pay as operator fee; 0 before Isthmus. */
  readonly operatorFee: (gasLimit: bigint) => bigint
}

/** A transaction of the pool: checked signature, known sender. */
export type PooledTransaction = {
  readonly raw: Uint8Array
  readonly tx: SignedTx
  readonly hash: Hex
  /** 20 bytes. */
  readonly sender: Uint8Array
}

/** The pool as block building uses it. */
export type TransactionSource = {
  /**
   * Executable transactions, best tip first at that base fee, nonces of one sender in order.
   * After `skipSender` the iteration yields no more of that sender.
   */
  readonly pending: (baseFee: bigint) => Iterable<PooledTransaction> & { skipSender(sender: Uint8Array): void }
  /** The transaction can never be included (stale nonce, cannot pay, bigger than any block): drop it. */
  readonly removed: (hash: Hex, reason: string) => void
}
