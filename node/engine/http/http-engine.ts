import type { Clock } from '../../../common/clock.ts'
import { HttpRpcClient, RpcError, rpcCodes } from '../../../common/json-rpc.ts'
import { bytesToHex, FormatError, type Hex, parseQuantity, quantity } from '../../../protocol/bytes.ts'
import type {
  ForkchoiceResult,
  ForkchoiceState,
  PayloadAttributes,
  PayloadEnvelope,
  PayloadStatus,
} from '../../../protocol/engine-api.ts'
import {
  executionPayloadJson,
  forkchoiceStateJson,
  parseForkchoiceResult,
  parsePayloadEnvelope,
  parsePayloadStatus,
  payloadAttributesJson,
} from '../../../protocol/engine-api-json.ts'
import type { ForkTimes } from '../../../protocol/hardforks.ts'
import { type Header, headerHash } from '../../../protocol/header.ts'
import { asArray, asObject } from '../../../protocol/json-fields.ts'
import { headerToEnvelope, transactionsMatch } from '../../../protocol/payload-block.ts'
import { headerFromRpc, transactionFromRpc } from '../../../protocol/rpc-json.ts'
import { encodeTransaction } from '../../../protocol/transaction.ts'
import { verifyAccountProof } from '../../../protocol/trie-proof.ts'
import { type BlockLabel, type Engine, EngineError } from '../engine.ts'
import { engineApiVersions } from '../engine-api-versions.ts'
import { jwtToken } from '../jwt.ts'
import { engineMethods } from './capabilities.ts'
import { readTimeoutMs, timeoutMsOf } from './timeouts.ts'
import { toEngineError } from './wire-errors.ts'

/** Payload ids that are remembered; the driver builds one block at a time. */
const buildsMax = 64
/** op-geth's words for a block without its state, in either of its database schemes. */
const stateLost = /missing trie node|state .*not available|no state found/i
const messagePasser: Hex = '0x4200000000000000000000000000000000000016'

export type HttpEngineOptions = {
  readonly url: string
  /** 32 bytes. */
  readonly jwtSecret: Uint8Array
  readonly forkTimes: ForkTimes
}

/** An engine behind the authenticated Engine API port: op-geth, op-reth, or our own in another process. */
export class HttpEngine implements Engine {
  readonly #forkTimes: ForkTimes
  readonly #rpc: HttpRpcClient
  readonly #clock: Clock
  /** getPayload's version depends on the block's time, which the id alone does not tell. */
  readonly #builds = new Map<Hex, { readonly timestamp: bigint; readonly parent: Hex }>()

  constructor({ url, jwtSecret, forkTimes }: HttpEngineOptions, { clock }: { readonly clock: Clock }) {
    this.#forkTimes = forkTimes
    this.#clock = clock
    const headers = () => ({ authorization: `Bearer ${jwtToken(jwtSecret, Math.floor(clock.nowMs() / 1000))}` })
    this.#rpc = new HttpRpcClient({ url, timeoutMs: readTimeoutMs, headers })
  }

