import { type BatchEntry, type BatchReceipt, batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import type { EpochBatch } from '../../attribution/epochs/epoch-task.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { Random } from './random.ts'

/** Payee number `i` of a world of few payees, so that they meet in one epoch. */
export function payeeOf(i: number): Hex {
  return `0x${((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0').repeat(5)}`
}

/** Batches with the shares and entries that an epoch is built from, and nothing else that is true. */
export function randomBatches(random: Random, firstBatch: bigint, payees: number): EpochBatch[] {
  return Array.from({ length: 1 + random.int(3) }, (_, b) => {
    const receipts = Array.from({ length: 1 + random.int(4) }, () => randomReceipt(random, payees))
    const voided = receipts.flatMap((_receipt, i) => (random.int(5) === 0 ? [i] : []))
    return { batchId: firstBatch + BigInt(b), file: batchFileOf(receipts), voided }
  })
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
  const entries = [entry(0, 1_000_000), entry(1, 1_000_000), ...contributors.map((weight, i) => entry(3 + i, weight))]
  return {
    receipt: {
      ...{ requestId: zeroHash, worker: zeroAddress, tin: 1, tout: 1, fee: 0n, outputRoot: zeroHash },
      ...{ traceRoot: zeroHash, class: 1, proofHash: zeroHash, indexSetHash: zeroHash, algoHash: zeroHash },
      ...{ attrRoot: zeroHash, attrEntries: entries.length, royaltyHash: zeroHash },
    },
    sums: [0n, 1n, 1n, BigInt(entries.length), 0n, share(), 0n, share(), 0n, share()],
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
