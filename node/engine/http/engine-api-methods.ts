import { RpcError, rpcCodes } from '../../../common/json-rpc.ts'
import type { RpcHandler, RpcMethods } from '../../../common/json-rpc-server.ts'
import { fixedHex, type Hex, parseQuantity } from '../../../protocol/bytes.ts'
import type { PayloadAttributes, PayloadEnvelope } from '../../../protocol/engine-api.ts'
import {
  executionPayloadJson,
  forkchoiceResultJson,
  parseExecutionPayload,
  parseForkchoiceState,
  parsePayloadAttributes,
  payloadStatusJson,
} from '../../../protocol/engine-api-json.ts'
import type { ForkTimes } from '../../../protocol/hardforks.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { type Engine, EngineError } from '../engine.ts'
import { type EngineApiVersions, engineApiVersions, engineErrorCodes } from '../engine-api-versions.ts'

/** Bodies one engine_getPayloadBodies call may ask for; the Engine API's minimum. */
export const payloadBodiesMax = 32

export type EngineApiOptions = { readonly forkTimes: ForkTimes; readonly version: string }

/** The `engine_*` methods over any engine: what op-node calls on the authenticated port. */
export function engineApiMethods({ forkTimes, version }: EngineApiOptions, engine: Engine): RpcMethods {
  const versions = (timestamp: bigint) => engineApiVersions(forkTimes, timestamp)
  const forkchoiceUpdated = (called: 1 | 2 | 3): RpcHandler =>
    guarded(async ([state, attributes]) => {
      const parsed = parseForkchoiceState(state)
      if (attributes === undefined || attributes === null)
        return forkchoiceResultJson(await engine.forkchoiceUpdated(parsed))
      const wanted = parsePayloadAttributes(attributes)
      checkAttributes(called, wanted, versions(wanted.timestamp))
      return forkchoiceResultJson(await engine.forkchoiceUpdated(parsed, wanted))
    })
  const newPayload = (called: 1 | 2 | 3 | 4): RpcHandler =>
    guarded(async (params) => {
      const envelope = envelopeParam(called, params)
      checkPayload(called, envelope, versions(envelope.executionPayload.timestamp))
      return payloadStatusJson(await engine.newPayload(envelope))
    })
  const getPayload = (called: 1 | 2 | 3 | 4 | 5): RpcHandler =>
    guarded(async ([id]) => {
      const envelope = await engine.getPayload(fixedHex(id, 8, 'payload id'))
      const wanted = versions(envelope.executionPayload.timestamp).getPayload
      if (called !== wanted && !(called === 1 && envelope.executionPayload.withdrawals === undefined)) {
        throw unsupportedFork(`engine_getPayloadV${called}`, wanted)
      }
      return payloadAnswer(called, envelope)
    })

  const methods: RpcMethods = {
    engine_forkchoiceUpdatedV1: forkchoiceUpdated(1),
    engine_forkchoiceUpdatedV2: forkchoiceUpdated(2),
    engine_forkchoiceUpdatedV3: forkchoiceUpdated(3),
    engine_newPayloadV1: newPayload(1),
    engine_newPayloadV2: newPayload(2),
    engine_newPayloadV3: newPayload(3),
    engine_newPayloadV4: newPayload(4),
    engine_getPayloadV1: getPayload(1),
    engine_getPayloadV2: getPayload(2),
    engine_getPayloadV3: getPayload(3),
    engine_getPayloadV4: getPayload(4),
    engine_getPayloadV5: getPayload(5),
    engine_getPayloadBodiesByHashV1: guarded(async ([hashes]) => {
      const list = limited(asArray(hashes, 'hashes')).map((hash) => fixedHex(hash, 32, 'block hash'))
      return await Promise.all(list.map(async (hash: Hex) => bodyJson(await engine.payloadByHash(hash))))
    }),
    engine_getPayloadBodiesByRangeV1: guarded(async ([start, count]) => {
      const first = parseQuantity(start, 'start')
      const length = parseQuantity(count, 'count')
      if (first < 1n || length < 1n) throw new RpcError(rpcCodes.invalidParams, 'start and count must be at least 1')
      const numbers = limited(
        Array.from({ length: Number(length > 1_000n ? 1_000n : length) }, (_, i) => first + BigInt(i)),
      )
      const bodies = await Promise.all(numbers.map(async (number) => bodyJson(await engine.payloadByNumber(number))))
      // The range ends at the head: what lies beyond is cut off, not null.
      return bodies.slice(0, bodies.findLastIndex((body) => body !== null) + 1)
    }),
    engine_getClientVersionV1: () => [{ code: 'OL', name: 'openledger', version, commit: '0x00000000' }],
  }
  return {
    ...methods,
    engine_exchangeCapabilities: ([theirs]) => {
      asArray(theirs, 'capabilities')
      return Object.keys(methods)
    },
  }
}

