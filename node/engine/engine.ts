import { CodedError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type {
  ForkchoiceResult,
  ForkchoiceState,
  PayloadAttributes,
  PayloadEnvelope,
  PayloadStatus,
} from '../../protocol/engine-api.ts'

export type BlockLabel = 'latest' | 'safe' | 'finalized'

/**
 * An execution engine as the driver uses it: the embedded one in process, or op-geth over HTTP.
 * Picks the Engine API version by fork itself. All methods throw {@link EngineError}.
 */
export type Engine = {
  readonly chainId: () => Promise<bigint>
  readonly forkchoiceUpdated: (state: ForkchoiceState, attributes?: PayloadAttributes) => Promise<ForkchoiceResult>
  readonly getPayload: (id: Hex) => Promise<PayloadEnvelope>
  readonly newPayload: (envelope: PayloadEnvelope) => Promise<PayloadStatus>
  readonly payloadByHash: (hash: Hex) => Promise<PayloadEnvelope | undefined>
  /** The canonical block of that height. */
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  /** Undefined where the label was never set. */
  readonly payloadByLabel: (label: BlockLabel) => Promise<PayloadEnvelope | undefined>
  /** Storage root of the L2ToL1MessagePasser after that block (before Isthmus the header lacks it). */
  readonly messagePasserRoot: (blockHash: Hex) => Promise<Hex>
}

/**
 * `temporary`: try again. `invalid-forkchoice` (-38002): reset. `invalid-attributes` (-38003): the attributes can
 * never become a block. `unknown-payload` (-38001): start the build again. `unauthorized`: it refuses our token, a
 * person must look at secret and clock; it may work again without us. `critical`: the engine is not the right one.
 */
export class EngineError extends CodedError<
  'temporary' | 'unauthorized' | 'invalid-forkchoice' | 'invalid-attributes' | 'unknown-payload' | 'critical'
> {}
