import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { type Answer, answerStructHash } from '../../protocol/answer.ts'
import { type AttributionEntry, entryRow, type payeePools, poolPayee } from '../../protocol/attribution-entry.ts'
import { indexSetHash } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { type InferenceReceipt, receiptRow, receiptStructHash } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import {
  type Credit,
  creditRow,
  type EpochHeader,
  epochHash,
  type Payout,
  payoutRow,
} from '../../protocol/payout-epoch.ts'
import { type BatchHeader, batchHash, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyHash } from '../../protocol/royalty-vector.ts'
import {
  type Cancel,
  cancelStructHash,
  channelOf,
  paymentHash,
  type Voucher,
  voucherStructHash,
} from '../../protocol/voucher.ts'
import { deploy, emptyChain } from '../contracts/chain.ts'

/** Arguments as Solidity takes them; integers of 64 bits and more are decimal strings in the file. */
type Vector = { readonly name: string; readonly args: readonly unknown[]; readonly result: Hex }
type Indexed<T> = T & { readonly index: number }
type Compact = { readonly r: Hex; readonly vs: Hex }

const chainId = 901n
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'money-golden.json'), 'utf8'), (_, value) =>
  typeof value === 'string' && /^\d+$/.test(value) ? BigInt(value) : value,
) as readonly Vector[]

const digest = (structHash: Uint8Array) => moneyDigest(chainId, structHash)
const signed = <T>(value: T, { r, vs }: Compact) => ({ value, signature: concatBytes(hexToBytes(r), hexToBytes(vs)) })

/** What protocol/ makes of the same arguments. */
const here: Record<string, (...args: never[]) => Uint8Array | Hex> = {
  requestId: (request: InferenceRequest) => requestIdOf(request),
  voucherDigest: (voucher: Voucher) => digest(voucherStructHash(voucher)),
  answerDigest: ({ isFinal, ...answer }: Omit<Answer, 'final'> & { isFinal: boolean }) =>
    digest(answerStructHash({ ...answer, final: isFinal })),
  cancelDigest: (cancel: Cancel) => digest(cancelStructHash(cancel)),
  receiptDigest: (receipt: InferenceReceipt) => digest(receiptStructHash(receipt)),
  channelOf: (payer: Hex, worker: Hex) => channelOf(payer, worker),
  paymentHash: (voucher: Voucher, signature: Compact) => paymentHash(signed(voucher, signature)),
  cutPaymentHash: (voucher: Voucher, signature: Compact, cancel: Cancel, cancelSignature: Compact) =>
    paymentHash(signed(voucher, signature), signed(cancel, cancelSignature)),
  receiptRow: (receipt: InferenceReceipt, payment: Hex, sums: bigint[]) =>
    receiptRow(receipt, hexToBytes(payment), sums),
  entryRow: ({ index, weight, ...entry }: Indexed<Omit<AttributionEntry, 'weight'>> & { weight: bigint }) =>
    entryRow(index, { ...entry, weight: Number(weight) }),
  creditRow: ({ index, ...credit }: Indexed<Credit>) => creditRow(index, credit),
  payoutRow: ({ index, ...payout }: Indexed<Payout>) => payoutRow(index, payout),
  poolPayee: (kind: (typeof payeePools)['units'], id: bigint) => poolPayee(kind, id),
  royaltyHash: (rows: RoyaltyRow[]) => royaltyHash(rows),
  indexSetHash: (ids: Hex[]) => indexSetHash(ids),
  segmentsHash: (segments: Segment[]) => segmentsHash(segments),
  batchHash: (header: BatchHeader) => batchHash(header),
  epochHash: (header: EpochHeader) => epochHash(header),
}

let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'MoneyHarness', `0x${'5f'.repeat(20)}`)
})

test.each(vectors)('$name is what it always was, here and in Solidity', async ({ name, args, result }) => {
  const made = here[name]?.(...(args as never[]))
  expect(made instanceof Uint8Array ? bytesToHex(made) : made).toBe(result)
  expect(String(await evm.call(harness, name, args)).toLowerCase()).toBe(result)
})

test('every format has a vector', () => {
  expect(new Set(vectors.map(({ name }) => name))).toEqual(new Set(Object.keys(here)))
})
