import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sortedOrder } from '../../../attribution/epochs/radix-sort.ts'
import { concatBytes } from '../../../protocol/bytes.ts'

test('orders rows by their key and keeps the order of equal ones, as a stable comparison sort does', () => {
  const digit = fc.oneof(fc.constantFrom(0, 1, 255), fc.nat(255))
  const row = fc.array(digit, { minLength: 5, maxLength: 5 }).map((bytes) => Uint8Array.from(bytes))
  fc.assert(
    fc.property(fc.array(row, { maxLength: 300 }), (rows) => {
      const key = (i: number) => Buffer.from(rows[i]?.subarray(0, 3) ?? [])
      const expected = rows.map((_, i) => i).sort((a, b) => Buffer.compare(key(a), key(b)))
      expect([...sortedOrder(concatBytes(...rows), 5, 3)]).toEqual(expected)
    }),
    { numRuns: 200 },
  )
})
