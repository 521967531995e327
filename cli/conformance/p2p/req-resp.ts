import { bytesToHex, hexToBytes } from '../../../protocol/bytes.ts'
import { checkGossipBlock, encodeSignedBytes, type TopicVersion } from '../../../protocol/gossip.ts'
import { payloadSszVersion } from '../../../protocol/payload-ssz.ts'
import {
  decodePayloadRequest,
  decodePayloadResponse,
  encodePayloadRequest,
  encodePayloadResponse,
  payloadOfResponse,
} from '../../../protocol/req-resp.ts'
import { bytes, child, type Fields, hasAny, integer, isFields, list, requireKnown } from '../fields.ts'
import { expectEqual, expectThrows, type Report, type VectorRunner } from '../vector.ts'
import { topicForks } from './payload.ts'

/** Requests and answers of `payload_by_number`. */
export const reqRespRunner: VectorRunner = {
  name: 'req/resp',
  matches: (folder, json) => folder === 'p2p' && hasAny(json, 'reqResp'),
  run: async (json, report) => {
    const section = child(json, 'reqResp')
    requireKnown(section, ['request', 'response'])
    for (const [index, one] of list(section, 'request').entries()) {
      await report.check(`reqResp.request[${index}]`, () => checkRequest(one))
    }
    if (isFields(section['response'])) await runResponses(section['response'], report)
  },
}

function checkRequest(one: Fields): void {
  requireKnown(one, ['blockNumber', 'bytes'])
  expectEqual(bytesToHex(encodePayloadRequest(integer(one['blockNumber']))), one['bytes'], 'request')
  expectEqual(decodePayloadRequest(bytes(one['bytes'])), integer(one['blockNumber']), 'block number')
}

const failures: Readonly<Record<string, string>> = {
  notFound: 'not found',
  invalidRequest: 'invalid request',
  invalid: 'invalid request',
  serverError: 'server error',
  error: 'server error',
  unknownError: 'server error',
}

async function runResponses(responses: Fields, report: Report): Promise<void> {
  for (const [name, value] of Object.entries(responses)) {
    if (name === 'note' || typeof value !== 'string') continue
    const failure = failures[name]
    if (failure !== undefined) {
      await report.check(`reqResp.response.${name}`, () => {
        const response = decodePayloadResponse(hexToBytes(value))
        expectEqual(response, { kind: failure }, 'response')
        expectEqual(bytesToHex(encodePayloadResponse(response)), value, 'encoded again')
      })
    } else if (name.startsWith('success')) {
      await report.check(`reqResp.response.${name}`, () => checkSuccess(name, hexToBytes(value)))
    } else {
      report.fail(`reqResp.response.${name}`, 'a response this runner does not know')
    }
  }
}

function checkSuccess(name: string, raw: Uint8Array): void {
  const response = decodePayloadResponse(raw)
  if (response.kind !== 'payload') throw new Error(`response is ${response.kind}`)
  const named = /V(\d)$/.exec(name)?.[1]
  if (named !== undefined) expectEqual(response.version, Number(named), 'version')
  const ssz = response.version === 0 ? response.bytes : response.bytes.subarray(32)
  const sszVersion = payloadSszVersion(ssz)
  if (sszVersion === undefined) throw new Error('no SSZ payload')
  // A reader knows the forks from the number it asked for; the vector leaves them to the payload.
  const topic = (sszVersion - 1) as TopicVersion
  const envelope = payloadOfResponse(response, topicForks(topic), 1n)
  checkGossipBlock(envelope, topic, topicForks(topic))
  const again = decodePayloadResponse(encodePayloadResponse({ ...response, bytes: encodeSignedBytes(envelope, topic) }))
  expectEqual(again, response, 'encoded and decoded again')
  const corrupt = raw.slice()
  corrupt[corrupt.length - 1] = (corrupt[corrupt.length - 1] ?? 0) ^ 0xff
  expectThrows(() => decodePayloadResponse(corrupt), 'decoding a corrupt response')
}
