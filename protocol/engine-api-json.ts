import { bytesToHex, FormatError, fixedHex, type Hex, quantity } from './bytes.ts'
import type {
  ExecutionPayload,
  ForkchoiceResult,
  ForkchoiceState,
  PayloadAttributes,
  PayloadEnvelope,
  PayloadStatus,
} from './engine-api.ts'
import {
  asAddress,
  asArray,
  asData,
  asFixed,
  asObject,
  optional,
  optionalHash,
  optionalQuantity,
  uintQuantity,
} from './json-fields.ts'

/** A transaction is at most 10 MB, the most a gossip message carries; a server's body limit stands before this one. */
export const transactionBytesMax = 10_485_760

/** Reads a `ForkchoiceStateV1`. Throws {@link FormatError}, as every parser of this file. */
export function parseForkchoiceState(json: unknown): ForkchoiceState {
  const object = asObject(json, 'forkchoice state')
  return {
    headBlockHash: fixedHex(object['headBlockHash'], 32, 'headBlockHash'),
    safeBlockHash: fixedHex(object['safeBlockHash'], 32, 'safeBlockHash'),
    finalizedBlockHash: fixedHex(object['finalizedBlockHash'], 32, 'finalizedBlockHash'),
  }
}

/** A `ForkchoiceStateV1`. */
export function forkchoiceStateJson(state: ForkchoiceState): Record<string, unknown> {
  return { ...state }
}

/** Reads payload attributes of any version, with OP's fields. `gasLimit` is required, as in op-geth. */
export function parsePayloadAttributes(json: unknown): PayloadAttributes {
  const object = asObject(json, 'payload attributes')
  const params = object['eip1559Params']
  return {
    timestamp: uintQuantity(object['timestamp'], 'timestamp'),
    prevRandao: fixedHex(object['prevRandao'], 32, 'prevRandao'),
    suggestedFeeRecipient: asAddress(object['suggestedFeeRecipient'], 'suggestedFeeRecipient'),
    ...optional('withdrawals', parseWithdrawals(object['withdrawals'])),
    ...optional('parentBeaconBlockRoot', optionalHash(object['parentBeaconBlockRoot'], 'parentBeaconBlockRoot')),
    transactions: parseTransactions(object['transactions'] ?? []),
    noTxPool: parseBoolean(object['noTxPool'], 'noTxPool'),
    gasLimit: uintQuantity(object['gasLimit'], 'gasLimit'),
    ...optional(
      'eip1559Params',
      params === undefined || params === null ? undefined : fixedHex(params, 8, 'eip1559Params'),
    ),
    ...optional('minBaseFee', parseMinBaseFee(object['minBaseFee'])),
  }
}

/** Payload attributes; fields of later forks than theirs are left out. */
export function payloadAttributesJson(attributes: PayloadAttributes): Record<string, unknown> {
  return {
    timestamp: quantity(attributes.timestamp),
    prevRandao: attributes.prevRandao,
    suggestedFeeRecipient: attributes.suggestedFeeRecipient,
    ...optional('withdrawals', attributes.withdrawals),
    ...optional('parentBeaconBlockRoot', attributes.parentBeaconBlockRoot),
    transactions: attributes.transactions.map(bytesToHex),
    noTxPool: attributes.noTxPool,
    gasLimit: quantity(attributes.gasLimit),
    ...optional('eip1559Params', attributes.eip1559Params),
    ...optional('minBaseFee', minBaseFeeJson(attributes.minBaseFee)),
  }
}

/** Reads an execution payload of any version. */
export function parseExecutionPayload(json: unknown): ExecutionPayload {
  const object = asObject(json, 'execution payload')
  const hash = (key: string): Hex => fixedHex(object[key], 32, key)
  return {
    parentHash: hash('parentHash'),
    feeRecipient: asAddress(object['feeRecipient'], 'feeRecipient'),
    stateRoot: hash('stateRoot'),
    receiptsRoot: hash('receiptsRoot'),
    logsBloom: asFixed(object['logsBloom'], 'logsBloom', 256),
    prevRandao: hash('prevRandao'),
    blockNumber: uintQuantity(object['blockNumber'], 'blockNumber'),
    gasLimit: uintQuantity(object['gasLimit'], 'gasLimit'),
    gasUsed: uintQuantity(object['gasUsed'], 'gasUsed'),
    timestamp: uintQuantity(object['timestamp'], 'timestamp'),
    extraData: asData(object['extraData'], 'extraData', 32),
    baseFeePerGas: uintQuantity(object['baseFeePerGas'], 'baseFeePerGas', 256),
    blockHash: hash('blockHash'),
    transactions: parseTransactions(object['transactions']),
    ...optional('withdrawals', parseWithdrawals(object['withdrawals'])),
    ...optional('blobGasUsed', optionalQuantity(object['blobGasUsed'], 'blobGasUsed')),
    ...optional('excessBlobGas', optionalQuantity(object['excessBlobGas'], 'excessBlobGas')),
    ...optional('withdrawalsRoot', optionalHash(object['withdrawalsRoot'], 'withdrawalsRoot')),
  }
}

