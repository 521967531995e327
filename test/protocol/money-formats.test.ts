import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { encodeStruct } from '../../protocol/abi-struct.ts'
import { answerStructHash, answerTypes } from '../../protocol/answer.ts'
import { entryPools, entryRow, payeePools, poolOf, poolPayee } from '../../protocol/attribution-entry.ts'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { recoverCompact, signCompact } from '../../protocol/compact-signature.ts'
import { encodeType, hashStruct, type StructTypes } from '../../protocol/eip712.ts'
import { receiptRow, receiptStructHash, receiptTypes } from '../../protocol/inference-receipt.ts'
import {
  modelVersionHash,
  openedRequest,
  parseModelVersion,
  requestIdOf,
  requestTypes,
} from '../../protocol/inference-request.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { moneyDigest, moneyDomain } from '../../protocol/money-domain.ts'
import { creditRow, epochHash, payoutRow } from '../../protocol/payout-epoch.ts'
import { batchHash, segmentsHash } from '../../protocol/receipt-batch.ts'
import { decodeRoyaltyRows, encodeRoyaltyRows, type RoyaltyRow, royaltyHash } from '../../protocol/royalty-vector.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import {
  cancelStructHash,
  cancelTypes,
  channelOf,
  paymentHash,
  voucherStructHash,
  voucherTypes,
} from '../../protocol/voucher.ts'
import { deploy, emptyChain } from '../contracts/chain.ts'
import * as arbitrary from '../fakes/arbitrary-money.ts'

const chainId = 901n
const numRuns = 100
let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'MoneyHarness', `0x${'5f'.repeat(20)}`)
})

const solidity = async (name: string, ...args: unknown[]) => await evm.call(harness, name, args)
const digest = (structHash: Uint8Array) => bytesToHex(moneyDigest(chainId, structHash))
const signature = fc.uint8Array({ minLength: 64, maxLength: 64 })
const rvs = (bytes: Uint8Array) => ({ r: bytesToHex(bytes.subarray(0, 32)), vs: bytesToHex(bytes.subarray(32)) })

/** A second implementation of EIP-712. */
function viemDigest(types: StructTypes, primaryType: string, message: Record<string, unknown>): Hex {
  const fields = Object.entries(types).map(([name, list]) => [
    name,
    list.map(([field, type]) => ({ name: field, type })),
  ])
  return hashTypedData({ domain: moneyDomain(chainId), types: Object.fromEntries(fields), primaryType, message })
}

