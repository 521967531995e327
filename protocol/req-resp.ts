import { concatBytes, FormatError, uintBytes } from './bytes.ts'
import type { PayloadEnvelope } from './engine-api.ts'
import { decodeSignedBytes, encodeSignedBytes, gossipBytesMax, topicVersion } from './gossip.ts'
import type { ForkTimes } from './hardforks.ts'
import { snappyFrameDecode, snappyFrameEncode } from './snappy.ts'

/** Result codes of `payload_by_number`. Spec: protocol/rollup-node-p2p.md, "payload_by_number". */
export const payloadResult = { ok: 0, notFound: 1, invalidRequest: 2, serverError: 3 } as const

/** An answer: a payload's bytes, or why there is none. Codes above 3 count as a server's error. */
export type PayloadResponse =
  | {
      readonly kind: 'payload'
      /** 0: SSZ alone; 1: behind the parent beacon block root, from Ecotone. */
      readonly version: 0 | 1
      readonly bytes: Uint8Array
    }
  | { readonly kind: 'not found' | 'invalid request' | 'server error' }

/** Protocol names of `payload_by_number`: the specification's and kona's, and op-node's without the last slash. */
export function payloadByNumberProtocols(chainId: bigint): readonly [string, string] {
  const name = `/opstack/req/payload_by_number/${chainId}/0`
  return [`${name}/`, name]
}

/** A request for the block at `number`. */
export function encodePayloadRequest(number: bigint): Uint8Array {
  return uintBytes(number, 8).toReversed()
}

/** Reads a request. Throws {@link FormatError}. */
export function decodePayloadRequest(bytes: Uint8Array): bigint {
  if (bytes.length !== 8) throw new FormatError(`payload request of ${bytes.length} bytes`)
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
}

/** An answer as it goes on the wire. */
export function encodePayloadResponse(response: PayloadResponse): Uint8Array {
  if (response.kind !== 'payload') return Uint8Array.of(failureKinds.indexOf(response.kind) + 1)
  const version = uintBytes(response.version, 4).toReversed()
  return concatBytes(Uint8Array.of(payloadResult.ok), version, snappyFrameEncode(response.bytes))
}

/** Reads an answer; the payload in it is not believed. Throws {@link FormatError}. */
export function decodePayloadResponse(bytes: Uint8Array): PayloadResponse {
  const result = bytes[0]
  if (result === undefined) throw new FormatError('payload response is empty')
  if (result !== payloadResult.ok) return { kind: failureKinds[result - 1] ?? 'server error' }
  if (bytes.length < 5) throw new FormatError('payload response is cut short')
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true)
  if (version !== 0 && version !== 1) throw new FormatError(`payload response of version ${version}`)
  return { kind: 'payload', version, bytes: snappyFrameDecode(bytes.subarray(5), gossipBytesMax) }
}

/** The answer that carries a block. */
export function payloadResponse(envelope: PayloadEnvelope, forkTimes: ForkTimes): PayloadResponse {
  const version = topicVersion(forkTimes, envelope.executionPayload.timestamp)
  return { kind: 'payload', version: version < 2 ? 0 : 1, bytes: encodeSignedBytes(envelope, version) }
}

/** The block of an answer; `timestamp` is that of the number asked for, and tells the SSZ version. Throws {@link FormatError}. */
export function payloadOfResponse(
  response: Extract<PayloadResponse, { kind: 'payload' }>,
  forkTimes: ForkTimes,
  timestamp: bigint,
): PayloadEnvelope {
  const version = topicVersion(forkTimes, timestamp)
  if (response.version !== (version < 2 ? 0 : 1)) throw new FormatError(`response version ${response.version}`)
  return decodeSignedBytes(response.bytes, version)
}

const failureKinds = ['not found', 'invalid request', 'server error'] as const
