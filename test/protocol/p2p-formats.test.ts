import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { parseEnode } from '../../protocol/enode.ts'
import {
  decodeEnr,
  encodeEnr,
  encodeOpStack,
  enrAddress,
  enrNodeId,
  enrOpStack,
  signEnr,
  verifyEnr,
} from '../../protocol/enr.ts'
import {
  blockTopic,
  checkGossipBlock,
  decodeGossipBlock,
  decodeSignedBytes,
  encodeGossipBlock,
  gossipSigner,
  topicVersion,
} from '../../protocol/gossip.ts'
import { payloadBlockHash } from '../../protocol/payload-block.ts'
import {
  decodePayloadRequest,
  decodePayloadResponse,
  encodePayloadRequest,
  encodePayloadResponse,
  payloadOfResponse,
  payloadResponse,
} from '../../protocol/req-resp.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { snappyEncode } from '../../protocol/snappy.ts'
import { hexOf, payload, uint } from '../fakes/arbitraries.ts'

const key = hexToBytes('0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba')
const forks = { canyon: 0n, ecotone: 0n, isthmus: 0n, jovian: 0n }

test('a signed block is read back with its signer, on its chain only', () => {
  fc.assert(
    fc.property(payload(4), hexOf(32), uint(64), (executionPayload, parentBeaconBlockRoot, chainId) => {
      const envelope = { executionPayload, parentBeaconBlockRoot }
      const block = decodeGossipBlock(encodeGossipBlock(envelope, 3, chainId, key))
      expect(decodeSignedBytes(block.signedBytes, 3)).toEqual(envelope)
      const signer = bytesToHex(privateKeyAddress(key))
      expect(gossipSigner(block, chainId)).toBe(signer)
      expect(gossipSigner(block, chainId + 1n)).not.toBe(signer)
    }),
    { numRuns: 20 },
  )
})

test('a block whose hash or blob fields are wrong is refused', () => {
  fc.assert(
    fc.property(payload(4), hexOf(32), (random, parentBeaconBlockRoot) => {
      const unhashed = { executionPayload: { ...random, excessBlobGas: 0n }, parentBeaconBlockRoot }
      const good = {
        ...unhashed,
        executionPayload: { ...unhashed.executionPayload, blockHash: payloadBlockHash(unhashed, forks) },
      }
      checkGossipBlock(good, 3, forks)
      expect(() => checkGossipBlock(unhashed, 3, forks)).toThrow(/hash/)
      const early = { canyon: 0n, ecotone: 0n, isthmus: 0n }
      if (good.executionPayload.blobGasUsed !== 0n)
        expect(() => checkGossipBlock(good, 3, early)).toThrow(/blob gas used/)
    }),
    { numRuns: 20 },
  )
})

test('messages too short, too long or not compressed are refused', () => {
  expect(() => decodeGossipBlock(snappyEncode(new Uint8Array(65)))).toThrow(FormatError)
  expect(() => decodeGossipBlock(hexToBytes('0x8180800500'))).toThrow(FormatError)
  expect(() => decodeGossipBlock(new Uint8Array(0))).toThrow(FormatError)
})

test('a fork moves blocks to its topic', () => {
  const times = { canyon: 10n, ecotone: 20n, isthmus: 30n }
  expect([9n, 10n, 20n, 30n].map((time) => topicVersion(times, time))).toEqual([0, 1, 2, 3])
  expect(blockTopic(10n, 3)).toBe('/optimism/10/3/blocks')
})

test('requests and answers of payload_by_number survive the wire', () => {
  fc.assert(
    fc.property(uint(64), payload(4), hexOf(32), (number, executionPayload, parentBeaconBlockRoot) => {
      expect(decodePayloadRequest(encodePayloadRequest(number))).toBe(number)
      const envelope = { executionPayload, parentBeaconBlockRoot }
      const response = decodePayloadResponse(encodePayloadResponse(payloadResponse(envelope, forks)))
      if (response.kind !== 'payload') throw new Error(response.kind)
      expect(payloadOfResponse(response, forks, executionPayload.timestamp)).toEqual(envelope)
    }),
    { numRuns: 20 },
  )
  for (const kind of ['not found', 'invalid request', 'server error'] as const) {
    expect(decodePayloadResponse(encodePayloadResponse({ kind }))).toEqual({ kind })
  }
  expect(() => decodePayloadResponse(hexToBytes('0x0002000000'))).toThrow(/version 2/)
  expect(() => decodePayloadRequest(new Uint8Array(7))).toThrow(FormatError)
})

test('a record of ours is read back, verified, and worthless once changed', () => {
  fc.assert(
    fc.property(uint(64), uint(64), fc.nat(65_535), (seq, chainId, port) => {
      const pairs = new Map([
        ['udp', Uint8Array.of(port >> 8, port & 255).subarray(port > 255 ? 0 : port > 0 ? 1 : 2)],
        ['ip', Uint8Array.of(127, 0, 0, 1)],
        ['opstack', encodeOpStack({ chainId, version: 0n })],
      ])
      const record = decodeEnr(encodeEnr(signEnr(seq, pairs, key)))
      expect(verifyEnr(record)).toBe(true)
      expect(enrOpStack(record)).toEqual({ chainId, version: 0n })
      expect(enrAddress(record)).toEqual({ ip: '127.0.0.1', udp: port })
      expect(verifyEnr({ ...record, seq: record.seq ^ 1n })).toBe(false)
    }),
    { numRuns: 30 },
  )
})

/** Source: the example record of EIP-778. */
test('the example of EIP-778', () => {
  const record = decodeEnr(
    'enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0xOIN1ZHCCdl8',
  )
  expect(verifyEnr(record)).toBe(true)
  expect(enrNodeId(record)).toBe('0xa448f24c6d18e575453db13171562b71999873db5b286df957af199ec94617f7')
  expect(enrAddress(record)).toEqual({ ip: '127.0.0.1', udp: 30303 })
  expect(enrOpStack(record)).toBeUndefined()
})

test.each(['enr:', 'enr:AA', 'enr:!!', 'enode://00', `enr:${'A'.repeat(500)}`])('refuses the record %s', (text) => {
  expect(() => decodeEnr(text)).toThrow(FormatError)
})

test('an enode needs a key on the curve and a port', () => {
  const node =
    'ca2774c3c401325850b2477fd7d0f27911efbf79b1e8b335066516e2bd8c4c9e0ba9696a94b1cb030a88eac582305ff55e905e64fb77fe0edcd70a4e5296d3ec'
  expect(parseEnode(`enode://${node}@[::1]:30303?discport=30301`)).toMatchObject({
    host: '::1',
    tcp: 30303,
    udp: 30301,
  })
  expect(() => parseEnode(`enode://${node}@host`)).toThrow(FormatError)
  expect(() => parseEnode(`enode://${node}@host:70000`)).toThrow(FormatError)
  expect(() => parseEnode(`enode://${'11'.repeat(64)}@host:1`)).toThrow(FormatError)
})
