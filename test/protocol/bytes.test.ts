import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bigintToBytes, bytesToBigint, bytesToHex, hexToBytes } from '../../protocol/bytes.ts'

/** Both sides of every byte length, where the short way ends among them. */
const boundaries = Array.from({ length: 33 }, (_, bytes) => 256n ** BigInt(bytes)).flatMap((power) => [
  power - 1n,
  power,
])
const integer = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }))

test.each(boundaries)('%s is its minimal big-endian bytes, and they are it', (value) => holds(value))

test('integers of every size are their minimal big-endian bytes', () => {
  fc.assert(fc.property(integer, holds))
})

test('leading zeros do not change an integer', () => {
  fc.assert(
    fc.property(integer, fc.nat(40), (value, zeros) => {
      expect(bytesToBigint(new Uint8Array([...new Uint8Array(zeros), ...bigintToBytes(value)]))).toBe(value)
    }),
  )
})

test('a negative integer has no bytes', () => {
  expect(() => bigintToBytes(-1n)).toThrow('negative integer -1')
})

function holds(value: bigint): void {
  const digits = value === 0n ? '' : value.toString(16)
  const hex = `0x${digits.length % 2 === 1 ? '0' : ''}${digits}`
  expect(bytesToHex(bigintToBytes(value))).toBe(hex)
  expect(bytesToBigint(hexToBytes(hex))).toBe(value)
}
