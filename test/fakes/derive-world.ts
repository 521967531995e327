import { silentLog } from '../../common/log.ts'
import { AttributesBuilder } from '../../node/derive/attributes.ts'
import type { DroppedData } from '../../node/derive/counters.ts'
import { DerivationPipeline } from '../../node/derive/pipeline.ts'
import type { L1Chain, L2Chain } from '../../node/derive/sources.ts'
import { channelBatch } from '../../protocol/batch.ts'
import { encodeBlob } from '../../protocol/blob-codec.ts'
import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { bytesToHex, concatBytes, emptyBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { type Compression, compressChannel } from '../../protocol/channel-compression.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../protocol/engine-api.ts'
import { encodeFrames, type Frame, frameChannel } from '../../protocol/frame.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { L1BlockInfo, L1Transaction } from '../../protocol/l1-block.ts'
import { l2BlockRef } from '../../protocol/l2-block.ts'
import type { Receipt } from '../../protocol/receipt.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { encodeSingularBatch } from '../../protocol/singular-batch.ts'
import { encodeSpanBatch, type SpanBatchBlock } from '../../protocol/span-batch.ts'
import { encodeTransaction, txType } from '../../protocol/transaction.ts'
import { FakeL1Blocks } from './l1-blocks.ts'
import { address, hash, testRollupConfig, testSystemConfig } from './rollup-config.ts'

/** What an L1 block of a test carries. */
export type L1Item = { readonly from?: Hex; readonly to?: Hex; readonly type?: number } & (
  | { readonly data: Uint8Array }
  | { readonly blobs: readonly Uint8Array[] }
)

/**
 * A sequencer's L2 chain, an L1 to post it on, and a verifier that has nothing but that L1. A block's hash covers its
 * parent, time and transactions, so the verifier's chain equals the sequencer's if its head does.
 */
export class DeriveWorld {
  readonly config: RollupConfig
  readonly blocks = new FakeL1Blocks()
  readonly sequencer: Chain
  readonly verifier: Chain
  readonly pipeline: DerivationPipeline
  readonly dropped = new Map<DroppedData, number>()
  readonly blobs = new Map<Hex, Uint8Array>()
  readonly #txs = new Map<Hex, L1Transaction[]>()
  readonly #receipts = new Map<Hex, readonly Receipt[]>()
  readonly l1: L1Chain
  #nextChannel = 1n
  #nonce = 0n

  constructor(change: Partial<RollupConfig> = {}) {
    this.config = testRollupConfig(change)
    this.sequencer = new Chain(this.config)
    this.verifier = new Chain(this.config)
    this.l1 = {
      blockRefByNumber: this.blocks.blockRefByNumber,
      blockInfoByHash: this.blocks.blockInfoByHash,
      receipts: async (asked) => ({
        info: await this.blocks.blockInfoByHash(asked),
        receipts: this.#receipts.get(asked) ?? [],
      }),
      transactions: async (asked) => {
        await this.blocks.blockInfoByHash(asked)
        return this.#txs.get(asked) ?? []
      },
      blobs: async (_, hashes) =>
        hashes.map(({ hash: asked, index }) => {
          const blob = this.blobs.get(asked)
          // The index is part of the name: a wrong count of the blobs before it finds none.
          if (blob === undefined || !asked.endsWith(`b${index}`)) throw new Error(`no blob ${asked} at ${index}`)
          return blob
        }),
    }
    const counters = {
      count: (what: DroppedData) => void this.dropped.set(what, (this.dropped.get(what) ?? 0) + 1),
    }
    this.pipeline = new DerivationPipeline(this.config, { l1: this.l1, l2: this.verifier, log: silentLog, counters })
    this.resetPipeline()
  }

  resetPipeline(): void {
    this.pipeline.reset(this.blocks.at(0), this.verifier.head, testSystemConfig)
  }

  /** A block with these transactions in this order. */
  mine(items: readonly L1Item[] = [], receipts: readonly Receipt[] = []): L1BlockInfo {
    this.blocks.mine()
    const block = this.blocks.latest
    let blobIndex = 0
    const txs = items.map((item, n): L1Transaction => {
      const blobs = 'blobs' in item ? item.blobs : []
      const blobVersionedHashes = blobs.map((blob) => {
        const name: Hex = `0x01${block.hash.slice(-8)}b${blobIndex++}`
        this.blobs.set(name, blob)
        return name
      })
      return {
        hash: hash(n),
        type: item.type ?? ('blobs' in item ? 3 : 2),
        to: item.to ?? this.config.batchInboxAddress,
        data: 'data' in item ? item.data : emptyBytes,
        blobVersionedHashes,
        sender: () => item.from ?? testSystemConfig.batcherAddr,
      }
    })
    this.#txs.set(block.hash, txs)
    this.#receipts.set(block.hash, receipts)
    return block
  }

  mineEmpty(count: number): void {
    for (let i = 0; i < count; i++) this.mine()
  }

  /** Sequences blocks, each with the newest L1 origin that its time allows. */
  async sequence(count: number, transactions: () => Uint8Array[] = () => [this.userTx()]): Promise<void> {
    const builder = new AttributesBuilder(this.config, { l1: this.l1, l2: this.sequencer })
    for (let i = 0; i < count; i++) {
      const parent = this.sequencer.head
      const next = await this.blocks.blockRefByNumber(parent.l1Origin.number + 1n)
      const isLate = next !== undefined && next.timestamp <= parent.timestamp + this.config.blockTime
      const prepared = await builder.prepare(parent, isLate ? next : parent.l1Origin)
      this.sequencer.append({ ...prepared, transactions: [...prepared.transactions, ...transactions()] })
    }
  }

  /** A transaction that no two blocks share; its signature recovers nobody, which derivation does not look at. */
  userTx(type: 2 | 4 = 2): Uint8Array {
    const call = {
      chainId: this.config.l2ChainId,
      nonce: this.#nonce++,
      maxPriorityFeePerGas: 1n,
      maxFeePerGas: 2n,
      gasLimit: 21_000n,
      to: new Uint8Array(20).fill(9),
      value: 5n,
      data: Uint8Array.of(1, 2, 3),
      accessList: [],
      yParity: 1 as const,
      // Incompressible, as real signatures are: frames of a few bytes cut a channel into many.
      r: BigInt(keccakHex(uintBytes(this.#nonce, 8))),
      s: BigInt(keccakHex(uintBytes(this.#nonce, 9))),
    }
    return encodeTransaction(type === 2 ? { type, ...call } : { type, ...call, authorizationList: [] })
  }

  /** The sequencer's blocks `[from, to]` as a span batch's string in a channel. */
  span(from: number, to: number): Uint8Array {
    return this.encodeSpan(this.sequencer.batchBlocks(from, to))
  }

  encodeSpan(blocks: readonly SpanBatchBlock[]): Uint8Array {
    const { genesis, blockTime, l2ChainId } = this.config
    const chain = { genesisTimestamp: genesis.l2Time, blockTime, chainId: l2ChainId }
    return channelBatch(1, encodeSpanBatch(blocks, chain))
  }

  /** The sequencer's blocks `[from, to]`, a singular batch each. */
  singular(from: number, to: number): Uint8Array {
    return concatBytes(
      ...this.sequencer.batchBlocks(from, to).map((block) => channelBatch(0, encodeSingularBatch(block))),
    )
  }

  /** Frames of a new channel of at most `bytesMax` bytes each. */
  frames(batches: Uint8Array, bytesMax = 100_000, compression: Compression = 'brotli'): Frame[] {
    const id: Hex = `0x${(this.#nextChannel++).toString(16).padStart(32, '0')}`
    return frameChannel(id, compressChannel(batches, compression), bytesMax)
  }

  /** Steps until L1 has no more. */
  async derive(stepsMax = 20_000): Promise<void> {
    for (let i = 0; i < stepsMax; i++) {
      const result = await this.pipeline.step(this.verifier.head)
      if (result.kind === 'idle') return
      if (result.kind === 'attributes') this.verifier.append(result.derived.attributes)
    }
    throw new Error(`derivation is not done after ${stepsMax} steps`)
  }
}

/** Frames as one transaction's calldata. */
export const calldata = (...frames: readonly Frame[]): L1Item => ({ data: encodeFrames(frames) })
/** A blob for each of these frames. */
export const blobs = (...frames: readonly Frame[]): L1Item => ({
  blobs: frames.map((frame) => encodeBlob(encodeFrames([frame]))),
})
export const stranger: Hex = address(0xbad)

/** Blocks as attributes make them. */
export class Chain implements L2Chain {
  readonly #config: RollupConfig
  readonly #payloads: PayloadEnvelope[] = []
  readonly #refs: L2BlockRef[] = []

  constructor(config: RollupConfig) {
    this.#config = config
    const { l2, l2Time } = config.genesis
    this.#push(payload(l2.hash, hash(0), l2.number, l2Time, []))
  }

  get head(): L2BlockRef {
    return this.at(this.#refs.length - 1)
  }

  at(number: number): L2BlockRef {
    const ref = this.#refs[number]
    if (ref === undefined) throw new Error(`no L2 block ${number}`)
    return ref
  }

  userTransactions(number: number): readonly Uint8Array[] {
    const all = this.#payloads[number]?.executionPayload.transactions ?? []
    return all.filter((tx) => tx[0] !== txType.deposit)
  }

  append({ timestamp, transactions }: Pick<PayloadAttributes, 'timestamp' | 'transactions'>): void {
    const parent = this.head
    const txs = transactions ?? []
    const blockHash = keccakHex(concatBytes(Buffer.from(`${parent.hash} ${timestamp} `), ...txs))
    this.#push(payload(blockHash, parent.hash, parent.number + 1n, timestamp, txs))
  }

  batchBlocks(from: number, to: number): SpanBatchBlock[] {
    return Array.from({ length: to - from + 1 }, (_, i) => {
      const { timestamp, parentHash, l1Origin, sequenceNumber } = this.at(from + i)
      return {
        timestamp,
        parentHash,
        epochNum: l1Origin.number,
        epochHash: l1Origin.hash,
        isEpochStart: sequenceNumber === 0n,
        transactions: this.userTransactions(from + i),
      }
    })
  }

  readonly l2BlockRefByNumber = async (number: bigint) => this.#refs[Number(number)]
  readonly payloadByNumber = async (number: bigint) => this.#payloads[Number(number)]
  readonly systemConfigByL2Hash = async () => testSystemConfig

  #push(envelope: PayloadEnvelope): void {
    this.#payloads.push(envelope)
    this.#refs.push(l2BlockRef(this.#config, envelope.executionPayload))
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
    },
  }
}