describe('signed objects have one digest here, in Solidity and by viem', () => {
  test('requests', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary.request, async (request) => {
        const id = requestIdOf(request)
        expect(await solidity('requestId', request)).toBe(id)
        expect(viemDigest(requestTypes, 'Request', request)).toBe(id)
      }),
      { numRuns },
    )
  })

  test('a request has the same id with its lists by hash', () => {
    const words: StructTypes = {
      Request: (requestTypes['Request'] ?? []).map(([name, type]) =>
        name === 'adapters' || name === 'sampling' ? [`${name}Hash`, 'bytes32'] : [name, type],
      ),
    }
    const typeHash = keccak256(new TextEncoder().encode(encodeType(requestTypes, 'Request')))
    fc.assert(
      fc.property(arbitrary.request, (request) => {
        const opened = encodeStruct(words['Request'] ?? [], openedRequest(request))
        expect(digest(keccak256(concatBytes(typeHash, opened)))).toBe(requestIdOf(request))
      }),
      { numRuns },
    )
  })

  test('a model version is its id and number, and nothing else is one', () => {
    fc.assert(
      fc.property(arbitrary.u64, arbitrary.u32, (modelId, version) => {
        expect(parseModelVersion(modelVersionHash(modelId, version))).toEqual({ modelId, version })
      }),
    )
    for (const hash of ['0x', `0x01${'00'.repeat(31)}`] as const)
      expect(() => parseModelVersion(hash)).toThrow(FormatError)
  })

  test('vouchers, answers, cancels and receipts', async () => {
    const each = fc.tuple(arbitrary.voucher, arbitrary.answer, arbitrary.cancel, arbitrary.receipt)
    await fc.assert(
      fc.asyncProperty(each, async ([voucher, answer, cancel, receipt]) => {
        const expected = {
          voucherDigest: digest(voucherStructHash(voucher)),
          answerDigest: digest(answerStructHash(answer)),
          cancelDigest: digest(cancelStructHash(cancel)),
          receiptDigest: digest(receiptStructHash(receipt)),
        }
        const { final: isFinal, ...rest } = answer
        expect(await solidity('voucherDigest', voucher)).toBe(expected.voucherDigest)
        expect(await solidity('answerDigest', { ...rest, isFinal })).toBe(expected.answerDigest)
        expect(await solidity('cancelDigest', cancel)).toBe(expected.cancelDigest)
        expect(await solidity('receiptDigest', receipt)).toBe(expected.receiptDigest)
        expect(viemDigest(voucherTypes, 'Voucher', voucher)).toBe(expected.voucherDigest)
        expect(viemDigest(answerTypes, 'Answer', answer)).toBe(expected.answerDigest)
        expect(viemDigest(cancelTypes, 'Cancel', cancel)).toBe(expected.cancelDigest)
        expect(viemDigest(receiptTypes, 'Receipt', receipt)).toBe(expected.receiptDigest)
      }),
      { numRuns },
    )
  })

  test('a signature of 64 bytes names its signer on both sides', async () => {
    const keys = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(keccak256)
    await fc.assert(
      fc.asyncProperty(arbitrary.voucher, keys, async (voucher, key) => {
        const signed = moneyDigest(chainId, voucherStructHash(voucher))
        const signer = bytesToHex(privateKeyAddress(key))
        const compact = signCompact(signed, key)
        expect(bytesToHex(recoverCompact(signed, compact))).toBe(signer)
        expect(String(await solidity('voucherSigner', voucher, rvs(compact))).toLowerCase()).toBe(signer)
        const other = { ...voucher, maxFee: voucher.maxFee ^ 1n }
        expect(String(await solidity('voucherSigner', other, rvs(compact))).toLowerCase()).not.toBe(signer)
      }),
      { numRuns: 30 },
    )
  })

  test('a signature with s above half the order, or none at all, has no signer', async () => {
    const [voucher] = fc.sample(arbitrary.voucher, 1)
    if (voucher === undefined) throw new Error('no sample')
    const signed = moneyDigest(chainId, voucherStructHash(voucher))
    const highS = signCompact(signed, keccak256(signed))
    highS.fill(0xff, 33).fill(0x7f, 32, 33)
    for (const bytes of [new Uint8Array(64), highS]) {
      expect(await solidity('voucherSigner', voucher, rvs(bytes))).toBe(`0x${'00'.repeat(20)}`)
      expect(() => recoverCompact(signed, bytes)).toThrow(FormatError)
    }
    expect(() => recoverCompact(signed, highS.subarray(1))).toThrow(FormatError)
  })

  test('a value that its type does not hold is refused, not cut', () => {
    const types: StructTypes = { T: [['x', 'uint16']] }
    expect(hashStruct(types, 'T', { x: 0xffff })).toHaveLength(32)
    for (const x of [0x10000, -1, 1.5, '1', undefined]) expect(() => hashStruct(types, 'T', { x })).toThrow(FormatError)
  })
})

