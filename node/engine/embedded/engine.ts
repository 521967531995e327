import { errorMessage } from '../../../common/errors.ts'
import type { Log } from '../../../common/log.ts'
import { LruCache } from '../../../common/lru-cache.ts'
import { Serial } from '../../../common/serial.ts'
import { bytesToHex, FormatError, type Hex, zeroHash } from '../../../protocol/bytes.ts'
import type {
  ForkchoiceResult,
  ForkchoiceState,
  PayloadAttributes,
  PayloadEnvelope,
  PayloadStatus,
} from '../../../protocol/engine-api.ts'
import { headerHash } from '../../../protocol/header.ts'
import { headerToEnvelope, payloadHeader } from '../../../protocol/payload-block.ts'
import { type BlockLabel, type Engine, EngineError } from '../engine.ts'
import { openBlock } from './block/build.ts'
import { type DaLimits, fillBlock } from './block/fill.ts'
import { processBlock } from './block/process.ts'
import type { EmbeddedChain } from './chain/chain.ts'
import type { StoredBlock, StoredHeader } from './chain-view.ts'
import { InvalidBlockError, MissingNodeError } from './errors.ts'
import { payloadId } from './payload-id.ts'
import { type Payload, Payloads } from './payloads.ts'
import { MissingCodeError } from './transition/create2-deployer.ts'
import { TxError } from './transition/outcome.ts'

/** Invalid blocks remembered, so that their descendants are refused without a look. */
const invalidBlocksMax = 1_024

/** Time the last look into the pool may take when a payload is asked for. */
const lastFillMs = 500

/** How often an open payload looks for new transactions. */
const fillEveryMs = 100

/** Time one such look may take, so that others are served in between. */
const fillSliceMs = 50

/**
 * The embedded engine behind the same port as op-geth.
 * Owns: the semantics of the Engine API, payloads in the making. Does not own: storage (chain/), rules (block/, transition/).
 */
export class EmbeddedEngine implements Engine {
  readonly #chain: EmbeddedChain
  readonly #log: Log
  readonly #payloads = new Payloads()
  /** Invalid blocks, with the newest valid ancestor of each. */
  readonly #invalid = new LruCache<Hex, Hex>(invalidBlocksMax)
  readonly #serial = new Serial()
  #filler: NodeJS.Timeout | undefined
  #daLimits: DaLimits = { blockBytes: 0n, transactionBytes: 0n }

  constructor(chain: EmbeddedChain, parts: { readonly log: Log }) {
    this.#chain = chain
    this.#log = parts.log
  }

  async chainId(): Promise<bigint> {
    return this.#chain.chainId
  }

  /** Limits the data of blocks built from now on (`miner_setMaxDASize`); 0 is no limit. */
  setMaxDaSize(limits: DaLimits): void {
    this.#daLimits = limits
  }

  /** Resolves when nothing runs any more; call before the chain is closed. */
  async stop(): Promise<void> {
    clearTimeout(this.#filler)
    this.#filler = undefined
    await this.#serial.run(async () => undefined)
  }

  /** Spec: execution-apis `engine_forkchoiceUpdated`, protocol/exec-engine.md. */
  forkchoiceUpdated(state: ForkchoiceState, attributes?: PayloadAttributes): Promise<ForkchoiceResult> {
    return this.#serial.run(async () => {
      const { headBlockHash } = state
      const latestValid = this.#invalid.get(headBlockHash)
      if (latestValid !== undefined) return { payloadStatus: invalid('head is invalid', latestValid) }
      if (headBlockHash === zeroHash) return { payloadStatus: { status: 'INVALID' } }
      const head = this.#chain.blockByHash(headBlockHash)
      if (head === undefined) return { payloadStatus: { status: 'SYNCING' } }
      await this.#setHeads(head, state)
      const payloadStatus: PayloadStatus = { status: 'VALID', latestValidHash: headBlockHash }
      if (attributes === undefined) return { payloadStatus }
      return { payloadStatus, payloadId: await this.#build(head, attributes) }
    })
  }

