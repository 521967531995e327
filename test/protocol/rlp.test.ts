import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesToHex, FormatError, hexToBytes } from '../../protocol/bytes.ts'
import { asUint, rlpDecode, rlpDecodeAt, rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { bytesUpTo, rlpItem, uint } from '../fakes/arbitraries.ts'

test('every item survives encoding and decoding', () => {
  fc.assert(
    fc.property(rlpItem, (item) => {
      expect(rlpDecode(rlpEncode(item))).toEqual(item)
    }),
  )
})

test('bytes that decode are the only encoding of what they decode to', () => {
  fc.assert(
    fc.property(bytesUpTo(12), (bytes) => {
      let item: ReturnType<typeof rlpDecode>
      try {
        item = rlpDecode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError)
        return
      }
      expect(bytesToHex(rlpEncode(item))).toBe(bytesToHex(bytes))
    }),
    { numRuns: 2000 },
  )
})

test.each([
  ['0x', 'nothing'],
  ['0x8101', 'a single byte below 0x80 with a length'],
  ['0xb801ff', 'a long form for a short string'],
  ['0xb90000', 'a length with a leading zero'],
  ['0x83aabb', 'a string cut short'],
  ['0xc3aabb', 'a list cut short'],
  ['0xc28201', 'an item that crosses the end of its list'],
  ['0x0102', 'a byte behind the item'],
  ['0xbfffffffffffffffff', 'a length beyond memory'],
])('refuses %s: %s', (hex) => {
  expect(() => rlpDecode(hexToBytes(hex))).toThrow(FormatError)
})

test('refuses nesting that would exhaust the stack', () => {
  expect(() => rlpDecode(new Uint8Array(100_000).fill(0xc1))).toThrow(FormatError)
})

test('a long list and a long string have the lengths of the yellow paper', () => {
  expect(bytesToHex(rlpEncode(new Uint8Array(56))).slice(0, 6)).toBe('0xb838')
  expect(bytesToHex(rlpEncode(new Uint8Array(1024))).slice(0, 8)).toBe('0xb90400')
  expect(bytesToHex(rlpEncode(Array.from({ length: 60 }, () => Uint8Array.of(1)))).slice(0, 6)).toBe('0xf83c')
})

test('integers are minimal: zero is empty and a leading zero is refused', () => {
  expect(rlpUint(0n)).toEqual(new Uint8Array(0))
  fc.assert(
    fc.property(uint(256), (value) => {
      expect(asUint(rlpUint(value), 'value')).toBe(value)
    }),
  )
  expect(() => asUint(Uint8Array.of(0, 1), 'value')).toThrow(FormatError)
  expect(() => asUint(new Uint8Array(33).fill(1), 'value')).toThrow(FormatError)
})

test('an item can be read out of the middle of a stream', () => {
  const stream = hexToBytes('0xffc20102820400')
  expect(rlpDecodeAt(stream, 1)).toEqual({ item: [Uint8Array.of(1), Uint8Array.of(2)], end: 4 })
  expect(rlpDecodeAt(stream, 4)).toEqual({ item: Uint8Array.of(4, 0), end: 7 })
})
