import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blobBytes, blobDataBytesMax, decodeBlob, encodeBlob } from '../../protocol/blob-codec.ts'
import { bytesToHex, FormatError } from '../../protocol/bytes.ts'
import { bytesUpTo } from '../fakes/arbitraries.ts'

test('data survives a blob, and no field element exceeds 254 bits', () => {
  fc.assert(
    fc.property(bytesUpTo(1_000), (data) => {
      const blob = encodeBlob(data)
      expect(blob.length).toBe(blobBytes)
      for (let i = 0; i < blobBytes; i += 32) expect((blob[i] ?? 0) & 0b1100_0000).toBe(0)
      expect(bytesToHex(decodeBlob(blob))).toBe(bytesToHex(data))
    }),
    { numRuns: 50 },
  )
})

test.each([0, 1, 27, 28, 123, 124, 127, blobDataBytesMax - 1, blobDataBytesMax])(
  '%i bytes of ones survive',
  (length) => {
    const data = new Uint8Array(length).fill(0xff)
    expect(bytesToHex(decodeBlob(encodeBlob(data)))).toBe(bytesToHex(data))
  },
)

test('one byte too many does not fit', () => {
  expect(() => encodeBlob(new Uint8Array(blobDataBytesMax + 1))).toThrow(FormatError)
})

test.each([
  ['another version', 1, 1],
  ['a length past the capacity', 2, 0xff],
  ['a field element above 254 bits', 32, 0x40],
  ['a byte behind the data', 20, 1],
  ['a byte in an unused field element', 4096, 1],
])('refuses a blob with %s', (_, at, value) => {
  const blob = encodeBlob(Uint8Array.of(1, 2, 3))
  blob[at] = value
  expect(() => decodeBlob(blob)).toThrow(FormatError)
})

test('refuses a blob of another size', () => {
  expect(() => decodeBlob(new Uint8Array(blobBytes - 1))).toThrow(FormatError)
})