  getPayload(id: Hex): Promise<PayloadEnvelope> {
    clearTimeout(this.#filler)
    return this.#serial.run(async () => {
      const payload = this.#payloads.get(id)
      if (payload === undefined) throw new EngineError('unknown-payload', `no payload ${id}`)
      if (payload.sealed === undefined) await this.#fill(payload, lastFillMs)
      const { header, transactions } = this.#payloads.seal(payload)
      return headerToEnvelope(header, transactions)
    })
  }

  /** Spec: execution-apis `engine_newPayload`. */
  newPayload(envelope: PayloadEnvelope): Promise<PayloadStatus> {
    return this.#serial.run(async () => {
      const claimed = envelope.executionPayload
      const block = this.#blockOf(envelope)
      if (block === undefined || block.hash !== claimed.blockHash)
        return invalid('block hash does not match the payload')
      if (this.#chain.headerByHash(block.hash) !== undefined) return valid(block.hash)
      const latestValid = this.#invalid.get(claimed.parentHash) ?? this.#invalid.get(block.hash)
      if (latestValid !== undefined) {
        this.#invalid.set(block.hash, latestValid)
        return invalid('the block or an ancestor is invalid', latestValid)
      }
      const parent = this.#chain.headerByHash(claimed.parentHash)
      return parent === undefined ? { status: 'SYNCING' } : this.#insert(block, parent)
    })
  }

  async payloadByHash(hash: Hex): Promise<PayloadEnvelope | undefined> {
    return envelopeOf(this.#chain.blockByHash(hash))
  }

  async payloadByNumber(number: bigint): Promise<PayloadEnvelope | undefined> {
    return envelopeOf(this.#chain.blockByNumber(number))
  }

  async payloadByLabel(label: BlockLabel): Promise<PayloadEnvelope | undefined> {
    return envelopeOf(this.#chain.head(label))
  }

  async messagePasserRoot(blockHash: Hex): Promise<Hex> {
    return this.#chain.messagePasserRoot(blockHash)
  }

  async #setHeads(head: StoredBlock, state: ForkchoiceState): Promise<void> {
    const safe = this.#labelled(head, state.safeBlockHash, 'safe')
    const finalized = this.#labelled(head, state.finalizedBlockHash, 'finalized')
    await this.#chain.setHeads(head, { safe, finalized })
  }

  /** Zero leaves a label as it is; any other hash must be of an ancestor of the head, or the head itself. */
  #labelled(head: StoredBlock, hash: Hex, name: string): Hex | undefined {
    if (hash === zeroHash) return undefined
    const block = this.#chain.headerByHash(hash)
    if (block === undefined) throw new EngineError('invalid-forkchoice', `${name} block ${hash} is not known`)
    if (!this.#isAncestor(block, head)) {
      throw new EngineError('invalid-forkchoice', `${name} block ${hash} is not an ancestor of the head`)
    }
    return hash
  }

  #isAncestor(block: StoredHeader, head: StoredHeader): boolean {
    let at: StoredHeader | undefined = head
    while (at !== undefined && at.header.number > block.header.number) {
      if (this.#chain.isCanonical(at)) return this.#chain.isCanonical(block)
      at = this.#chain.headerByHash(bytesToHex(at.header.parentHash))
    }
    return at?.hash === block.hash
  }

  async #build(parent: StoredBlock, attributes: PayloadAttributes): Promise<Hex> {
    const id = payloadId(parent.hash, attributes, this.#chain.genesis.forkTimes)
    if (this.#payloads.get(id) !== undefined) return id
    const state = this.#chain.takeState(parent)
    if (state === undefined) throw new EngineError('temporary', `the state of block ${parent.hash} is gone`)
    try {
      const open = await openBlock(this.#chain.parts, parent, attributes, state, this.#chain.blockHashes(parent))
      const payload: Payload = { state, open, isFixed: attributes.noTxPool }
      this.#payloads.add(id, payload)
      if (!payload.isFixed) this.#scheduleFill(payload, 0)
      return id
    } catch (cause) {
      throw buildError(cause)
    }
  }

  /** Takes transactions as they come, so that little is left to do when the payload is asked for. */
  #scheduleFill(payload: Payload, delayMs: number): void {
    clearTimeout(this.#filler)
    this.#filler = setTimeout(() => {
      this.#serial
        .run(() => (payload.sealed === undefined ? this.#fill(payload, fillSliceMs) : Promise.resolve()))
        .then(
          () => {
            if (payload.sealed === undefined && this.#filler !== undefined) this.#scheduleFill(payload, fillEveryMs)
          },
          (error: unknown) => this.#log.error('block building failed', { error }),
        )
    }, delayMs)
    this.#filler.unref()
  }

  async #fill(payload: Payload, timeMs: number): Promise<void> {
    const source = this.#chain.transactionSource
    if (payload.isFixed || source === undefined) return
    await fillBlock(payload.open.execution, source, this.#daLimits, performance.now() + timeMs)
  }

  #blockOf(envelope: PayloadEnvelope): StoredBlock | undefined {
    try {
      const header = payloadHeader(envelope, this.#chain.genesis.forkTimes)
      return { hash: bytesToHex(headerHash(header)), header, transactions: envelope.executionPayload.transactions }
    } catch (error) {
      if (error instanceof FormatError) return undefined
      throw error
    }
  }

  async #insert(block: StoredBlock, parent: StoredHeader): Promise<PayloadStatus> {
    const built = this.#payloads.sealed(block.hash)
    if (built !== undefined) {
      await this.#chain.insert(built.sealed, built.state)
      this.#payloads.taken(block.hash)
      return valid(block.hash)
    }
    const state = this.#chain.takeState(parent)
    if (state === undefined) return this.#withoutState(block)
    try {
      const sealed = await processBlock(this.#chain.parts, parent, block, state, this.#chain.blockHashes(parent))
      await this.#chain.insert(sealed, state)
      return valid(block.hash)
    } catch (error) {
      if (error instanceof MissingNodeError) return this.#withoutState(block)
      if (error instanceof MissingCodeError) throw new EngineError('critical', error.message, { cause: error })
      if (!(error instanceof InvalidBlockError || error instanceof FormatError)) throw error
      this.#log.warn('invalid block', { hash: block.hash, number: block.header.number, error })
      this.#invalid.set(block.hash, parent.hash)
      return invalid(errorMessage(error), parent.hash)
    }
  }

  #withoutState(block: StoredBlock): PayloadStatus {
    this.#log.warn('cannot execute: the state of the parent is gone', { number: block.header.number })
    return { status: 'SYNCING' }
  }
}

function valid(hash: Hex): PayloadStatus {
  return { status: 'VALID', latestValidHash: hash }
}

function invalid(validationError: string, latestValidHash?: Hex): PayloadStatus {
  return { status: 'INVALID', validationError, latestValidHash }
}

function envelopeOf(block: StoredBlock | undefined): PayloadEnvelope | undefined {
  return block === undefined ? undefined : headerToEnvelope(block.header, block.transactions)
}

/** What kept a payload from being begun, in the port's terms. */
function buildError(cause: unknown): unknown {
  if (cause instanceof FormatError || cause instanceof TxError) {
    return new EngineError('invalid-attributes', errorMessage(cause), { cause })
  }
  if (cause instanceof MissingCodeError) return new EngineError('critical', cause.message, { cause })
  if (cause instanceof MissingNodeError) return new EngineError('temporary', cause.message, { cause })
  return cause
}
