import type { VerifiedAnswer } from '../../attribution/answer-file/verify-answer.ts'
import { entryLetters, entryPools, poolOf } from '../../protocol/attribution-entry.ts'
import { amountOf, receiptSumNames } from '../../protocol/fee.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { Amount, Time } from '../money/values.ts'

/** What a file was shown to say. */
export function answerShown({ file, receipt: one, evidence, digests, l2, l1 }: VerifiedAnswer): object {
  const { receipt, request, entries, sums } = one
  const { modelId, version } = parseModelVersion(request.modelVersion)
  const text = (bytes: Uint8Array) =>
    file.tokenizer === undefined ? 'tokens alone: the file has no tokenizer' : new TextDecoder().decode(bytes)
  return {
    prompt: text(file.text.prompt),
    answer: text(file.text.output),
    outputTokens: receipt.tout,
    receipt: `${file.batch.header.batchId}:${file.batch.index}`,
    requestId: receipt.requestId,
    payer: request.payer,
    worker: receipt.worker,
    fee: new Amount(receipt.fee),
    committedAt: new Time(file.batch.header.committedAt),
    model: { id: modelId, version, ...digests },
    matched:
      evidence === undefined ? 'no index' : `${evidence.spans.length} spans shown of ${evidence.scores.length} tokens`,
    entries: entries.map(({ class: kind, id, payee, weight }) => ({
      ...{ class: entryLetters[kind], id, payee, weight },
      amount: new Amount(amountOf(poolWei(sums, kind), weight)),
    })),
    l2Block: l2.number,
    l2Time: new Time(l2.time),
    l1: { block: l1.number, hash: l1.hash, time: new Time(l1.time), oracle: l1.oracle },
  }
}

function poolWei(sums: readonly bigint[], kind: number): bigint {
  const pool = entryPools[Math.min(kind, entryPools.length - 1)] ?? poolOf(6)
  return sums[receiptSumNames.indexOf(pool)] ?? 0n
}
