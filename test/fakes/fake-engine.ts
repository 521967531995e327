import { type BlockLabel, type Engine, EngineError } from '../../node/engine/engine.ts'
import type { L2BlockRef } from '../../protocol/block-ref.ts'
import { bytesToHex, concatBytes, emptyBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type {
  ExecutionPayload,
  ForkchoiceResult,
  ForkchoiceState,
  PayloadAttributes,
  PayloadEnvelope,
  PayloadStatus,
} from '../../protocol/engine-api.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { hash } from './rollup-config.ts'

/** An engine without execution: it keeps blocks, builds what it is told and follows the fork choice like a real one. */
export class FakeEngine implements Engine {
  readonly calls: string[] = []
  /** Pool transactions for the next blocks built without `noTxPool`. */
  pool: Uint8Array[] = []
  /** True for attributes that the engine refuses with -38003. */
  refuses: (attributes: PayloadAttributes) => boolean = () => false
  /** True for payloads that newPayload finds invalid. */
  invalid: (payload: ExecutionPayload) => boolean = () => false
  /** Thrown by the next calls while set. */
  failure: Error | undefined
  syncing = false
  state: ForkchoiceState
  readonly #config: RollupConfig
  readonly #blocks = new Map<Hex, PayloadEnvelope>()
  readonly #jobs = new Map<Hex, PayloadEnvelope>()

  constructor(config: RollupConfig) {
    this.#config = config
    const genesis = config.genesis.l2.hash
    this.#blocks.set(genesis, { executionPayload: genesisPayload(config) })
    this.state = { headBlockHash: genesis, safeBlockHash: genesis, finalizedBlockHash: genesis }
  }

  readonly chainId = async (): Promise<bigint> => this.#config.l2ChainId

  readonly forkchoiceUpdated = async (
    state: ForkchoiceState,
    attributes?: PayloadAttributes,
  ): Promise<ForkchoiceResult> => {
    this.#called(attributes === undefined ? 'forkchoiceUpdated' : 'forkchoiceUpdated with attributes')
    if (this.syncing || !this.#blocks.has(state.headBlockHash)) return { payloadStatus: { status: 'SYNCING' } }
    // Zero leaves a label as it is.
    const canonical = (wanted: Hex) =>
      wanted === zeroHash || this.#ancestors(state.headBlockHash).some((p) => p.blockHash === wanted)
    if (!canonical(state.safeBlockHash) || !canonical(state.finalizedBlockHash)) {
      throw new EngineError('invalid-forkchoice', 'safe or finalized is not on the chain of the head')
    }
    const labelled = (given: Hex, before: Hex) => (given === zeroHash ? before : given)
    this.state = {
      headBlockHash: state.headBlockHash,
      safeBlockHash: labelled(state.safeBlockHash, this.state.safeBlockHash),
      finalizedBlockHash: labelled(state.finalizedBlockHash, this.state.finalizedBlockHash),
    }
    if (attributes === undefined) return { payloadStatus: { status: 'VALID' } }
    if (this.refuses(attributes)) throw new EngineError('invalid-attributes', 'refused by the test')
    const payloadId: Hex = `0x${(this.#jobs.size + 1).toString(16).padStart(16, '0')}`
    this.#jobs.set(payloadId, this.assemble(state.headBlockHash, attributes))
    return { payloadStatus: { status: 'VALID' }, payloadId }
  }

  readonly getPayload = async (id: Hex): Promise<PayloadEnvelope> => {
    this.#called('getPayload')
    const envelope = this.#jobs.get(id)
    if (envelope === undefined) throw new EngineError('unknown-payload', `no payload ${id}`)
    return envelope
  }

  readonly newPayload = async (envelope: PayloadEnvelope): Promise<PayloadStatus> => {
    this.#called('newPayload')
    if (this.invalid(envelope.executionPayload)) return { status: 'INVALID', validationError: 'refused by the test' }
    if (!this.#blocks.has(envelope.executionPayload.parentHash)) return { status: 'SYNCING' }
    this.#blocks.set(envelope.executionPayload.blockHash, envelope)
    return { status: 'VALID' }
  }

  readonly payloadByHash = async (wanted: Hex): Promise<PayloadEnvelope | undefined> => this.#blocks.get(wanted)

  readonly payloadByNumber = async (number: bigint): Promise<PayloadEnvelope | undefined> => {
    const payload = this.#ancestors(this.state.headBlockHash).find((p) => p.blockNumber === number)
    return payload === undefined ? undefined : this.#blocks.get(payload.blockHash)
  }

  readonly payloadByLabel = async (label: BlockLabel): Promise<PayloadEnvelope | undefined> => {
    const { headBlockHash, safeBlockHash, finalizedBlockHash } = this.state
    return this.#blocks.get({ latest: headBlockHash, safe: safeBlockHash, finalized: finalizedBlockHash }[label])
  }

  readonly messagePasserRoot = async (): Promise<Hex> => hash(0x99)

  /** The block that the engine would build; does not insert it. */
  assemble(parentHash: Hex, attributes: PayloadAttributes): PayloadEnvelope {
    const parent = this.#blocks.get(parentHash)?.executionPayload
    if (parent === undefined) throw new Error(`the fake engine has no ${parentHash}`)
    const transactions = [...attributes.transactions, ...(attributes.noTxPool ? [] : this.pool)]
    const bytes = concatBytes(hexToBytes(parentHash), uintBytes(attributes.timestamp, 8), ...transactions)
    return {
      executionPayload: {
        ...genesisPayload(this.#config),
        parentHash,
        feeRecipient: attributes.suggestedFeeRecipient,
        prevRandao: attributes.prevRandao,
        blockNumber: parent.blockNumber + 1n,
        gasLimit: attributes.gasLimit,
        timestamp: attributes.timestamp,
        blockHash: keccakHex(bytes),
        transactions,
      },
      parentBeaconBlockRoot: attributes.parentBeaconBlockRoot,
    }
  }

  /** As after a kill: the blocks above this height are gone, and so is the safe label. */
  loseAbove(number: bigint): void {
    for (const [blockHash, { executionPayload }] of this.#blocks) {
      if (executionPayload.blockNumber > number) this.#blocks.delete(blockHash)
    }
    const head = [...this.#blocks.values()].find(({ executionPayload }) => executionPayload.blockNumber === number)
    if (head === undefined) throw new Error(`the fake engine has no block ${number}`)
    const { finalizedBlockHash } = this.state
    const headBlockHash = head.executionPayload.blockHash
    this.state = { headBlockHash, safeBlockHash: finalizedBlockHash, finalizedBlockHash }
  }

  #ancestors(from: Hex): ExecutionPayload[] {
    const chain: ExecutionPayload[] = []
    for (let at = this.#blocks.get(from); at !== undefined; at = this.#blocks.get(at.executionPayload.parentHash)) {
      chain.push(at.executionPayload)
    }
    return chain
  }

  #called(name: string): void {
    this.calls.push(name)
    if (this.failure !== undefined) throw this.failure
  }
}

/** The heads as numbers, short enough for one expectation. */
export const heights = (heads: {
  readonly unsafe: L2BlockRef
  readonly safe: L2BlockRef
  readonly finalized: L2BlockRef
}) => [heads.unsafe, heads.safe, heads.finalized].map((ref) => Number(ref.number))

/** Jovian extraData with the Canyon constants and no minimum base fee, as the fakes' zero parameters give. */
const extraData = concatBytes(Uint8Array.of(1), uintBytes(250, 4), uintBytes(6, 4), uintBytes(0, 8))

function genesisPayload(config: RollupConfig): ExecutionPayload {
  return {
    parentHash: hash(0),
    feeRecipient: `0x4200000000000000000000000000000000000011`,
    stateRoot: hash(0x55),
    receiptsRoot: hash(0x66),
    logsBloom: new Uint8Array(256),
    prevRandao: hash(0),
    blockNumber: config.genesis.l2.number,
    gasLimit: 30_000_000n,
    gasUsed: 0n,
    timestamp: config.genesis.l2Time,
    extraData,
    baseFeePerGas: 1n,
    blockHash: config.genesis.l2.hash,
    transactions: [emptyBytes],
    withdrawals: [],
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    withdrawalsRoot: bytesToHex(new Uint8Array(32)),
  }
}
