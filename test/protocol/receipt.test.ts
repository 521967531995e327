import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bloomMayContain, logsBloom } from '../../protocol/bloom.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { decodeReceipt, encodeReceipt, encodeStoredReceipt } from '../../protocol/receipt.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { log, receipt } from '../fakes/arbitraries.ts'

test('every receipt survives encoding and decoding', () => {
  fc.assert(
    fc.property(receipt, (value) => {
      expect(decodeReceipt(encodeReceipt(value))).toEqual(value)
    }),
  )
})

test("Regolith's deposit nonce is stored, but is no part of the trie leaf", () => {
  fc.assert(
    fc.property(receipt, (value) => {
      fc.pre(value.type === 0x7e)
      const regolith = { ...value, depositReceiptVersion: undefined }
      expect(decodeReceipt(encodeStoredReceipt(regolith)).depositNonce).toBe(value.depositNonce)
      expect(decodeReceipt(encodeReceipt(regolith)).depositNonce).toBeUndefined()
    }),
  )
})

test('a receipt of a type yet unknown is read as a plain one', () => {
  const body = rlpEncode([rlpUint(1), rlpUint(21_000), new Uint8Array(256), []])
  expect(decodeReceipt(Uint8Array.of(0x09, ...body)).type).toBe(9)
  expect(() => decodeReceipt(body.subarray(0, 40))).toThrow(FormatError)
})

test('the bloom finds every address and topic of its logs', () => {
  fc.assert(
    fc.property(fc.array(log, { maxLength: 4 }), (logs) => {
      const bloom = logsBloom(logs)
      for (const { address, topics } of logs) {
        for (const value of [address, ...topics]) expect(bloomMayContain(bloom, value)).toBe(true)
      }
    }),
  )
})
