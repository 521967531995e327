import fc from 'fast-check'
import type { AttributionEntry, EntryClass } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { Shares } from '../../protocol/fee.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { Credit, EpochHeader, Payout } from '../../protocol/payout-epoch.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import type { RoyaltyRow } from '../../protocol/royalty-vector.ts'
import type { Cancel, Voucher } from '../../protocol/voucher.ts'

/** Arbitrary objects of docs/MONEY.md: every field takes all values of its type. */

const hexOf = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(bytesToHex)
export const hash: fc.Arbitrary<Hex> = hexOf(32)
export const address: fc.Arbitrary<Hex> = hexOf(20)
export const u8 = fc.nat(0xff)
export const u16 = fc.nat(0xffff)
export const u32 = fc.oneof(fc.nat(1000), fc.nat(0xffff_ffff), fc.constant(0xffff_ffff))
export const u64 = bits(64n)
export const u128 = bits(128n)

function bits(count: bigint): fc.Arbitrary<bigint> {
  const max = (1n << count) - 1n
  return fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, max), fc.constant(max))
}

export const request: fc.Arbitrary<InferenceRequest> = fc.record({
  chainId: fc.constant(901n),
  payer: address,
  nonce: u64,
  modelVersion: hash,
  adapters: fc.array(fc.record({ root: hash, weight: u16 }), { maxLength: 4 }),
  templateHash: hash,
  promptRoot: hash,
  sampling: fc.record({ tempQ16: u32, topK: u16, topPQ16: u32, maxTokens: u32, stopHash: hash }),
  class: u8,
  priceVersion: u32,
  maxFee: u128,
  appCode: hash,
  deadline: u64,
})

export const voucher: fc.Arbitrary<Voucher> = fc.record({
  channel: hash,
  requestId: hash,
  worker: address,
  maxFee: u128,
  cumulativeCap: u128,
  deadline: u64,
})

export const cancel: fc.Arbitrary<Cancel> = fc.record({ requestId: hash, tout: u32, outputRoot: hash })
export const answer = fc.record({ requestId: hash, outputRoot: hash, final: fc.boolean() })

export const receipt: fc.Arbitrary<InferenceReceipt> = fc.record({
  requestId: hash,
  worker: address,
  tin: u32,
  tout: u32,
  fee: u128,
  outputRoot: hash,
  traceRoot: hash,
  class: u8,
  proofHash: hash,
  indexSetHash: hash,
  algoHash: hash,
  attrRoot: hash,
  attrEntries: u32,
  royaltyHash: hash,
})

export const entry: fc.Arbitrary<AttributionEntry> = fc.record({
  payee: address,
  id: u64,
  class: fc.nat(6).map((value) => value as EntryClass),
  evidenceHash: hash,
  weight: fc.integer({ min: 1, max: 1_000_000 }),
})
export const credit: fc.Arbitrary<Credit> = fc.record({ payee: address, receipt: u32, entry: u32, amount: u128 })
export const payout: fc.Arbitrary<Payout> = fc.record({ payee: address, cumulative: u128 })

export const segment: fc.Arbitrary<Segment> = fc.record({
  channel: hash,
  count: u32,
  fee: u128,
  requestId: hash,
  maxFee: u128,
  cumulativeCap: u128,
  deadline: u64,
  r: hash,
  vs: hash,
})

export const sums10 = fc.array(u128, { minLength: 10, maxLength: 10 })

export const batchHeader: fc.Arbitrary<BatchHeader> = fc.record({
  batchId: u64,
  worker: address,
  committedAt: u64,
  l2Block: u64,
  receiptRoot: hash,
  count: u32,
  sums: sums10,
  class: u8,
  dataHash: hash,
  segmentsHash: hash,
})

export const epochHeader: fc.Arbitrary<EpochHeader> = fc.record({
  epoch: u64,
  parentRoot: hash,
  firstBatch: u64,
  lastBatch: u64,
  creditsRoot: hash,
  creditsSum: u128,
  creditsCount: u32,
  payoutRoot: hash,
  payoutSum: u128,
  payoutCount: u32,
  dataHash: hash,
  algoHash: hash,
})

/** Shares of which nobody's is negative. */
export const shares: fc.Arbitrary<Shares> = fc
  .record({
    platformFee: fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(0n, 10n ** 18n)),
    cuts: fc.array(fc.nat(10_000), { minLength: 4, maxLength: 4 }),
  })
  .map(({ platformFee, cuts }) => {
    const [a = 0, b = 0, c = 0, d = 0] = cuts.sort((x, y) => x - y)
    return { platformFee, betaBps: a, gammaBps: b - a, omegaBps: c - b, rhoBps: d - c }
  })

/** Royalty vectors that are well formed. */
export const royaltyRows: fc.Arbitrary<RoyaltyRow[]> = fc
  .record({
    models: fc.uniqueArray(fc.bigInt(1n, (1n << 64n) - 1n), { maxLength: 16 }),
    accounts: fc.uniqueArray(fc.bigInt(1n, (1n << 160n) - 1n), { minLength: 1, maxLength: 16 }),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 9_999 }), { minLength: 31, maxLength: 31 }),
  })
  .map(({ models, accounts, cuts }) => {
    const ascending = (ids: bigint[]) => ids.sort((a, b) => (a < b ? -1 : 1))
    const ids = [
      ...ascending(models).map((id) => ({ kind: 0 as const, id })),
      ...ascending(accounts).map((id) => ({ kind: 1 as const, id })),
    ]
    const ends = [...cuts.slice(0, ids.length - 1).sort((a, b) => a - b), 10_000]
    return ids.map(({ kind, id }, i) => ({
      kind,
      id: `0x${id.toString(16).padStart(40, '0')}` as const,
      bps: (ends[i] ?? 0) - (ends[i - 1] ?? 0),
    }))
  })