/** op-geth's order of checks: what the version cannot carry, then what the fork demands, then whether they match. */
function checkAttributes(called: 1 | 2 | 3, attributes: PayloadAttributes, wanted: EngineApiVersions): void {
  const { withdrawals, parentBeaconBlockRoot } = attributes
  if (called < 3 && parentBeaconBlockRoot !== undefined) throw badAttributes(`V${called} takes no beacon root`)
  if (called === 1 && withdrawals !== undefined) throw badAttributes('V1 takes no withdrawals')
  if (called === 3 && withdrawals === undefined) throw badAttributes('missing withdrawals')
  if (called === 3 && parentBeaconBlockRoot === undefined) throw badAttributes('missing beacon root')
  // V2 stands in for V1 before Canyon, as in op-geth.
  const fits = called === wanted.forkchoiceUpdated || (called === 2 && wanted.forkchoiceUpdated === 1)
  if (!fits) throw unsupportedFork(`engine_forkchoiceUpdatedV${called}`, wanted.forkchoiceUpdated)
  if (wanted.forkchoiceUpdated === 1 && withdrawals !== undefined) throw badAttributes('withdrawals before Canyon')
  if (wanted.forkchoiceUpdated === 2 && withdrawals === undefined) throw badAttributes('missing withdrawals')
}

function checkPayload(
  called: 1 | 2 | 3 | 4,
  { executionPayload, parentBeaconBlockRoot }: PayloadEnvelope,
  wanted: EngineApiVersions,
): void {
  const { withdrawals, blobGasUsed, excessBlobGas } = executionPayload
  if (called === 1 && withdrawals !== undefined) throw badParams('withdrawals not supported in V1')
  if (called < 3 && (blobGasUsed ?? excessBlobGas) !== undefined) throw badParams('blob fields before Ecotone')
  if (called >= 3) {
    if (withdrawals === undefined) throw badParams('missing withdrawals')
    if (blobGasUsed === undefined || excessBlobGas === undefined) throw badParams('missing blob fields')
    if (parentBeaconBlockRoot === undefined) throw badParams('missing beacon root')
  }
  if (called !== wanted.newPayload && !(called === 1 && withdrawals === undefined && wanted.newPayload === 2)) {
    throw unsupportedFork(`engine_newPayloadV${called}`, wanted.newPayload)
  }
  const isCanyon = wanted.forkchoiceUpdated >= 2
  if (isCanyon !== (withdrawals !== undefined))
    throw badParams(isCanyon ? 'missing withdrawals' : 'withdrawals before Canyon')
}

function envelopeParam(called: number, [payload, hashes, root, requests]: readonly unknown[]): PayloadEnvelope {
  const executionPayload = parseExecutionPayload(payload)
  if (called < 3) return { executionPayload }
  if (asArray(hashes, 'versioned hashes').length > 0) throw badParams('an L2 block has no blobs')
  if (called >= 4 && asArray(requests, 'execution requests').length > 0) throw badParams('an L2 block has no requests')
  return { executionPayload, parentBeaconBlockRoot: fixedHex(root, 32, 'beacon root') }
}

function payloadAnswer(
  called: number,
  { executionPayload, parentBeaconBlockRoot }: PayloadEnvelope,
): Record<string, unknown> {
  const payload = executionPayloadJson(executionPayload)
  if (called === 1) return payload
  // No proposer chooses between builders on an L2, so the value is not computed.
  const answer = { executionPayload: payload, blockValue: '0x0' }
  if (called === 2) return answer
  const blobsBundle = { commitments: [], proofs: [], blobs: [] }
  const cancun = {
    ...answer,
    blobsBundle,
    shouldOverrideBuilder: false,
    parentBeaconBlockRoot: parentBeaconBlockRoot ?? null,
  }
  return called === 3 ? cancun : { ...cancun, executionRequests: [] }
}

function bodyJson(envelope: PayloadEnvelope | undefined): Record<string, unknown> | null {
  if (envelope === undefined) return null
  const { transactions, withdrawals } = executionPayloadJson(envelope.executionPayload)
  return { transactions, withdrawals: withdrawals ?? null }
}

function limited<T>(list: readonly T[]): readonly T[] {
  if (list.length <= payloadBodiesMax) return list
  throw new RpcError(engineErrorCodes.tooLargeRequest, `a call may ask for ${payloadBodiesMax} bodies`)
}

/** Turns the engine's errors into those of the wire. */
function guarded(handler: (params: readonly unknown[]) => Promise<unknown>): RpcHandler {
  return async (params) => {
    try {
      return await handler(params)
    } catch (error) {
      if (error instanceof EngineError) throw new RpcError(codes[error.code], error.message)
      throw error
    }
  }
}

const codes: Readonly<Record<EngineError['code'], number>> = {
  'unknown-payload': engineErrorCodes.unknownPayload,
  'invalid-forkchoice': engineErrorCodes.invalidForkchoiceState,
  'invalid-attributes': engineErrorCodes.invalidPayloadAttributes,
  temporary: rpcCodes.internal,
  unauthorized: rpcCodes.internal,
  critical: rpcCodes.internal,
}

function badAttributes(why: string): RpcError {
  return new RpcError(engineErrorCodes.invalidPayloadAttributes, `invalid payload attributes: ${why}`)
}

function badParams(why: string): RpcError {
  return new RpcError(rpcCodes.invalidParams, `invalid parameters: ${why}`)
}

function unsupportedFork(method: string, wanted: number): RpcError {
  return new RpcError(
    engineErrorCodes.unsupportedFork,
    `unsupported fork: ${method} cannot serve this block, V${wanted} can`,
  )
}
