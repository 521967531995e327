import { join } from 'node:path'
import { systemClock } from '../../../common/clock.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog as log } from '../../../common/log.ts'
import { EmbeddedChain } from '../../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../../node/engine/embedded/engine.ts'
import { embeddedRpcMethods } from '../../../node/engine/embedded/rpc/embedded-rpc.ts'
import { TxPool } from '../../../node/engine/embedded/txpool/tx-pool.ts'
import { type Engine, EngineError } from '../../../node/engine/engine.ts'
import { HttpEngine } from '../../../node/engine/http/http-engine.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope, PayloadStatus } from '../../../protocol/engine-api.ts'
import { payloadEnvelopeJson } from '../../../protocol/engine-api-json.ts'
import { type Genesis, genesisHeader, parseGenesis } from '../../../protocol/genesis-file.ts'
import { headerHash } from '../../../protocol/header.ts'
import { OpGeth } from '../op-geth-process.ts'

/** What an engine made of attributes: a block, or a refusal. */
export type Built = { readonly envelope: PayloadEnvelope } | { readonly refused: string }

/** The embedded engine and op-geth on one genesis, each given the same through the Engine API. */
export class TwinEngines {
  readonly genesis: Genesis
  readonly chain: EmbeddedChain
  readonly embedded: EmbeddedEngine
  readonly geth: OpGeth
  readonly remote: HttpEngine
  /** `eth_*` of the embedded engine. */
  readonly rpcUrl: string
  readonly #server: RpcServer
  readonly #genesisHash: Hex
  #head: PayloadEnvelope | undefined

  private constructor(parts: {
    readonly genesis: Genesis
    readonly chain: EmbeddedChain
    readonly geth: OpGeth
    readonly server: RpcServer
    readonly rpcUrl: string
  }) {
    this.genesis = parts.genesis
    this.chain = parts.chain
    this.embedded = new EmbeddedEngine(parts.chain, { log })
    this.geth = parts.geth
    this.#server = parts.server
    this.rpcUrl = parts.rpcUrl
    const { authUrl, jwtSecret } = parts.geth
    this.remote = new HttpEngine({ url: authUrl, jwtSecret, forkTimes: this.genesis.forkTimes }, { clock: systemClock })
    this.#genesisHash = bytesToHex(headerHash(genesisHeader(this.genesis).header))
  }

  static async open(file: Record<string, unknown>, dir: string): Promise<TwinEngines> {
    const genesis = parseGenesis(file)
    const geth = await OpGeth.start({ genesis: file, dir: join(dir, 'op-geth') })
    const chain = await EmbeddedChain.open({ dir: join(dir, 'embedded'), genesis, archive: true }, { log })
    const pool = new TxPool({ forkTimes: genesis.forkTimes }, { chain, clock: systemClock, log })
    const methods = embeddedRpcMethods({ clientVersion: 'test' }, { chain, pool, clock: systemClock, log })
    const server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods, log })
    const rpcUrl = `http://127.0.0.1:${await server.start()}`
    return new TwinEngines({ genesis, chain, geth, server, rpcUrl })
  }

  async close(): Promise<void> {
    await this.#server.stop()
    await this.embedded.stop()
    await this.chain.close()
    await this.geth.kill()
  }

  get headHash(): Hex {
    return this.#head?.executionPayload.blockHash ?? this.#genesisHash
  }

  get headTime(): bigint {
    return this.#head?.executionPayload.timestamp ?? this.genesis.timestamp
  }

  /** Builds on the head without moving it. */
  async build(engine: Engine, attributes: PayloadAttributes): Promise<Built> {
    const heads = this.#heads(this.headHash)
    try {
      const { payloadId, payloadStatus } = await engine.forkchoiceUpdated(heads, attributes)
      if (payloadId === undefined) return { refused: payloadStatus.validationError ?? payloadStatus.status }
      return { envelope: await engine.getPayload(payloadId) }
    } catch (error) {
      if (error instanceof EngineError && isRefusal(error)) return { refused: error.message }
      throw error
    }
  }

  /** Executes a block on the engine that did not build it, then makes it the head of both. */
  async accept(envelope: PayloadEnvelope, builder: Engine): Promise<PayloadStatus> {
    const [first, second] = builder === this.remote ? [this.embedded, this.remote] : [this.remote, this.embedded]
    const status = await first.newPayload(envelope)
    if (status.status !== 'VALID') return status
    await second.newPayload(envelope)
    this.#head = envelope
    for (const engine of [this.embedded, this.remote]) {
      const { payloadStatus } = await engine.forkchoiceUpdated(this.#heads(envelope.executionPayload.blockHash))
      if (payloadStatus.status !== 'VALID') return payloadStatus
    }
    return status
  }

  /** How the engines differ on these attributes, or undefined where they agree on a block or a refusal. */
  async difference(attributes: PayloadAttributes): Promise<string | undefined> {
    const ours = await this.build(this.embedded, attributes)
    const theirs = await this.build(this.remote, attributes)
    if ('refused' in ours || 'refused' in theirs) {
      if ('refused' in ours && 'refused' in theirs) return undefined
      return 'refused' in ours ? `only we refuse: ${ours.refused}` : `only op-geth refuses: ${Object(theirs).refused}`
    }
    if (ours.envelope.executionPayload.blockHash === theirs.envelope.executionPayload.blockHash) return undefined
    const [a, b] = [payloadEnvelopeJson(ours.envelope), payloadEnvelopeJson(theirs.envelope)].map(
      (json) => json['executionPayload'] as Record<string, unknown>,
    )
    const fields = Object.keys(b ?? {}).filter((key) => JSON.stringify(a?.[key]) !== JSON.stringify(b?.[key]))
    return fields.map((key) => `${key}: ours ${String(a?.[key])}, op-geth ${String(b?.[key])}`).join('; ')
  }

  #heads(headBlockHash: Hex) {
    return { headBlockHash, safeBlockHash: this.#genesisHash, finalizedBlockHash: this.#genesisHash }
  }
}

/** op-geth's handler panics on a blob transaction in attributes, instead of refusing it. */
function isRefusal({ code, message }: EngineError): boolean {
  return code === 'invalid-attributes' || message.endsWith('method handler crashed')
}