  /** Methods the engine says it has; undefined where it is too old to say. */
  async capabilities(): Promise<readonly string[] | undefined> {
    const asked = [engineMethods(this.#forkTimes).map(({ method }) => method)]
    try {
      return await this.#ask('engine_exchangeCapabilities', asked, (json) => asArray(json, 'capabilities').map(String))
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : undefined
      if (cause instanceof RpcError && cause.code === rpcCodes.methodNotFound) return undefined
      throw error
    }
  }

  async chainId(): Promise<bigint> {
    return this.#ask('eth_chainId', [], (json) => parseQuantity(json, 'chain id'))
  }

  async forkchoiceUpdated(state: ForkchoiceState, attributes?: PayloadAttributes): Promise<ForkchoiceResult> {
    if (attributes === undefined) return this.#forkchoiceUpdated(state)
    return this.#onStateOf(state.headBlockHash, () => this.#forkchoiceUpdated(state, attributes))
  }

  async #forkchoiceUpdated(state: ForkchoiceState, attributes?: PayloadAttributes): Promise<ForkchoiceResult> {
    const version = attributes === undefined ? 3 : this.#versions(attributes.timestamp).forkchoiceUpdated
    const json = attributes === undefined ? null : payloadAttributesJson(attributes)
    const method = `engine_forkchoiceUpdatedV${version}`
    const result = await this.#ask(method, [forkchoiceStateJson(state), json], parseForkchoiceResult)
    if (attributes !== undefined && result.payloadId !== undefined) {
      this.#rememberBuild(result.payloadId, attributes.timestamp, state.headBlockHash)
    }
    return result
  }

  async getPayload(id: Hex): Promise<PayloadEnvelope> {
    const build = this.#builds.get(id)
    if (build === undefined) throw new EngineError('unknown-payload', `payload ${id} was not asked for here`)
    const method = `engine_getPayloadV${this.#versions(build.timestamp).getPayload}`
    return this.#onStateOf(build.parent, () => this.#ask(method, [id], parsePayloadEnvelope))
  }

  async newPayload({ executionPayload, parentBeaconBlockRoot }: PayloadEnvelope): Promise<PayloadStatus> {
    const version = this.#versions(executionPayload.timestamp).newPayload
    const payload = executionPayloadJson(executionPayload)
    const blobs = version >= 3 ? [[], parentBeaconBlockRoot ?? null] : []
    const requests = version >= 4 ? [[]] : []
    return this.#ask(`engine_newPayloadV${version}`, [payload, ...blobs, ...requests], parsePayloadStatus)
  }

  async payloadByHash(hash: Hex): Promise<PayloadEnvelope | undefined> {
    const block = await this.#block('eth_getBlockByHash', hash)
    if (block !== undefined && block.executionPayload.blockHash !== hash) {
      throw new EngineError('critical', `the engine answered ${block.executionPayload.blockHash} for block ${hash}`)
    }
    return block
  }

  async payloadByNumber(number: bigint): Promise<PayloadEnvelope | undefined> {
    const block = await this.#block('eth_getBlockByNumber', quantity(number))
    if (block !== undefined && block.executionPayload.blockNumber !== number) {
      throw new EngineError('critical', `the engine answered block ${block.executionPayload.blockNumber} for ${number}`)
    }
    return block
  }

  async payloadByLabel(label: BlockLabel): Promise<PayloadEnvelope | undefined> {
    return this.#block('eth_getBlockByNumber', label)
  }

  async messagePasserRoot(blockHash: Hex): Promise<Hex> {
    const json = await this.#ask('eth_getBlockByHash', [blockHash, false], (block) => block)
    const header = this.#parse('eth_getBlockByHash', json, headerFromRpc)
    if (bytesToHex(headerHash(header)) !== blockHash) throw new EngineError('critical', `wrong header for ${blockHash}`)
    // From Isthmus, which is when requestsHash came, the header itself commits to the root.
    if (header.requestsHash !== undefined && header.withdrawalsRoot !== undefined)
      return bytesToHex(header.withdrawalsRoot)
    return this.#ask('eth_getProof', [messagePasser, [], blockHash], (proof) => storageRoot(header, proof))
  }

  /**
   * Does `action`, which needs the state of `block`. op-geth calls attributes invalid, or builds without end, where it
   * has a block but lost its state, as after a SIGKILL before anything was final: that is `temporary`, and for a person.
   */
  async #onStateOf<T>(block: Hex, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (cause) {
      const isSuspect =
        cause instanceof EngineError && (cause.code === 'invalid-attributes' || cause.code === 'temporary')
      if (!isSuspect || (await this.#hasState(block))) throw cause
      const advice =
        'rewind it with debug_setHead to a block whose state it has and restart it, or let it sync from peers'
      throw new EngineError('temporary', `the engine lost the state of its block ${block}: ${advice}`, { cause })
    }
  }

  /** False only where the engine says that it has the block but not its state. */
  async #hasState(block: Hex): Promise<boolean> {
    try {
      await this.#ask('eth_getBalance', [messagePasser, { blockHash: block }], String)
      return true
    } catch (error) {
      return !(error instanceof EngineError && stateLost.test(error.message))
    }
  }

  #versions(timestamp: bigint) {
    return engineApiVersions(this.#forkTimes, timestamp)
  }

  #rememberBuild(id: Hex, timestamp: bigint, parent: Hex): void {
    this.#builds.set(id, { timestamp, parent })
    const [oldest] = this.#builds.keys()
    if (this.#builds.size > buildsMax && oldest !== undefined) this.#builds.delete(oldest)
  }

  async #block(method: string, block: string): Promise<PayloadEnvelope | undefined> {
    try {
      return await this.#ask(method, [block, true], (json) => (json === null ? undefined : blockEnvelope(json)))
    } catch (error) {
      // geth answers an error where a label was never set.
      const cause = error instanceof EngineError ? error.cause : undefined
      if (cause instanceof RpcError && /not found|unknown block/i.test(cause.message)) return undefined
      throw error
    }
  }

  async #ask<T>(method: string, params: readonly unknown[], parse: (json: unknown) => T): Promise<T> {
    let json: unknown
    try {
      json = await this.#rpc.request(method, params, timeoutMsOf(method))
    } catch (error) {
      throw toEngineError(error, this.#clock.nowMs())
    }
    return this.#parse(method, json, parse)
  }

  #parse<T>(method: string, json: unknown, parse: (json: unknown) => T): T {
    try {
      return parse(json)
    } catch (cause) {
      if (cause instanceof FormatError) throw new EngineError('critical', `${method}: malformed answer`, { cause })
      throw cause
    }
  }
}

function blockEnvelope(json: unknown): PayloadEnvelope {
  const header = headerFromRpc(json)
  const transactions = asArray(asObject(json, 'block')['transactions'], 'transactions').map((item) =>
    encodeTransaction(transactionFromRpc(item)),
  )
  if (!transactionsMatch(header, transactions)) throw new FormatError('the transactions are not those of the header')
  return headerToEnvelope(header, transactions)
}

function storageRoot(header: Header, proof: unknown): Hex {
  const { address, account } = verifyAccountProof(header.stateRoot, proof)
  if (bytesToHex(address) !== messagePasser) throw new FormatError('the proof is of another account')
  return bytesToHex(account.storageRoot)
}
