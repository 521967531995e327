import fc from 'fast-check'
import { encodeAbiParameters, encodeFunctionData, encodePacked, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { attributionLabels, labelDepthMax, labelPath } from '../../protocol/attribution-labels.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import { encodeOlPayload } from '../../protocol/ol-payload.ts'

const target: Hex = '0x1111111111111111111111111111111111111111'
const labelled = (code: string, data = '0xa9059cbb') =>
  bytesToHex(
    concatBytes(
      hexToBytes(data),
      encodeSuffix({ code, ol: encodeOlPayload({ kind: 'inferenceRequest', modelId: 7n }) }),
    ),
  )
const found = (input: Hex) =>
  attributionLabels(target, hexToBytes(input)).map((label) => [labelPath(label.path), label.code])

const carriers: readonly (readonly [string, (inner: Hex) => Hex])[] = [
  [
    'EntryPoint 0.6 handleOps',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi([
          'function handleOps((address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes)[],address)',
        ]),
        args: [[[target, 0n, '0x', inner, 0n, 0n, 0n, 0n, 0n, '0x', '0x']], target],
      }),
  ],
  [
    'EntryPoint 0.7 handleOps',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi([
          'function handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[],address)',
        ]),
        args: [[[target, 0n, '0x', inner, `0x${'00'.repeat(32)}`, 0n, `0x${'00'.repeat(32)}`, '0x', '0x']], target],
      }),
  ],
  [
    'Safe execTransaction',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi([
          'function execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)',
        ]),
        args: [target, 0n, inner, 0, 0n, 0n, 0n, target, target, '0x'],
      }),
  ],
  [
    'Multicall3 aggregate3',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi(['function aggregate3((address,bool,bytes)[])']),
        args: [[[target, true, inner]]],
      }),
  ],
  [
    'Multicall3 aggregate3Value',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi(['function aggregate3Value((address,bool,uint256,bytes)[])']),
        args: [[[target, true, 0n, inner]]],
      }),
  ],
  [
    'ERC-7821 batch',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi(['function execute(bytes32,bytes)']),
        args: [
          `0x0100${'00'.repeat(30)}`,
          encodeAbiParameters(
            [{ type: 'tuple[]', components: [{ type: 'address' }, { type: 'uint256' }, { type: 'bytes' }] }],
            [[[target, 0n, inner]]] as never,
          ),
        ],
      }),
  ],
  [
    'ERC-7579 single call',
    (inner) =>
      encodeFunctionData({
        abi: parseAbi(['function execute(bytes32,bytes)']),
        args: [`0x${'00'.repeat(32)}`, encodePacked(['address', 'uint256', 'bytes'], [target, 0n, inner])],
      }),
  ],
]

describe('attribution labels', () => {
  test('the suffix of a plain call is found at the empty path', () => {
    expect(found(labelled('app'))).toEqual([['', 'app']])
  })

  test.each(carriers)('a suffix inside %s is found', (_name, carry) => {
    expect(found(carry(labelled('inner')))).toEqual([['0', 'inner']])
  })

  test('labels are listed from the outermost call inwards', () => {
    const carry = carriers[3]?.[1] ?? ((inner: Hex) => inner)
    expect(found(labelled('outer', carry(labelled('inner'))))).toEqual([
      ['', 'outer'],
      ['0', 'inner'],
    ])
  })

  test(`nothing below depth ${labelDepthMax} is looked at`, () => {
    const carry = carriers[3]?.[1] ?? ((inner: Hex) => inner)
    const nested = (depth: number): Hex => (depth === 0 ? labelled('deep') : carry(nested(depth - 1)))
    expect(found(nested(labelDepthMax))).toHaveLength(1)
    expect(found(nested(labelDepthMax + 1))).toHaveLength(0)
  })

  test('a malformed payload is recorded, not thrown', () => {
    const data = concatBytes(hexToBytes('0xa9059cbb'), encodeSuffix({ code: 'app', ol: Uint8Array.of(1, 9, 0) }))
    expect(attributionLabels(target, data)).toMatchObject([{ path: [], malformed: expect.stringContaining('kind') }])
  })

  test('random arguments of the known carriers never throw', () => {
    const selectors = [
      '0x1fad948c',
      '0x765e827f',
      '0x6a761202',
      '0x252dba42',
      '0xbce38bd7',
      '0x82ad56cb',
      '0x174dea71',
      '0xe9ae5c53',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...selectors), fc.uint8Array({ maxLength: 400 }), (selector, noise) => {
        attributionLabels(target, concatBytes(hexToBytes(selector), noise))
      }),
    )
  })
})
