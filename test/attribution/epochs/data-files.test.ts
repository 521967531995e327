import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatchFile, encodeBatchFile, rowBytes, rowStarts } from '../../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf, batchReceipt } from '../../../attribution/epochs/batch-rows.ts'
import { DataError } from '../../../attribution/epochs/data-error.ts'
import { decodeEpochFile, type EpochFile, encodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const hex = (length: number): fc.Arbitrary<Hex> => bytes(length).map(bytesToHex)
const u = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
const u8 = fc.nat(255)
const u16 = fc.nat(65_535)
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const tokens = fc.array(u32, { maxLength: 5 }).map((list) => Uint32Array.from(list))

const voucher = fc.record({
  ...{ channel: hex(32), requestId: hex(32), worker: hex(20), maxFee: u(128), cumulativeCap: u(128), deadline: u(64) },
})
const cancel = fc.record({ requestId: hex(32), tout: u32, outputRoot: hex(32) })
const signed = <T>(value: fc.Arbitrary<T>) => fc.record({ value, signature: bytes(64) })

const receipt: fc.Arbitrary<BatchReceipt> = fc.record({
  receipt: fc.record({
    ...{ requestId: hex(32), worker: hex(20), tin: u32, tout: u32, fee: u(128), outputRoot: hex(32) },
    ...{ traceRoot: hex(32), class: u8, proofHash: hex(32), indexSetHash: hex(32), algoHash: hex(32) },
    ...{ attrRoot: hex(32), attrEntries: u32, royaltyHash: hex(32) },
  }),
  sums: fc.array(u(128), { minLength: 10, maxLength: 10 }),
  request: fc.record({
    ...{ chainId: u(256), payer: hex(20), nonce: u(64), modelVersion: hex(32), templateHash: hex(32) },
    adapters: fc.array(fc.record({ root: hex(32), weight: u16 }), { maxLength: 2 }),
    promptRoot: hex(32),
    sampling: fc.record({ tempQ16: u32, topK: u16, topPQ16: u32, maxTokens: u32, stopHash: hex(32) }),
    ...{ class: u8, priceVersion: u32, maxFee: u(128), appCode: hex(32), deadline: u(64) },
  }),
  payment: fc.option(fc.record({ voucher: signed(voucher), cancel: fc.option(signed(cancel), { nil: undefined }) }), {
    nil: undefined,
  }),
  entries: fc.array(fc.record({ payee: hex(20), id: u(64), class: u8, evidenceHash: hex(32), weight: u(64) }), {
    maxLength: 3,
  }),
  prompt: tokens,
  output: tokens,
})

const epochFile: fc.Arbitrary<EpochFile> = fc.record({
  ...{ epoch: u(64), parentRoot: hex(32), firstBatch: u(64), lastBatch: u(64) },
  credits: fc.integer({ min: 1, max: 5 }).chain((rows) => bytes(44 * rows)),
  payouts: fc.integer({ min: 1, max: 5 }).chain((rows) => bytes(36 * rows)),
})

/** Every prefix, a byte more, and every byte changed, of which a file notices those of its shape. */
function codesOf(decode: (file: Uint8Array) => unknown, file: Uint8Array): Set<string> {
  const codes = new Set<string>()
  const attempt = (one: Uint8Array) => {
    try {
      decode(one)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      codes.add(error.code)
    }
  }
  for (let length = 0; length < file.length; length++) {
    expect(() => decode(file.subarray(0, length))).toThrow(DataError)
  }
  expect(() => decode(Uint8Array.from([...file, 0]))).toThrow(DataError)
  for (let i = 0; i < file.length; i++) {
    const changed = file.slice()
    changed[i] = (changed[i] ?? 0) ^ 0xff
    attempt(changed)
  }
  return codes
}

describe('batch file', () => {
  test('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.array(receipt, { minLength: 1, maxLength: 4 }), (receipts) => {
        const file = decodeBatchFile(encodeBatchFile(batchFileOf(receipts)))
        const starts = rowStarts(file.receipts)
        for (const [i, one] of receipts.entries()) {
          const { receipt: found, request, payment, entries, ...rest } = batchReceipt(file, starts, i)
          expect(found).toMatchObject(one.receipt)
          expect(request).toMatchObject(one.request)
          if (one.payment === undefined) expect(payment).toBeUndefined()
          else expect(payment).toMatchObject(one.payment)
          expect(entries).toEqual(one.entries)
          expect(rest).toEqual({ sums: one.sums, prompt: one.prompt, output: one.output })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('is refused with a word for what is wrong with its shape', () => {
    const [one] = fc.sample(receipt, { numRuns: 1, seed: 1 })
    if (one === undefined) throw new Error('no sample')
    const file = encodeBatchFile(
      batchFileOf([{ ...one, entries: [], prompt: Uint32Array.of(1), output: Uint32Array.of(2) }]),
    )
    expect(codesOf(decodeBatchFile, file)).toEqual(new Set(['kind', 'length', 'value']))
    const none = file.slice(0, 12)
    none.set([0, 0, 0, 0], 8)
    expect(() => decodeBatchFile(none)).toThrow(expect.objectContaining({ code: 'value' }))
  })

  test('has rows of the widths that MONEY §8 gives', () => {
    expect(rowBytes).toEqual({
      ...{ receipts: 479, requests: 263, adapters: 34, vouchers: 188, cancels: 132, entries: 69, tokens: 4 },
    })
  })

  test('is not written where sections do not fit the receipts', () => {
    const [one] = fc.sample(receipt, { numRuns: 1, seed: 1 })
    const file = batchFileOf(one === undefined ? [] : [one])
    const entries = new Uint8Array(file.entries.length + rowBytes.entries)
    expect(() => encodeBatchFile({ ...file, entries })).toThrow(expect.objectContaining({ code: 'length' }))
    expect(() => encodeBatchFile({ ...file, receipts: new Uint8Array(0) })).toThrow(DataError)
  })
})

describe('epoch file', () => {
  test('is to the byte what MONEY §8 says', () => {
    const file = { epoch: 1n, parentRoot: zeroHash, firstBatch: 2n, lastBatch: 3n }
    const credit = `${'aa'.repeat(20)}${'00000004'}${'00000005'}${'6'.padStart(32, '0')}`
    const payout = `${'aa'.repeat(20)}${'7'.padStart(32, '0')}`
    const rows = { credits: hexToBytes(`0x${credit}`), payouts: hexToBytes(`0x${payout}`) }
    const head = ['4f4c45504f4348', '01', '0000000000000001', '00'.repeat(32), '0000000000000002', '0000000000000003']
    const counts = ['00000001', '00000001']
    expect(bytesToHex(encodeEpochFile({ ...file, ...rows }))).toBe(`0x${[...head, ...counts, credit, payout].join('')}`)
  })

  test('gives back what was put in', () => {
    fc.assert(
      fc.property(epochFile, (file) => {
        expect(decodeEpochFile(encodeEpochFile(file))).toEqual(file)
      }),
    )
  })

  test('is refused with a word for what is wrong with its shape', () => {
    const [file] = fc.sample(epochFile, { numRuns: 1, seed: 1 })
    if (file === undefined) throw new Error('no sample')
    const encoded = encodeEpochFile(file)
    expect(codesOf(decodeEpochFile, encoded)).toEqual(new Set(['kind', 'length']))
    expect(() => decodeEpochFile(encodeEpochFile({ ...file, payouts: new Uint8Array(0) }))).toThrow(
      expect.objectContaining({ code: 'value' }),
    )
  })
})
