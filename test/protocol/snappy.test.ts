import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import { snappyDecode, snappyEncode, snappyFrameDecode, snappyFrameEncode } from '../../protocol/snappy.ts'
import { bytesUpTo } from '../fakes/arbitraries.ts'

const compressible = fc
  .tuple(bytesUpTo(40), fc.nat(3000))
  .map(([unit, times]) => concatBytes(...Array.from({ length: times }, () => unit)))

test('bytes survive the block format and the framing format', () => {
  fc.assert(
    fc.property(fc.oneof(bytesUpTo(400), compressible), (data) => {
      const block = snappyEncode(data)
      expect(snappyDecode(block, data.length)).toEqual(data)
      expect(snappyFrameDecode(snappyFrameEncode(data), data.length)).toEqual(data)
    }),
    { numRuns: 60 },
  )
})

test('CRC-32C of RFC 3720: 32 zero bytes, 32 bytes of ones, 0 to 31', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

test('a declared length above the limit is refused before anything is allocated', () => {
  expect(() => snappyDecode(hexToBytes('0xffffffff0f'), 10)).toThrow(/10/)
  expect(() => snappyDecode(snappyEncode(new Uint8Array(11)), 10)).toThrow(FormatError)
  expect(() => snappyFrameDecode(snappyFrameEncode(new Uint8Array(100_000)), 99_999)).toThrow(FormatError)
})

test.each([
  ['0x', 'nothing'],
  ['0xffffffffff', 'a length without end'],
  ['0x050061', 'fewer bytes than declared'],
  ['0x01046162', 'more bytes than declared'],
  ['0x0500610102', 'a copy from before the start'],
  ['0x05006101', 'a copy cut short'],
  ['0x05f0', 'a literal cut short'],
])('refuses the block %s: %s', (hex) => {
  expect(() => snappyDecode(hexToBytes(hex), 1000)).toThrow(FormatError)
})

test('a stream with a wrong checksum, a reserved chunk or without identifier is refused', () => {
  const stream = snappyFrameEncode(Uint8Array.of(1, 2, 3))
  expect(() => snappyFrameDecode(stream.with(14, (stream[14] ?? 0) ^ 1), 10)).toThrow(/checksum/)
  expect(() => snappyFrameDecode(stream.with(10, 2), 10)).toThrow(/reserved/)
  expect(() => snappyFrameDecode(stream.subarray(10), 10)).toThrow(/identifier/)
  expect(() => snappyFrameDecode(stream.subarray(0, -1), 10)).toThrow(FormatError)
  const skippable = concatBytes(stream, Uint8Array.of(0x80, 2, 0, 0, 9, 9), Uint8Array.of(0xfe, 1, 0, 0, 0))
  expect(snappyFrameDecode(skippable, 10)).toEqual(Uint8Array.of(1, 2, 3))
})

test('any bytes are decoded or refused', () => {
  fc.assert(
    fc.property(bytesUpTo(60), (bytes) => {
      try {
        snappyDecode(bytes, 1000)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
      }
    }),
    { numRuns: 2000 },
  )
})
