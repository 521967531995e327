import { type BatchFile, layouts } from '../../attribution/epochs/batch-file.ts'
import { type BatchEntry, type BatchReceipt, batchFileOf, encodeRows } from '../../attribution/epochs/batch-rows.ts'
import { entryTree, OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { u128At, viewOf } from '../../attribution/epochs/epoch-rows.ts'
import type { MatureBatch } from '../../attribution/epochs/mature-batch.ts'
import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { Random } from './random.ts'

/** Payee number `i` of a world of few payees, so that they meet in one epoch. */
export function payeeOf(i: number): Hex {
  return `0x${((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(5)}`
}

/** Batches with the shares and entries that an epoch is built from, and nothing else that is true. */
export function randomBatches(random: Random, firstBatch: bigint, payees: number): MatureBatch[] {
  return Array.from({ length: 1 + random.int(3) }, (_, b) => {
    const receipts = Array.from({ length: 1 + random.int(4) }, () => randomReceipt(random, payees))
    const voided = receipts.flatMap((_receipt, i) => (random.int(5) === 0 ? [i] : []))
    return matureBatch(firstBatch + BigInt(b), batchFileOf(receipts), voided)
  })
}

/** A batch of so many receipts with so many entries each, whose payees come out of `payee`. */
export function wideBatch(batchId: bigint, receipts: number, entries: number, payee: () => Hex): MatureBatch {
  const list = Array.from({ length: receipts }, () => {
    const weights = Array.from({ length: entries }, (_, i) => (i === 0 ? 1_000_000 - (entries - 1) * 1_000 : 1_000))
    return receiptOf(
      weights.map((weight, i) => ({
        payee: payee(),
        id: BigInt(i),
        class: 3,
        evidenceHash: zeroHash,
        weight: BigInt(weight),
      })),
      [0n, 1n, 1n, BigInt(entries), 0n, 0n, 0n, 0n, 0n, 3_552_000_000_000_123n],
    )
  })
  return matureBatch(batchId, batchFileOf(list), [])
}

function matureBatch(batchId: bigint, file: BatchFile, voided: readonly number[]): MatureBatch {
  const header: BatchHeader = {
    ...{ batchId, worker: zeroAddress, committedAt: 0n, l2Block: 0n, receiptRoot: zeroHash, count: 0, sums: [] },
    ...{ class: 1, dataHash: zeroHash, segmentsHash: zeroHash },
  }
  const { tree, count } = new OpenBatch(header, file)
  const sums = Array.from({ length: 10 }, (_, i) => u128At(viewOf(tree.totals), 16 * i))
  return { batchId, file, voided, header: { ...header, receiptRoot: bytesToHex(tree.root), count, sums } }
}

/** A model's, a worker's and one to three contributors' entries. */
function randomReceipt(random: Random, payees: number): BatchReceipt {
  const share = () => BigInt(random.pick([0, 1, 7, 1_000_003, 123_456_789_012_345])) * BigInt(1 + random.int(9))
  const entry = (kind: number, weight: number): BatchEntry => ({
    payee: payeeOf(random.int(payees)),
    id: BigInt(random.int(100)),
    class: kind,
    evidenceHash: zeroHash,
    weight: BigInt(weight),
  })
  const cut = 1 + random.int(999_999)
  const contributors = random.int(2) === 0 ? [1_000_000] : [cut, 1_000_000 - cut]
  const listed = [entry(0, 1_000_000), entry(1, 1_000_000), ...contributors.map((weight, i) => entry(3 + i, weight))]
  return receiptOf(listed, [0n, 1n, 1n, BigInt(listed.length), 0n, share(), 0n, share(), 0n, share()])
}

/** A receipt whose `attrRoot` is that of its entries. */
function receiptOf(entries: readonly BatchEntry[], sums: readonly bigint[]): BatchReceipt {
  const attrRoot = bytesToHex(entryTree(encodeRows(layouts.entries, entries)).root)
  return {
    receipt: {
      ...{ requestId: zeroHash, worker: zeroAddress, tin: 1, tout: 1, fee: 0n, outputRoot: zeroHash },
      ...{ traceRoot: zeroHash, class: 1, proofHash: zeroHash, indexSetHash: zeroHash, algoHash: zeroHash },
      ...{ attrRoot, attrEntries: entries.length, royaltyHash: zeroHash },
    },
    sums,
    request: {
      ...{ chainId: 901n, payer: zeroAddress, nonce: 0n, modelVersion: zeroHash, adapters: [], templateHash: zeroHash },
      ...{ promptRoot: zeroHash, class: 1, priceVersion: 1, maxFee: 0n, appCode: zeroHash, deadline: 0n },
      sampling: { tempQ16: 0, topK: 0, topPQ16: 0, maxTokens: 1, stopHash: zeroHash },
    },
    payment: undefined,
    entries,
    prompt: Uint32Array.of(1),
    output: Uint32Array.of(2),
  }
}
