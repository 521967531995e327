import type { Hex } from './bytes.ts'

/** Objects of the Engine API with the OP extensions. Spec: protocol/exec-engine.md, "Engine API". JSON codecs: engine-api-json.ts. */
export type ForkchoiceState = {
  readonly headBlockHash: Hex
  readonly safeBlockHash: Hex
  readonly finalizedBlockHash: Hex
}

export type PayloadAttributes = {
  readonly timestamp: bigint
  readonly prevRandao: Hex
  readonly suggestedFeeRecipient: Hex
  /** Absent before Canyon, empty from then on. */
  readonly withdrawals?: readonly [] | undefined
  /** From Ecotone. */
  readonly parentBeaconBlockRoot?: Hex | undefined
  readonly transactions: readonly Uint8Array[]
  readonly noTxPool: boolean
  readonly gasLimit: bigint
  /** 8 bytes, from Holocene. */
  readonly eip1559Params?: Hex | undefined
  /** From Jovian. */
  readonly minBaseFee?: bigint | undefined
}

export type ExecutionPayload = {
  readonly parentHash: Hex
  readonly feeRecipient: Hex
  readonly stateRoot: Hex
  readonly receiptsRoot: Hex
  /** 256 bytes. */
  readonly logsBloom: Uint8Array
  readonly prevRandao: Hex
  readonly blockNumber: bigint
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  readonly timestamp: bigint
  readonly extraData: Uint8Array
  readonly baseFeePerGas: bigint
  readonly blockHash: Hex
  readonly transactions: readonly Uint8Array[]
  /** Absent before Canyon. */
  readonly withdrawals?: readonly [] | undefined
  /** From Ecotone. */
  readonly blobGasUsed?: bigint | undefined
  readonly excessBlobGas?: bigint | undefined
  /** From Isthmus: storage root of the L2ToL1MessagePasser. */
  readonly withdrawalsRoot?: Hex | undefined
}

/** A payload with the field of its header that the payload itself lacks. */
export type PayloadEnvelope = {
  readonly executionPayload: ExecutionPayload
  readonly parentBeaconBlockRoot?: Hex | undefined
}

export type PayloadStatus = {
  readonly status: 'VALID' | 'INVALID' | 'SYNCING' | 'ACCEPTED'
  readonly latestValidHash?: Hex | undefined
  readonly validationError?: string | undefined
}

export type ForkchoiceResult = { readonly payloadStatus: PayloadStatus; readonly payloadId?: Hex | undefined }
