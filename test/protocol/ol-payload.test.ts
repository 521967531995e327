import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesToHex, concatBytes, hexToBytes } from '../../protocol/bytes.ts'
import { decodeSuffix, encodeSuffix } from '../../protocol/erc8021.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { decodeOlPayload, encodeOlPayload, type OlPayload, olKinds } from '../../protocol/ol-payload.ts'

const text = (value: string) => new TextEncoder().encode(value)
const requestId = keccak256(text('req-1')).slice(0, 16)
const root = keccak256(text('root-1'))

/** The golden vectors of the format's description: payload, and bytes of the suffix with app code "openledger". */
const golden: readonly (readonly [string, OlPayload, string, number])[] = [
  [
    'request, model 7',
    { kind: 'inferenceRequest', modelId: 7n, requestId },
    '0x01010500000000000000075521a70e306e4cf143fc3b54739d4053',
    68,
  ],
  [
    'settle, model 7, datanet 3 v2, root',
    { kind: 'inferenceSettle', modelId: 7n, datanet: { id: 3n, version: 2 }, requestId, root },
    `0x01020f0000000000000007000000000000000300000002${bytesToHex(requestId).slice(2)}${bytesToHex(root).slice(2)}`,
    112,
  ],
  [
    'contribution, datanet 3 v2, root',
    { kind: 'contribution', datanet: { id: 3n, version: 2 }, root },
    `0x01030a000000000000000300000002${bytesToHex(root).slice(2)}`,
    88,
  ],
  [
    'royalty, 3 weights',
    {
      kind: 'royaltyPayment',
      modelId: 7n,
      weights: [
        { datanetId: 3n, weightBps: 6000 },
        { datanetId: 4n, weightBps: 3000 },
        { datanetId: 9n, weightBps: 1000 },
      ],
    },
    '0x0105210000000000000007030000000000000003177000000000000000040bb8000000000000000903e8',
    83,
  ],
]

describe('ol payload', () => {
  test.each(golden)('%s has the published bytes and suffix length', (_name, payload, hex, suffixBytes) => {
    expect(bytesToHex(encodeOlPayload(payload))).toBe(hex)
    expect(decodeOlPayload(hexToBytes(hex))).toEqual(payload)
    expect(encodeSuffix({ code: 'openledger', ol: hexToBytes(hex) })).toHaveLength(suffixBytes)
  })

  test('the first golden suffix has the published bytes', () => {
    const suffix = encodeSuffix({ code: 'openledger', ol: hexToBytes(golden[0]?.[2] ?? '') })
    expect(bytesToHex(suffix)).toBe(
      '0xa261616a6f70656e6c6564676572616da1626f6c581b01010500000000000000075521a70e306e4cf143fc3b54739d405300310280218021802180218021802180218021',
    )
  })

  test('an unknown version is ignored, not refused', () => {
    expect(decodeOlPayload(hexToBytes('0x02ffff'))).toBeUndefined()
  })

  test.each([
    ['no bytes', '0x'],
    ['kind 0', '0x010000'],
    ['kind 7', '0x010700'],
    ['no flags', '0x0101'],
    ['the reserved flag', '0x010180'],
    ['a short field', '0x01010100000000000000'],
    ['a trailing byte', '0x0101010000000000000007ff'],
    ['weights that do not sum to 10000', '0x01052001000000000000000303e8'],
    ['17 weights', `0x01052011${'00000000000000030000'.repeat(17)}`],
  ])('%s is malformed', (_name, hex) => {
    expect(() => decodeOlPayload(hexToBytes(hex))).toThrow()
  })

  const payloads = fc.record(
    {
      kind: fc.constantFrom(...olKinds),
      modelId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      datanet: fc.record({
        id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        version: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      }),
      requestId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      parentTx: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      isBlinded: fc.constant(true),
    },
    { requiredKeys: ['kind'] },
  )

  test('every payload survives encoding, its suffix and any calldata in front', () => {
    fc.assert(
      fc.property(payloads, fc.uint8Array({ maxLength: 100 }), (payload, calldata) => {
        const ol = encodeOlPayload(payload)
        const suffix = decodeSuffix(concatBytes(calldata, encodeSuffix({ code: 'app', ol })))
        expect(suffix?.code).toBe('app')
        expect(decodeOlPayload(suffix?.ol ?? new Uint8Array(0))).toEqual(payload)
      }),
    )
  })

  test('hostile calldata gives a value or a FormatError, never another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const data = concatBytes(noise, hexToBytes('0x0280218021802180218021802180218021'))
        try {
          decodeSuffix(data)
        } catch (error) {
          expect((error as Error).name).toBe('FormatError')
        }
      }),
    )
  })
})
