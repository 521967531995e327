import type { FingerprintDemand } from '../../chain/ledger/fingerprint-demands.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import type { FloatAnswer } from '../../inference/check/fingerprint/check-fingerprint.ts'
import { fingerprintFileOf } from '../../inference/check/fingerprint/fingerprint.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { SettledAnswer } from '../checker/settled-answers.ts'

/** What a float engine is asked about an answer. */
export function floatAnswerOf({ request, receipt, payment, prompt, output }: SettledAnswer): FloatAnswer {
  const { tempQ16, topK, topPQ16, maxTokens } = request.sampling
  return {
    ...{ input: [...prompt], output: [...output], rule: { tempQ16, topK, topPQ16 }, maxTokens },
    seed: answerSeed(receipt.requestId, receipt.worker),
    // Others than none only their payer knows.
    stops: request.sampling.stopHash === stopHash([]) ? [] : undefined,
    cancelled: payment?.cancel !== undefined,
    traceRoot: receipt.traceRoot,
  }
}

/** A fingerprint whose leaves were all shown on chain; undefined where one was not. */
export function shownFingerprint(
  book: LedgerBook,
  demands: readonly FingerprintDemand[],
  { index, receipt }: Pick<SettledAnswer, 'index' | 'receipt'>,
): Uint8Array | undefined {
  const own = demands.filter((demand) => demand.receipt === index && demand.isServed)
  const leaves = own
    .toSorted((a, b) => a.index - b.index)
    .map(({ id }) => book.lastEvent('FingerprintServed', id)?.args)
  const [first] = leaves
  if (first === undefined || own.some((demand, i) => demand.index !== i)) return undefined
  return fingerprintFileOf(
    { kind: Number(first['kind']), width: Number(first['width']), positions: receipt.tout },
    leaves.map((leaf) => hexToBytes((leaf?.['leaf'] ?? '0x') as Hex)),
  )
}