/** An execution payload; fields of later forks than its own are left out. */
export function executionPayloadJson(payload: ExecutionPayload): Record<string, unknown> {
  return {
    parentHash: payload.parentHash,
    feeRecipient: payload.feeRecipient,
    stateRoot: payload.stateRoot,
    receiptsRoot: payload.receiptsRoot,
    logsBloom: bytesToHex(payload.logsBloom),
    prevRandao: payload.prevRandao,
    blockNumber: quantity(payload.blockNumber),
    gasLimit: quantity(payload.gasLimit),
    gasUsed: quantity(payload.gasUsed),
    timestamp: quantity(payload.timestamp),
    extraData: bytesToHex(payload.extraData),
    baseFeePerGas: quantity(payload.baseFeePerGas),
    blockHash: payload.blockHash,
    transactions: payload.transactions.map(bytesToHex),
    ...optional('withdrawals', payload.withdrawals),
    ...optional('blobGasUsed', payload.blobGasUsed === undefined ? undefined : quantity(payload.blobGasUsed)),
    ...optional('excessBlobGas', payload.excessBlobGas === undefined ? undefined : quantity(payload.excessBlobGas)),
    ...optional('withdrawalsRoot', payload.withdrawalsRoot),
  }
}

/** Reads an envelope as `engine_getPayload` of any version answers, or as `admin_postUnsafePayload` takes it. */
export function parsePayloadEnvelope(json: unknown): PayloadEnvelope {
  const object = asObject(json, 'payload envelope')
  return {
    executionPayload: parseExecutionPayload(object['executionPayload']),
    ...optional('parentBeaconBlockRoot', optionalHash(object['parentBeaconBlockRoot'], 'parentBeaconBlockRoot')),
  }
}

/** An envelope without the fields that only builders use. */
export function payloadEnvelopeJson(envelope: PayloadEnvelope): Record<string, unknown> {
  return {
    executionPayload: executionPayloadJson(envelope.executionPayload),
    ...optional('parentBeaconBlockRoot', envelope.parentBeaconBlockRoot),
  }
}

/** Reads a `PayloadStatusV1`. */
export function parsePayloadStatus(json: unknown): PayloadStatus {
  const object = asObject(json, 'payload status')
  const status = statuses.find((name) => name === object['status'])
  if (status === undefined) throw new FormatError(`unknown payload status ${String(object['status'])}`)
  const error = object['validationError']
  return {
    status,
    ...optional('latestValidHash', optionalHash(object['latestValidHash'], 'latestValidHash')),
    ...optional('validationError', error === undefined || error === null ? undefined : String(error)),
  }
}

/** A `PayloadStatusV1`; absent fields are null, as the Engine API has them. */
export function payloadStatusJson(status: PayloadStatus): Record<string, unknown> {
  return {
    status: status.status,
    latestValidHash: status.latestValidHash ?? null,
    validationError: status.validationError ?? null,
  }
}

/** Reads the answer of `engine_forkchoiceUpdated`. */
export function parseForkchoiceResult(json: unknown): ForkchoiceResult {
  const object = asObject(json, 'forkchoice result')
  const id = object['payloadId']
  return {
    payloadStatus: parsePayloadStatus(object['payloadStatus']),
    ...optional('payloadId', id === undefined || id === null ? undefined : fixedHex(id, 8, 'payloadId')),
  }
}

/** The answer of `engine_forkchoiceUpdated`. */
export function forkchoiceResultJson(result: ForkchoiceResult): Record<string, unknown> {
  return { payloadStatus: payloadStatusJson(result.payloadStatus), payloadId: result.payloadId ?? null }
}

const statuses = ['VALID', 'INVALID', 'SYNCING', 'ACCEPTED'] as const

function parseTransactions(json: unknown): Uint8Array[] {
  return asArray(json, 'transactions').map((tx) => asData(tx, 'transaction', transactionBytesMax, 1))
}

/** An L2 has no withdrawals of the beacon chain; from Canyon the list is there and empty. */
function parseWithdrawals(json: unknown): readonly [] | undefined {
  if (json === undefined || json === null) return undefined
  if (asArray(json, 'withdrawals').length > 0) throw new FormatError('withdrawals must be empty')
  return []
}

/** The one number of the Engine API that op-geth and op-node write as a JSON number; a quantity is read too. */
function parseMinBaseFee(json: unknown): bigint | undefined {
  if (typeof json !== 'number') return optionalQuantity(json, 'minBaseFee')
  if (!Number.isSafeInteger(json) || json < 0) throw new FormatError(`minBaseFee ${json} is no unsigned integer`)
  return BigInt(json)
}

function minBaseFeeJson(fee: bigint | undefined): number | undefined {
  if (fee === undefined) return undefined
  if (fee > Number.MAX_SAFE_INTEGER) throw new FormatError(`minBaseFee ${fee} does not fit a JSON number`)
  return Number(fee)
}

function parseBoolean(json: unknown, what: string): boolean {
  if (json === undefined || json === null) return false
  if (typeof json !== 'boolean') throw new FormatError(`${what} must be true or false`)
  return json
}
