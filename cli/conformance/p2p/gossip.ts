import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import {
  blockTopic,
  checkGossipBlock,
  decodeGossipBlock,
  decodeSignedBytes,
  encodeGossipBlock,
  encodeSignedBytes,
  gossipBytesMax,
  gossipMessageId,
  gossipSigner,
  gossipSigningHash,
  type TopicVersion,
  topicVersion,
} from '../../../protocol/gossip.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { snappyDecode } from '../../../protocol/snappy.ts'
import {
  address,
  bytes,
  child,
  type Fields,
  hasAny,
  hash,
  integer,
  isFields,
  list,
  requireKnown,
  text,
} from '../fields.ts'
import { expectEqual, expectThrows, type Report, type VectorRunner } from '../vector.ts'
import { comparable, topicForks, vectorPayload } from './payload.ts'

/** Block messages with their signatures and ids, the signing hash alone, ids of undecodable messages. */
export const gossipRunner: VectorRunner = {
  name: 'gossip',
  matches: (folder, json) => folder === 'p2p' && hasAny(json, 'gossip', 'signatureMessage', 'messageId'),
  run: async (json, report) => {
    if (hasAny(json, 'gossip')) await runMessages(child(json, 'gossip'), report)
    if (hasAny(json, 'signatureMessage')) {
      await report.check('signatureMessage', () => checkSigningHash(child(json, 'signatureMessage')))
    }
    if (hasAny(json, 'messageId')) await runMessageIds(child(json, 'messageId'), report)
  },
}

async function runMessages(section: Fields, report: Report): Promise<void> {
  for (const [name, value] of Object.entries(section)) {
    if (Array.isArray(value)) {
      for (const [index, one] of list(section, name).entries()) {
        await report.check(`gossip.${name}[${index}]`, () => checkMessage(one))
      }
    } else if (isFields(value)) {
      await report.check(`gossip.${name}`, () => checkMessage(value))
    }
  }
}

function checkMessage(one: Fields): void {
  requireKnown(one, messageFields)
  const version = Number(integer(one['topicVersion'])) as TopicVersion
  const chainId = integer(one['chainId'])
  const topic = text(one['topic'])
  expectEqual(blockTopic(chainId, version), topic, 'topic')
  const message = bytes(one['message'])
  const content = snappyDecode(message, gossipBytesMax)
  if (one['decompressedLength'] !== undefined)
    expectEqual(content.length, Number(integer(one['decompressedLength'])), 'length')
  if (one['decompressed'] !== undefined) expectEqual(bytesToHex(content), one['decompressed'], 'decompressed')
  const block = decodeGossipBlock(message)
  const hexes: Readonly<Record<string, Hex>> = {
    signature: bytesToHex(block.signature),
    signedBytes: bytesToHex(block.signedBytes),
    payloadHash: keccakHex(block.signedBytes),
    signingHash: bytesToHex(gossipSigningHash(chainId, block.signedBytes)),
    messageIdSpec: bytesToHex(gossipMessageId(topic, message, 'spec')),
    messageIdOpNode: bytesToHex(gossipMessageId(topic, message, 'op-node')),
  }
  for (const [key, actual] of Object.entries(hexes)) if (one[key] !== undefined) expectEqual(actual, one[key], key)
  if (one['signer'] !== undefined) expectEqual(gossipSigner(block, chainId), address(one['signer']), 'signer')
  const envelope = decodeSignedBytes(block.signedBytes, version)
  checkEnvelope(envelope, version, one)
  expectEqual(bytesToHex(encodeSignedBytes(envelope, version)), hexes['signedBytes'], 'signed bytes encoded again')
  if (one['privateKey'] !== undefined) checkSigning(envelope, version, one)
}

function checkEnvelope(envelope: PayloadEnvelope, version: TopicVersion, one: Fields): void {
  const forks = topicForks(version)
  expectEqual(topicVersion(forks, envelope.executionPayload.timestamp), version, 'topic version of the time')
  expectEqual(envelope.parentBeaconBlockRoot ?? null, one['parentBeaconBlockRoot'] ?? null, 'parent beacon block root')
  if (one['payload'] !== undefined) {
    const expected = vectorPayload(child(one, 'payload'))
    expectEqual(comparable(envelope.executionPayload), comparable(expected), 'payload')
  }
  const check = () => checkGossipBlock(envelope, version, forks)
  if (one['blockHashMatchesHeader'] === false) expectThrows(check, 'block check')
  // Hand-made payloads have a hash of nothing in particular unless the vector says that it recomputes.
  else if (one['blockHashMatchesHeader'] === true) check()
}

/** RFC 6979 makes signatures repeatable; compressed bytes depend on the compressor, so the content is compared. */
function checkSigning(envelope: PayloadEnvelope, version: TopicVersion, one: Fields): void {
  const message = encodeGossipBlock(envelope, version, integer(one['chainId']), bytes(one['privateKey']))
  expectEqual(bytesToHex(decodeGossipBlock(message).signature), one['signature'], 'our signature')
  expectEqual(
    bytesToHex(snappyDecode(message, gossipBytesMax)),
    bytesToHex(snappyDecode(bytes(one['message']), gossipBytesMax)),
    'our message',
  )
}

function checkSigningHash(one: Fields): void {
  requireKnown(one, ['chainId', 'payloadBytes', 'signingHash'])
  const actual = gossipSigningHash(integer(one['chainId']), bytes(one['payloadBytes']))
  expectEqual(bytesToHex(actual), hash(one['signingHash']), 'signing hash')
}

async function runMessageIds(section: Fields, report: Report): Promise<void> {
  for (const [name, value] of Object.entries(section)) {
    if (!Array.isArray(value)) continue
    for (const [index, one] of list(section, name).entries()) {
      await report.check(`messageId.${name}[${index}]`, () => {
        requireKnown(one, ['topic', 'raw', 'messageIdSpec', 'messageIdOpNode'])
        const id = (rule: 'spec' | 'op-node') =>
          bytesToHex(gossipMessageId(text(one['topic']), bytes(one['raw']), rule))
        if (/invalid/i.test(name)) expectThrows(() => snappyDecode(bytes(one['raw']), gossipBytesMax), 'decompression')
        expectEqual(id('spec'), one['messageIdSpec'], 'id by the specification')
        expectEqual(id('op-node'), one['messageIdOpNode'], 'id of op-node')
      })
    }
  }
}

const messageFields = [
  'topicVersion',
  'topic',
  'message',
  'decompressedLength',
  'decompressed',
  'signature',
  'signedBytes',
  'payloadHash',
  'signingHash',
  'chainId',
  'signer',
  'privateKey',
  'parentBeaconBlockRoot',
  'payload',
  'blockHashMatchesHeader',
  'messageIdSpec',
  'messageIdOpNode',
]
