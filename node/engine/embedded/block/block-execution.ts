import { logsBloom, orBloom } from '../../../../protocol/bloom.ts'
import { FormatError } from '../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../../../protocol/rlp.ts'
import { decodeTransaction, type Transaction, transactionSender, txType } from '../../../../protocol/transaction.ts'
import type { StoredReceipt } from '../chain-view.ts'
import { type BlockEnv, GasPool } from '../transition/block-env.ts'
import { type Create2DeployerCode, deployCreate2Deployer } from '../transition/create2-deployer.ts'
import { BlockDataFees } from '../transition/data-fees.ts'
import { executeDeposit } from '../transition/deposit.ts'
import { TxError, type TxOutcome } from '../transition/outcome.ts'
import { executeSigned } from '../transition/signed-tx.ts'
import { runSystemCalls } from '../transition/system-calls.ts'

/** What a block's execution needs to know of its parent and itself beyond its environment. */
export type BlockOpening = {
  readonly parentHash: Uint8Array
  readonly parentBeaconBlockRoot: Uint8Array | undefined
  readonly create2Deployer: Create2DeployerCode | undefined
}

/** A transaction with its sender, decoded once. */
export type DecodedTx = { readonly raw: Uint8Array; readonly tx: Transaction; readonly sender: Uint8Array }

/** Executes the transactions of one block, in order, and keeps what its header needs. */
export class BlockExecution {
  readonly env: BlockEnv
  readonly transactions: Uint8Array[] = []
  readonly receipts: StoredReceipt[] = []
  readonly bloom = new Uint8Array(256)
  readonly #pool: GasPool
  #gasUsed = 0n
  #footprint = 0n
  #dataBytes = 0n
  #logs = 0
  #fees: BlockDataFees | undefined

  constructor(env: BlockEnv) {
    this.env = env
    this.#pool = new GasPool(env.gasLimit)
  }

  get gasUsed(): bigint {
    return this.#gasUsed
  }

  /** Sum of the DA footprints; 0 before Jovian. */
  get footprint(): bigint {
    return this.#footprint
  }

  /** Estimated compressed bytes of the signed transactions. */
  get dataBytes(): bigint {
    return this.#dataBytes
  }

  get gasLeft(): bigint {
    return this.#pool.left
  }

  /** What comes before the first transaction. */
  async open(opening: BlockOpening): Promise<void> {
    deployCreate2Deployer(this.env, opening.create2Deployer)
    await runSystemCalls(this.env, { hash: opening.parentHash, beaconBlockRoot: opening.parentBeaconBlockRoot })
  }

  /** Fees of the block; known when its first transaction has set L1Block. */
  fees(): BlockDataFees {
    const { state, times, timestamp } = this.env
    this.#fees ??= new BlockDataFees(times, timestamp, (address, slot) => state.storage(address, slot))
    return this.#fees
  }

  /** Throws {@link TxError}, nothing changed, where the transaction cannot be in the block. */
  async execute(decoded: DecodedTx): Promise<StoredReceipt> {
    const { raw, tx, sender } = decoded
    if (tx.type === txType.deposit) return this.#add(decoded, await executeDeposit(this.env, this.#pool, tx))
    const fees = this.fees()
    const footprint = fees.footprint(raw)
    // Spec: protocol/jovian/exec-engine.md: the footprint shares the block's gas limit.
    if (this.#footprint + footprint > this.env.gasLimit) throw new TxError('block-full', 'DA footprint limit reached')
    const outcome = await executeSigned(this.env, this.#pool, { tx, sender, raw }, fees)
    this.#footprint += footprint
    this.#dataBytes += fees.estimatedBytes(raw)
    return this.#add(decoded, outcome)
  }

  #add({ raw, tx, sender }: DecodedTx, outcome: TxOutcome): StoredReceipt {
    this.#gasUsed += outcome.gasUsed
    const bloom = logsBloom(outcome.logs)
    orBloom(this.bloom, bloom)
    const isDeposit = tx.type === txType.deposit
    const receipt: StoredReceipt = {
      receipt: {
        type: tx.type,
        status: outcome.status,
        cumulativeGasUsed: this.#gasUsed,
        bloom,
        logs: outcome.logs,
        ...(outcome.depositNonce === undefined ? {} : { depositNonce: outcome.depositNonce }),
        ...(isDeposit && this.env.rules.canyon ? { depositReceiptVersion: 1n } : {}),
      },
      from: sender,
      gasUsed: outcome.gasUsed,
      effectiveGasPrice: outcome.effectiveGasPrice,
      contractAddress: tx.to === undefined ? createdAddress(sender, creatorNonce(tx, outcome)) : undefined,
      logIndex: this.#logs,
      l1Fee: isDeposit ? undefined : this.fees().receiptFields(raw),
    }
    this.#logs += outcome.logs.length
    this.transactions.push(raw)
    this.receipts.push(receipt)
    return receipt
  }
}

/** Throws {@link TxError} for bytes that are no transaction or have no sender. */
export function decodeTx(raw: Uint8Array): DecodedTx {
  try {
    const tx = decodeTransaction(raw)
    return { raw, tx, sender: transactionSender(tx) }
  } catch (cause) {
    if (cause instanceof FormatError) throw new TxError('invalid', cause.message, { cause })
    throw cause
  }
}

/** Source: yellow paper, section 7. */
function createdAddress(sender: Uint8Array, nonce: bigint): Uint8Array {
  return keccak256(rlpEncode([sender, rlpUint(nonce)])).slice(12)
}

function creatorNonce(tx: Transaction, outcome: TxOutcome): bigint {
  return tx.type === txType.deposit ? (outcome.depositNonce ?? 0n) : tx.nonce
}
