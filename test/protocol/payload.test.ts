import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import {
  executionPayloadJson,
  parseExecutionPayload,
  parseForkchoiceResult,
  parsePayloadAttributes,
  parsePayloadEnvelope,
  payloadAttributesJson,
  payloadEnvelopeJson,
} from '../../protocol/engine-api-json.ts'
import { decodeHeader, encodeHeader } from '../../protocol/header.ts'
import { headerToEnvelope, payloadBlockHash, payloadHeader } from '../../protocol/payload-block.ts'
import { decodePayloadSsz, encodePayloadSsz, payloadSszVersion } from '../../protocol/payload-ssz.ts'
import { hexOf, payload } from '../fakes/arbitraries.ts'

const forksOf = {
  1: {},
  2: { canyon: 0n },
  3: { canyon: 0n, ecotone: 0n },
  4: { canyon: 0n, ecotone: 0n, isthmus: 0n },
} as const

describe.each([1, 2, 3, 4] as const)('version %i', (version) => {
  const envelope = fc.record({
    executionPayload: payload(version),
    ...(version >= 3 ? { parentBeaconBlockRoot: hexOf(32) } : {}),
  })

  test('a payload survives SSZ, and its bytes tell the version', () => {
    fc.assert(
      fc.property(payload(version), (value) => {
        const ssz = encodePayloadSsz(value, version)
        expect(payloadSszVersion(ssz)).toBe(version)
        expect(decodePayloadSsz(ssz, version)).toEqual(value)
        for (const other of [1, 2, 3, 4] as const) {
          if (other !== version) expect(() => decodePayloadSsz(ssz, other)).toThrow(FormatError)
        }
      }),
    )
  })

  test('a payload survives JSON', () => {
    fc.assert(
      fc.property(envelope, (value) => {
        expect(parsePayloadEnvelope(JSON.parse(JSON.stringify(payloadEnvelopeJson(value))))).toEqual(value)
      }),
    )
  })

  test('a payload survives its header, whose hash is the block hash', () => {
    fc.assert(
      fc.property(envelope, (value) => {
        const header = decodeHeader(encodeHeader(payloadHeader(value, forksOf[version])))
        const blockHash = payloadBlockHash(value, forksOf[version])
        const { executionPayload, ...rest } = value
        const again = headerToEnvelope(header, executionPayload.transactions)
        expect(again).toEqual({ ...rest, executionPayload: { ...executionPayload, blockHash } })
      }),
    )
  })

  test('damaged SSZ is refused or read, never worse', () => {
    fc.assert(
      fc.property(payload(version), fc.nat(), fc.nat(255), (value, at, byte) => {
        const ssz = encodePayloadSsz(value, version)
        ssz[at % ssz.length] = byte
        try {
          decodePayloadSsz(ssz, version)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
        }
      }),
    )
  })
})

test('a payload with the fields of another fork has no hash', () => {
  fc.assert(
    fc.property(payload(3), payload(4), hexOf(32), (ecotone, isthmus, parentBeaconBlockRoot) => {
      expect(() => payloadBlockHash({ executionPayload: ecotone, parentBeaconBlockRoot }, forksOf[4])).toThrow(
        FormatError,
      )
      expect(() => payloadBlockHash({ executionPayload: isthmus, parentBeaconBlockRoot }, forksOf[3])).toThrow(
        FormatError,
      )
      expect(() => payloadBlockHash({ executionPayload: { ...ecotone, withdrawals: undefined } }, forksOf[3])).toThrow(
        FormatError,
      )
    }),
    { numRuns: 10 },
  )
})

const attributes = {
  timestamp: '0x5',
  prevRandao: `0x${'01'.repeat(32)}`,
  suggestedFeeRecipient: `0x${'02'.repeat(20)}`,
  withdrawals: [],
  parentBeaconBlockRoot: `0x${'03'.repeat(32)}`,
  transactions: ['0x7e01'],
  noTxPool: true,
  gasLimit: '0x3938700',
  eip1559Params: '0x000000fa00000006',
  minBaseFee: 1_000_000,
}

test('payload attributes survive JSON, and absent ones stay absent', () => {
  expect(payloadAttributesJson(parsePayloadAttributes(attributes))).toEqual(attributes)
  const { withdrawals, parentBeaconBlockRoot, eip1559Params, minBaseFee, ...bedrock } = attributes
  expect([withdrawals, parentBeaconBlockRoot, eip1559Params, minBaseFee]).not.toContain(undefined)
  expect(payloadAttributesJson(parsePayloadAttributes({ ...bedrock, minBaseFee: null }))).toEqual(bedrock)
  expect(parsePayloadAttributes({ ...attributes, transactions: null, noTxPool: undefined })).toMatchObject({
    transactions: [],
    noTxPool: false,
  })
})

test('the minimum base fee is read as a number, as op-node writes it, and as a quantity', () => {
  for (const minBaseFee of [1_000_000, '0xf4240']) {
    expect(parsePayloadAttributes({ ...attributes, minBaseFee }).minBaseFee).toBe(1_000_000n)
  }
})

test.each<[string, Record<string, unknown>]>([
  ['a negative minimum base fee', { minBaseFee: -1 }],
  ['a minimum base fee that a JSON number does not carry', { minBaseFee: 2 ** 53 }],
  ['withdrawals', { withdrawals: [{ index: '0x0' }] }],
  ['no gas limit', { gasLimit: undefined }],
  ['a time beyond 64 bits', { timestamp: '0x10000000000000000' }],
  ['short EIP-1559 parameters', { eip1559Params: '0x00' }],
  ['an empty transaction', { transactions: ['0x'] }],
  ['odd hex', { transactions: ['0x7'] }],
  ['a flag in a string', { noTxPool: 'true' }],
])('attributes with %s are refused', (_name, change) => {
  expect(() => parsePayloadAttributes({ ...attributes, ...change })).toThrow(FormatError)
})

test('what an engine answers is checked before it is used', () => {
  const payloadStatus = { status: 'VALID', latestValidHash: `0x${'01'.repeat(32)}`, validationError: null }
  expect(parseForkchoiceResult({ payloadStatus, payloadId: null })).toEqual({
    payloadStatus: { status: 'VALID', latestValidHash: payloadStatus.latestValidHash },
  })
  expect(() => parseForkchoiceResult({ payloadStatus: { status: 'MAYBE' } })).toThrow(FormatError)
  expect(() => parseForkchoiceResult({ payloadStatus, payloadId: '0x01' })).toThrow(FormatError)
  expect(() => parseExecutionPayload(null)).toThrow(FormatError)
  fc.assert(
    fc.property(payload(4), (value) => {
      const json = executionPayloadJson(value)
      for (const key of ['parentHash', 'blockNumber', 'transactions', 'logsBloom']) {
        expect(() => parseExecutionPayload({ ...json, [key]: undefined })).toThrow(FormatError)
      }
      expect(() => parseExecutionPayload({ ...json, extraData: bytesToHex(new Uint8Array(33)) })).toThrow(FormatError)
      expect(hexToBytes(String(json['logsBloom']))).toHaveLength(256)
    }),
    { numRuns: 5 },
  )
})
