import type { AnswerExplainer } from '../../attribution/explain/answer-explainer.ts'
import type { ExplainedReceipt } from '../../attribution/explain/explain-payout.ts'
import { receiptDifferences } from '../../attribution/explain/explain-payout.ts'
import { contributionsOf, explainAmount, explainReceipt } from '../../attribution/explain/explain-receipt.ts'
import { isEqual } from '../../attribution/explain/figure.ts'
import { formatPayoutId, type PayoutId } from '../../attribution/explain/payout-id.ts'
import { UsageError } from '../../common/errors.ts'
import { entryLetters } from '../../protocol/attribution-entry.ts'
import type { ChainAccess } from '../money/action.ts'
import type { ContentPlaces } from '../money/content-places.ts'
import { Amount } from '../money/values.ts'
import { figureShown, wordsShown } from './answer-shown.ts'
import { openBatch, openEpoch } from './epoch-source.ts'
import { entriesDifference, explainEpoch, receiptFacts, termsReader } from './explain-epoch.ts'
import { type HoldersPage, unitHolders, unitHoldersShown } from './unit-holders.ts'
import { AnswerWords } from './words.ts'

/** What is shown, and a line for each figure that is not the chain's. */
export type Explained = { readonly shown: object; readonly differences: readonly string[] }

type Parts = {
  readonly chain: ChainAccess
  readonly places: ContentPlaces
  readonly explainer: AnswerExplainer
}

/** What of long lists is shown; all is recomputed. */
export type ShownParts = { readonly receiptsMax: number; readonly holders: HoldersPage }

export async function explainPayoutId(id: PayoutId, of: ShownParts, parts: Parts): Promise<Explained> {
  const { receiptsMax } = of
  const { chain, places, explainer } = parts
  const epoch = await openEpoch(chain, places, id.epoch)
  const terms = termsReader(chain)
  const { explanation, places: receiptPlaces } = await explainEpoch(epoch, id, terms)
  const answers = new AnswerWords(chain, terms.terms, explainer)
  const { amount, figures, receipts, differences } = explanation
  const found = [...differences]
  const shown: object[] = []
  for (const receipt of receipts.slice(0, receiptsMax)) {
    const { batchId, index } = receipt
    const batch = epoch.batches.find(({ header }) => header.batchId === batchId)
    const place = receiptPlaces.find((each) => each.batchId === batchId && each.index === index)
    if (batch === undefined || place === undefined) throw new Error(`receipt ${batchId}:${index} is of no batch`)
    const words = await answers.of(`receipt ${batchId}:${index}`, place.read(), batch.header.committedAt)
    if (words.kind === 'shown') found.push(...words.differences)
    shown.push({ ...receiptShown(receipt), words: wordsShown(words, contributionsOf(receipt.entries)) })
  }
  const units = await unitHolders(chain, epoch, explanation)
  found.push(...(units?.differences ?? []))
  const [paid] = (await chain.read('RoyaltyVault', 'payees', [id.payee])) as readonly [bigint]
  return {
    shown: {
      payout: formatPayoutId(id),
      epoch: {
        number: id.epoch,
        isFinal: epoch.isFinal,
        firstBatch: epoch.header.firstBatch,
        lastBatch: epoch.header.lastBatch,
      },
      amount: new Amount(amount),
      paidSoFar: new Amount(paid),
      figures: figures.map(figureShown),
      ...(units && { unitHolders: unitHoldersShown(units, of.holders) }),
      receipts: shown,
      ...(receipts.length > receiptsMax ? { receiptsNotShown: receipts.length - receiptsMax } : {}),
      differences: found,
    },
    differences: found,
  }
}

/** Throws UsageError where there is no such receipt. */
export async function explainReceiptAt(
  batchId: bigint,
  index: number,
  { chain, places, explainer }: Parts,
): Promise<Explained> {
  const { batch, header, isVoid, voided } = await openBatch(chain, places, batchId)
  if (index >= batch.count) throw new UsageError(`batch ${batchId} has ${batch.count} receipts`)
  const receipt = batch.receipt(index)
  const terms = termsReader(chain)
  const facts = await receiptFacts(receipt, terms)
  const where = `receipt ${batchId}:${index}`
  const explained = {
    ...{ batchId, index, requestId: receipt.receipt.requestId, figures: explainReceipt(facts) },
    isPriced: facts.price !== undefined && facts.shares !== undefined,
    // Nothing is credited yet: what the formula gives stands beside itself.
    entries: facts.entries.map((entry, k) => {
      const figure = explainAmount(facts, entry, undefined)
      return { ...entry, index: k, amount: { ...figure, onChain: figure.recomputed } }
    }),
  }
  const words = await new AnswerWords(chain, terms.terms, explainer).of(where, receipt, header.committedAt)
  const differences = [
    ...entriesDifference(batch, batchId, index),
    ...receiptDifferences(explained),
    ...(words.kind === 'shown' ? words.differences : []),
  ]
  const shown = {
    ...receiptShown(explained),
    ...{ isVoid: isVoid || voided.includes(index), tin: facts.tin, tout: facts.tout, fee: new Amount(facts.fee) },
    ...{ words: wordsShown(words, undefined), differences },
  }
  return { shown, differences }
}

function receiptShown({ batchId, index, requestId, figures, entries }: Omit<ExplainedReceipt, 'number'>) {
  return {
    receipt: `${batchId}:${index}`,
    requestId,
    figures: figures.map(figureShown),
    entries: entries.map(({ index: k, class: kind, id, payee, weight, evidenceHash, amount }) => ({
      ...{ entry: k, class: entryLetters[kind] ?? String(kind), id, payee, weight, evidenceHash },
      amount: new Amount(amount.recomputed),
      formula: amount.formula,
      ...(isEqual(amount) ? {} : { onChain: amount.onChain ?? 'not there' }),
    })),
  }
}
