import { RpcError, rpcCodes, TransportError } from '../../../common/json-rpc.ts'
import { EngineError } from '../engine.ts'
import { engineErrorCodes } from '../engine-api-versions.ts'
import { jwtDriftSecondsMax } from '../jwt.ts'

/** What an error on the wire means for who called. `nowMs`: our clock, ms since 1970, to compare with the engine's. */
export function toEngineError(cause: unknown, nowMs: number): EngineError {
  if (cause instanceof TransportError) {
    const { answer } = cause
    if (answer?.status === 401 || answer?.status === 403) {
      return new EngineError('unauthorized', unauthorizedMessage(answer.text, nowMs, answer.dateMs), { cause })
    }
    return new EngineError('temporary', cause.message, { cause })
  }
  if (!(cause instanceof RpcError)) throw cause
  // Our own server answers JSON to a token that it refuses.
  const refusal = /\bunauthorized: (.*)$/.exec(cause.message)?.[1]
  if (refusal !== undefined) {
    return new EngineError('unauthorized', unauthorizedMessage(refusal, nowMs, undefined), { cause })
  }
  return new EngineError(codes[cause.code] ?? 'temporary', cause.message, { cause })
}

/** Names the likelier of two causes: clocks that differ, or secrets that do. */
function unauthorizedMessage(words: string, nowMs: number, engineMs: number | undefined): string {
  const skewSeconds = engineMs === undefined ? 0 : Math.round((nowMs - engineMs) / 1_000)
  const isSkewed = Math.abs(skewSeconds) >= jwtDriftSecondsMax
  if (!isSkewed && !/stale|expired|issued/i.test(words)) {
    return `the engine refuses our token (${words}): --l2.jwt-secret is not the engine's secret`
  }
  const skew = isSkewed ? ` by ${Math.abs(skewSeconds)} s, ours is ${skewSeconds > 0 ? 'ahead' : 'behind'}` : ''
  return `the engine refuses our token (${words}): the clocks of both machines differ${skew}; set them by NTP`
}

const codes: Readonly<Record<number, EngineError['code']>> = {
  [engineErrorCodes.unknownPayload]: 'unknown-payload',
  [engineErrorCodes.invalidForkchoiceState]: 'invalid-forkchoice',
  [engineErrorCodes.invalidPayloadAttributes]: 'invalid-attributes',
  [engineErrorCodes.tooLargeRequest]: 'critical',
  [engineErrorCodes.unsupportedFork]: 'critical',
  [rpcCodes.methodNotFound]: 'critical',
  [rpcCodes.invalidParams]: 'critical',
}
