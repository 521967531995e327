import { beforeAll, describe, expect, test } from 'vitest'
import { answerOfBatch, answerOfEpoch, type Demanded } from '../../../attribution/epochs/answer.ts'
import { encodeBatchFile } from '../../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../../attribution/epochs/batch-rows.ts'
import { OpenBatch } from '../../../attribution/epochs/batch-trees.ts'
import { buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import { encodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import { openEpochInThread } from '../../../attribution/epochs/epoch-thread.ts'
import { epochTrees } from '../../../attribution/epochs/epoch-trees.ts'
import { isOf } from '../../../attribution/epochs/open-epoch.ts'
import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import type { BatchHeader } from '../../../protocol/receipt-batch.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { randomBatches } from '../../fakes/epoch-batches.ts'
import { MoneyChain } from '../../fakes/money-chain.ts'
import { Random } from '../../fakes/random.ts'

describe('answers to demands', () => {
  let chain: MoneyChain

  beforeAll(async () => {
    chain = await MoneyChain.create()
  }, 60_000)

  /** What the contract says: it reverts where the leaf is not the demanded one. */
  const judge = async ({ functionName, args }: { functionName: string; args: readonly unknown[] }) => {
    await chain.read('AnswerJudge', functionName, args)
  }
  const demandOf = (kind: number, root: Hex, count: number, index: number): Demanded => ({
    ...{ kind, subject: zeroHash, root, count, index },
  })

  test.each([1, 2, 3])('every leaf of a batch is shown so that the contract takes it (seed %d)', async (seed) => {
    const random = new Random(seed)
    const receipts = Array.from({ length: 1 + random.int(5) }, () => receiptOf(random))
    const file = batchFileOf(receipts)
    const { tree } = new OpenBatch(header, file)
    const bytes = encodeBatchFile(file)
    for (const [i, { receipt, request, entries, prompt, output }] of receipts.entries()) {
      const demands = [demandOf(0, bytesToHex(tree.root), receipts.length, i)]
      for (let k = 0; k < entries.length; k++) demands.push(demandOf(1, receipt.attrRoot, entries.length, k))
      for (let k = 0; 32 * k < prompt.length; k++) demands.push(demandOf(2, request.promptRoot, prompt.length, k))
      for (let k = 0; 32 * k < output.length; k++) demands.push(demandOf(3, receipt.outputRoot, output.length, k))
      for (const demand of demands) {
        const call = answerOfBatch(demand, header, bytes)
        await judge(call ?? never())
        const [, ...rest] = call?.args ?? []
        // Another leaf than the demanded one is refused.
        const other = { ...demand, root: zeroHash }
        await expect(judge({ functionName: call?.functionName ?? '', args: [other, ...rest] })).rejects.toThrow()
      }
    }
  })

  test('what the file does not have is not answered', () => {
    const file = encodeBatchFile(batchFileOf([receiptOf(new Random(7))]))
    for (const kind of [0, 1, 2, 3]) expect(answerOfBatch(demandOf(kind, zeroHash, 1, 0), header, file)).toBeUndefined()
    expect(answerOfBatch(demandOf(0, zeroHash, 1, 0), header, file.subarray(1))).toBeUndefined()
  })

  test('every credit and payout of an epoch’s file is shown so that the contract takes it', async () => {
    const batches = randomBatches(new Random(3), 1n, 5)
    const task = { epoch: 1n, parent: noEpoch, lastBatch: 9n, batches, algoHash: zeroHash }
    const { header: proposed, file } = buildEpoch(task)
    const open = await openEpochInThread(file)
    expect(isOf(open, proposed)).toBe(true)
    expect(isOf(open, { ...proposed, payoutRoot: zeroHash })).toBe(false)
    for (let i = 0; i < proposed.creditsCount; i++) {
      await judge(answerOfEpoch(demandOf(4, proposed.creditsRoot, proposed.creditsCount, i), open.credits) ?? never())
    }
    for (let i = 0; i < proposed.payoutCount; i++) {
      await judge(answerOfEpoch(demandOf(5, proposed.payoutRoot, proposed.payoutCount, i), open.payouts) ?? never())
    }
    expect(answerOfEpoch(demandOf(4, zeroHash, 1, 0), open.credits)).toBeUndefined()
    const trees = epochTrees(task)
    const cut = encodeEpochFile({
      ...{ epoch: 1n, parentRoot: zeroHash, firstBatch: 1n, lastBatch: 9n },
      ...{ credits: trees.credits.rows, payouts: trees.payouts.rows },
    }).subarray(0, -1)
    await expect(openEpochInThread(cut)).rejects.toMatchObject({ code: 'length' })
  })
})

const header: BatchHeader = {
  ...{ batchId: 1n, worker: zeroAddress, committedAt: 0n, l2Block: 0n, receiptRoot: zeroHash, count: 0, sums: [] },
  ...{ class: 1, dataHash: zeroHash, segmentsHash: zeroHash },
}

/** A receipt whose hashes open: request, entries and token lists of any length, paid in any of the three ways. */
function receiptOf(random: Random): BatchReceipt {
  const [base] = randomBatches(random, 1n, 5)
  const { receipt, sums, request, entries } = new OpenBatch(header, (base ?? never()).file).receipt(0)
  const tokens = () => Uint32Array.from({ length: 1 + random.int(100) }, () => random.int(50_000))
  const [prompt, output] = [tokens(), tokens()]
  const asked = { ...request, nonce: BigInt(random.int(1_000_000)), promptRoot: bytesToHex(tokenListRoot(prompt)) }
  const requestId = requestIdOf(asked)
  const outputRoot = bytesToHex(tokenListRoot(output))
  const signature = new Uint8Array(64).fill(random.int(256))
  const voucher = {
    value: { channel: zeroHash, requestId, worker: zeroAddress, maxFee: 1n, cumulativeCap: 1n, deadline: 1n },
    signature,
  }
  const cancel = { value: { requestId, tout: output.length, outputRoot }, signature }
  const payment = [undefined, { voucher }, { voucher, cancel }][random.int(3)]
  return { receipt: { ...receipt, requestId, outputRoot }, sums, request: asked, payment, entries, prompt, output }
}

function never(): never {
  throw new Error('absent')
}
