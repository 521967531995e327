import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { bytesToHex, emptyBytes, type Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { L1BlockInfo } from '../../protocol/l1-block.ts'
import { l1InfoDeposit } from '../../protocol/l1-info.ts'
import { l2BlockRef } from '../../protocol/l2-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { encodeTransaction, signTransaction } from '../../protocol/transaction.ts'
import { hash, testSystemConfig } from './rollup-config.ts'

const key = new Uint8Array(32).fill(7)

/** An unsafe L2 chain that a test grows by hand; its blocks have the right first transaction and made-up hashes. */
export class FakeL2Chain {
  readonly config: RollupConfig
  readonly payloads: PayloadEnvelope[] = []
  currentL1: L1BlockRef | undefined
  headL1: L1BlockRef | undefined
  safe: L2BlockRef
  finalized = 0
  /** Highest block anyone asked for. */
  newestRead = 0n
  #nextHash = 0x200000
  #nonce = 0n

  constructor(config: RollupConfig) {
    this.config = config
    this.payloads.push(payload(config.genesis.l2.hash, hash(0), 0n, config.genesis.l2Time, []))
    this.safe = this.ref(0)
  }

  ref(number: number): L2BlockRef {
    const envelope = this.payloads[number]
    if (envelope === undefined) throw new Error(`no L2 block ${number}`)
    return l2BlockRef(this.config, envelope.executionPayload)
  }

  get unsafe(): L2BlockRef {
    return this.ref(this.payloads.length - 1)
  }

  /** Adds a block with `txs` transactions of `bytes` bytes of incompressible data each. */
  build(origin: L1BlockInfo, options: { readonly txs?: number; readonly bytes?: number } = {}): void {
    const parent = this.unsafe
    const timestamp = parent.timestamp + this.config.blockTime
    const sequenceNumber = parent.l1Origin.number === origin.number ? parent.sequenceNumber + 1n : 0n
    const deposit = l1InfoDeposit(this.config, testSystemConfig, sequenceNumber, origin, timestamp)
    const user = Array.from({ length: options.txs ?? 1 }, () => this.#userTx(options.bytes ?? 10))
    const txs = [encodeTransaction(deposit), ...user]
    this.payloads.push(payload(hash(this.#nextHash++), parent.hash, parent.number + 1n, timestamp, txs))
  }

  /** Drops the newest blocks. */
  rewind(blocks: number): void {
    this.payloads.splice(-blocks)
  }

  readonly syncStatus = () => ({
    currentL1: this.currentL1,
    headL1: this.headL1,
    unsafeL2: this.unsafe,
    safeL2: this.safe,
    finalizedL2: this.ref(this.finalized),
  })

  readonly payloadByNumber = async (number: bigint): Promise<PayloadEnvelope | undefined> => {
    this.newestRead = number > this.newestRead ? number : this.newestRead
    return this.payloads[Number(number)]
  }

  #userTx(bytes: number): Uint8Array {
    const tx = {
      type: 2 as const,
      chainId: this.config.l2ChainId,
      nonce: this.#nonce++,
      maxPriorityFeePerGas: 1n,
      maxFeePerGas: 2n,
      gasLimit: 21_000n,
      to: new Uint8Array(20).fill(1),
      value: 0n,
      data: Uint8Array.from({ length: bytes }, () => Math.floor(Math.random() * 256)),
      accessList: [],
      yParity: 0 as const,
      r: 0n,
      s: 0n,
    }
    return encodeTransaction(signTransaction(tx, key))
  }
}

function payload(
  blockHash: Hex,
  parentHash: Hex,
  blockNumber: bigint,
  timestamp: bigint,
  transactions: readonly Uint8Array[],
): PayloadEnvelope {
  return {
    executionPayload: {
      parentHash,
      feeRecipient: bytesToHex(new Uint8Array(20)),
      stateRoot: hash(1),
      receiptsRoot: hash(2),
      logsBloom: new Uint8Array(256),
      prevRandao: hash(3),
      blockNumber,
      gasLimit: 30_000_000n,
      gasUsed: 0n,
      timestamp,
      extraData: emptyBytes,
      baseFeePerGas: 1n,
      blockHash,
      transactions,
      withdrawals: [],
      withdrawalsRoot: hash(4),
    },
  }
}
