import type { AtHandChecks } from '../../attribution/answer-file/check-at-hand.ts'
import { openStatements, shownStatements } from '../../attribution/answer-file/statements.ts'
import type { VerifiedAnswer, VerifiedRule } from '../../attribution/answer-file/verify-answer.ts'
import { entryLetters, entryPools, poolOf } from '../../protocol/attribution-entry.ts'
import { amountOf, receiptSumNames } from '../../protocol/fee.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { isSealed } from '../../protocol/private-tokens.ts'
import { Amount, Time } from '../money/values.ts'

/** What a file was shown to say, by its bytes and by what was at hand. */
export function answerShown(verified: VerifiedAnswer, atHand?: AtHandChecks): object {
  const { file, receipt: one, digests, v2, l2, l1 } = verified
  const { receipt, request, entries, sums } = one
  const { modelId, version } = parseModelVersion(request.modelVersion)
  const text = (bytes: Uint8Array) =>
    file.tokenizer !== undefined
      ? new TextDecoder().decode(bytes)
      : isSealed(one.prompt)
        ? 'sealed: a private request'
        : 'tokens alone: the file has no tokenizer'
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
    rule: v2 === undefined ? 'algoHash v1' : 'algoHash v2',
    matched: matchedShown(verified),
    ...(v2 && { quotations: v2.citations.map(quotationShown), influences: influencesShown(v2) }),
    entries: entries.map(({ class: kind, id, payee, weight }) => ({
      ...{ class: entryLetters[kind], id, payee, weight },
      amount: new Amount(amountOf(poolWei(sums, kind), weight)),
    })),
    shown: shownStatements(verified, atHand),
    notShown: openStatements(verified, atHand),
    l2Block: l2.number,
    l2Time: new Time(l2.time),
    l1: { block: l1.number, hash: l1.hash, time: new Time(l1.time), oracle: l1.oracle },
  }
}

function matchedShown({ evidence, receipt: { output } }: VerifiedAnswer): string {
  if (evidence === undefined) return 'no index'
  const { spans, scores } = evidence
  if (scores.length === 0 && output.length > 0) return 'an index was dead: no word counts'
  return `${spans.length} spans shown of ${scores.length} tokens`
}

function quotationShown({ start, length, contribId }: VerifiedRule['citations'][number]): object {
  return { contribution: contribId, promptTokens: `${start} to ${start + length - 1}` }
}

function influencesShown({ influences }: VerifiedRule): object | string {
  if (influences === undefined) return 'no table of influences was in force'
  const { table, head, scores } = influences
  return {
    ...{ table: table.root, rows: table.rows, adapter: head.adapter, trainingData: head.data },
    products: scores.map(({ contribId, score }) => ({ contribution: contribId, product: score })),
  }
}

function poolWei(sums: readonly bigint[], kind: number): bigint {
  const pool = entryPools[Math.min(kind, entryPools.length - 1)] ?? poolOf(6)
  return sums[receiptSumNames.indexOf(pool)] ?? 0n
}