describe('leaves, names and headers have one hash here and in Solidity', () => {
  test('rows of receipts, entries, credits and payouts', async () => {
    const each = fc.tuple(
      arbitrary.receipt,
      arbitrary.hash,
      arbitrary.sums10,
      arbitrary.entry,
      arbitrary.credit,
      arbitrary.payout,
      arbitrary.u32,
    )
    await fc.assert(
      fc.asyncProperty(each, async ([receipt, payment, sums, entry, credit, payout, index]) => {
        const row = bytesToHex(receiptRow(receipt, hexToBytes(payment), sums))
        expect(await solidity('receiptRow', receipt, payment, sums)).toBe(row)
        const weights = entryPools.map((pool) => (pool === poolOf(entry.class) ? BigInt(entry.weight) : 0n))
        const weighed = { ...entry, weight: BigInt(entry.weight), index }
        expect(await solidity('entryRow', weighed, weights)).toBe(bytesToHex(entryRow(index, entry)))
        expect(await solidity('creditRow', { ...credit, index })).toBe(bytesToHex(creditRow(index, credit)))
        expect(await solidity('payoutRow', { ...payout, index })).toBe(bytesToHex(payoutRow(index, payout)))
      }),
      { numRuns },
    )
  })

  test('channels, payments and pools', async () => {
    const each = fc.tuple(
      arbitrary.address,
      arbitrary.address,
      arbitrary.voucher,
      signature,
      arbitrary.cancel,
      signature,
      arbitrary.u64,
    )
    const kinds = fc.constantFrom(...Object.values(payeePools))
    await fc.assert(
      fc.asyncProperty(each, kinds, async ([payer, worker, voucher, signed, cancel, signedCancel, id], kind) => {
        expect(await solidity('channelOf', payer, worker)).toBe(channelOf(payer, worker))
        const whole = { value: voucher, signature: signed }
        const cut = { value: cancel, signature: signedCancel }
        expect(await solidity('paymentHash', voucher, rvs(signed))).toBe(bytesToHex(paymentHash(whole)))
        const cutArgs = [voucher, rvs(signed), cancel, rvs(signedCancel)]
        expect(await solidity('cutPaymentHash', ...cutArgs)).toBe(bytesToHex(paymentHash(whole, cut)))
        const pool = poolPayee(kind, id)
        expect(String(await solidity('poolPayee', kind, id)).toLowerCase()).toBe(pool)
        const isOne = kind === payeePools.stakers || kind === payeePools.treasury
        expect(await solidity('isPool', pool)).toBe(!isOne || id === 0n)
        expect(await solidity('isPool', payer)).toBe(false)
      }),
      { numRuns },
    )
  })

  test('headers of batches and epochs, and segments', async () => {
    const each = fc.tuple(arbitrary.batchHeader, arbitrary.epochHeader, fc.array(arbitrary.segment, { maxLength: 5 }))
    await fc.assert(
      fc.asyncProperty(each, async ([batch, epoch, segments]) => {
        expect(await solidity('batchHash', batch)).toBe(bytesToHex(batchHash(batch)))
        expect(await solidity('epochHash', epoch)).toBe(bytesToHex(epochHash(epoch)))
        expect(await solidity('segmentsHash', segments)).toBe(bytesToHex(segmentsHash(segments)))
      }),
      { numRuns },
    )
  })

  test('royalty vectors', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary.royaltyRows, async (rows) => {
        expect(await solidity('royaltyHash', rows)).toBe(bytesToHex(royaltyHash(rows)))
        expect(decodeRoyaltyRows(encodeRoyaltyRows(rows))).toEqual(rows)
      }),
      { numRuns },
    )
  })

  const id = (last: string): Hex => `0x${last.padStart(40, '0')}`
  const half = { kind: 1, id: id('01'), bps: 5_000 } as const
  test.each<[string, RoyaltyRow[]]>([
    ['no rows', []],
    ['33 rows', Array.from({ length: 33 }, (_, i) => ({ kind: 1, id: id((i + 1).toString(16)), bps: 303 }))],
    ['a sum below 10,000', [half]],
    [
      'a sum above 10,000',
      [
        { ...half, bps: 6_000 },
        { ...half, id: id('02') },
      ],
    ],
    ['the same payee twice', [half, half]],
    ['rows out of order', [{ ...half, id: id('02') }, half]],
    ['an address before a model', [half, { ...half, kind: 0 }]],
    ['a row of nothing', [half, { ...half, id: id('02') }, { ...half, id: id('03'), bps: 0 }]],
    ['nobody', [{ ...half, id: id('0') }, half]],
    ['a model id above u64', [{ ...half, kind: 0, id: id('010000000000000000') }, half]],
    ['an unknown kind', [half, { ...half, kind: 2 as never }]],
  ])('%s make no royalty vector', async (_, rows) => {
    expect(() => royaltyHash(rows)).toThrow(FormatError)
    await expect(solidity('royaltyHash', rows)).rejects.toThrow('BadRoyalty')
  })
})
