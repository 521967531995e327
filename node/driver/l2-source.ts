import type { L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { l2BlockRef, systemConfigOfPayload } from '../../protocol/l2-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import type { BlockLabel, Engine } from '../engine/engine.ts'
import { DriverError } from './driver-error.ts'

/** Refs kept by hash: a sequencing window of a few hours while heads are searched. */
const refsMax = 20_000

/** The engine's blocks as L2 refs: what derivation and the driver read of L2. Implements derive's `L2Chain`. */
export class L2Source {
  readonly #config: RollupConfig
  readonly #engine: Pick<Engine, 'payloadByHash' | 'payloadByNumber' | 'payloadByLabel'>
  readonly #refs = new Map<Hex, L2BlockRef>()

  constructor(config: RollupConfig, engine: Pick<Engine, 'payloadByHash' | 'payloadByNumber' | 'payloadByLabel'>) {
    this.#config = config
    this.#engine = engine
  }

  readonly payloadByNumber = (number: bigint): Promise<PayloadEnvelope | undefined> =>
    this.#engine.payloadByNumber(number)

  readonly l2BlockRefByNumber = async (number: bigint): Promise<L2BlockRef | undefined> =>
    this.#maybeRef(await this.#engine.payloadByNumber(number))

  readonly l2BlockRefByLabel = async (label: BlockLabel): Promise<L2BlockRef | undefined> =>
    this.#maybeRef(await this.#engine.payloadByLabel(label))

  /** Throws `reset` for a block the engine does not have. */
  readonly l2BlockRefByHash = async (hash: Hex): Promise<L2BlockRef> =>
    this.#refs.get(hash) ?? this.refOf(await this.#payload(hash))

  readonly systemConfigByL2Hash = async (hash: Hex): Promise<SystemConfig> =>
    systemConfigOfPayload(this.#config, (await this.#payload(hash)).executionPayload)

  /** Throws FormatError for a payload without a decodable L1-info deposit. */
  refOf(envelope: PayloadEnvelope): L2BlockRef {
    const ref = l2BlockRef(this.#config, envelope.executionPayload)
    if (this.#refs.size >= refsMax) this.#refs.delete(this.#refs.keys().next().value ?? ref.hash)
    this.#refs.set(ref.hash, ref)
    return ref
  }

  #maybeRef(envelope: PayloadEnvelope | undefined): L2BlockRef | undefined {
    return envelope === undefined ? undefined : this.refOf(envelope)
  }

  async #payload(hash: Hex): Promise<PayloadEnvelope> {
    const envelope = await this.#engine.payloadByHash(hash)
    if (envelope === undefined) throw new DriverError('reset', `the engine has no L2 block ${hash}`)
    return envelope
  }
}
