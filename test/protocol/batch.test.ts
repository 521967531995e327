import fc from 'fast-check'
import { expect, test } from 'vitest'
import { batchVersion, channelBatch, decodeBatch, readChannelBatch } from '../../protocol/batch.ts'
import { concatBytes, FormatError } from '../../protocol/bytes.ts'
import { rlpEncode } from '../../protocol/rlp.ts'
import { decodeSingularBatch, encodeSingularBatch } from '../../protocol/singular-batch.ts'
import { bytesUpTo, hexOf, uint } from '../fakes/arbitraries.ts'

const singular = fc.record({
  kind: fc.constant('singular' as const),
  parentHash: hexOf(32),
  epochNum: uint(64),
  epochHash: hexOf(32),
  timestamp: uint(64),
  transactions: fc.array(bytesUpTo(80), { maxLength: 5 }),
})

test('singular batches survive a channel, one behind the other', () => {
  fc.assert(
    fc.property(fc.array(singular, { maxLength: 5 }), (given) => {
      const channel = concatBytes(...given.map((batch) => channelBatch(0, encodeSingularBatch(batch))))
      const found: unknown[] = []
      let next = readChannelBatch(channel, 0)
      while (next !== undefined) {
        found.push(decodeBatch(next.data))
        next = readChannelBatch(channel, next.end)
      }
      expect(found).toEqual(given)
    }),
  )
})

test('bytes behind a singular batch inside its string are ignored', () => {
  fc.assert(
    fc.property(singular, bytesUpTo(8), (batch, behind) => {
      expect(decodeSingularBatch(concatBytes(encodeSingularBatch(batch), behind))).toEqual(batch)
    }),
  )
})

test.each([
  ['an empty string', rlpEncode(new Uint8Array(0))],
  ['an unknown version', rlpEncode(Uint8Array.of(2, 0xc0))],
  ['a singular batch of four fields', channelBatch(batchVersion.singular, Uint8Array.of(0xc4, 0x80, 0x80, 0x80, 0x80))],
  ['a span batch of nothing', channelBatch(batchVersion.span, new Uint8Array(0))],
])('refuses %s', (_, channel) => {
  const next = readChannelBatch(channel, 0)
  expect(() => decodeBatch(next?.data ?? new Uint8Array(0))).toThrow(FormatError)
})

test('a list where a batch should be, and a batch longer than its channel, end the channel', () => {
  expect(() => readChannelBatch(Uint8Array.of(0xc0), 0)).toThrow(FormatError)
  expect(() => readChannelBatch(Uint8Array.of(0x83, 1, 2), 0)).toThrow(FormatError)
})
