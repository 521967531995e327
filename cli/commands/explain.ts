import { UsageError } from '../../common/errors.ts'
import { asCount, asPositive, asText } from '../../common/flag-parsers.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { atHandFlags } from '../explain/at-hand-flags.ts'
import { contentArgs } from '../money/content-places.ts'
import { chainFlags } from '../money/money-flags.ts'

export const command = defineCommand({
  summary:
    'Recomputes a payout or a receipt to the wei from the chain and the files of its batches, and shows formulas, weights, the words, influences and quotations they come from. Exit code 1 where a figure is not the chain’s.',
  flags: {
    payout: {
      help: 'what a payee earned in an epoch, or its entries of one class (M, W, A, S, G, R, U)',
      value: 'EPOCH:PAYEE[:CLASS]',
      parse: asText,
    },
    receipt: { help: 'one receipt, with all of its entries', value: 'BATCH:INDEX', parse: asText },
    'receipts.max': {
      help: 'receipts of a payout that are shown; all are recomputed',
      value: 'N',
      parse: asPositive,
      default: '20',
    },
    'holders.max': {
      help: 'unit holders that are shown of a payout to a Datanet’s pool, with what each is owed of it',
      value: 'N',
      parse: asPositive,
      default: '20',
    },
    'holders.from': {
      help: 'holders that are passed over, the largest first',
      value: 'N',
      parse: asCount,
      default: '0',
    },
    ...atHandFlags,
    ...contentArgs,
    ...chainFlags,
  },
  run: async (context) => {
    const { flags, print } = context
    const { parsePayoutId, parseReceiptPlace } = await import('../../attribution/explain/payout-id.ts')
    const payout = flags.payout === undefined ? undefined : parsePayoutId(flags.payout)
    const receipt = flags.receipt === undefined ? undefined : parseReceiptPlace(flags.receipt)
    if ((flags.payout === undefined) === (flags.receipt === undefined))
      throw new UsageError('give either --payout or --receipt')
    if (flags.payout !== undefined && payout === undefined)
      throw new UsageError(`--payout ${flags.payout} is no EPOCH:PAYEE[:CLASS]`)
    if (flags.receipt !== undefined && receipt === undefined)
      throw new UsageError(`--receipt ${flags.receipt} is no BATCH:INDEX`)
    const [{ Chain }, { ContentPlaces }, { foldersAtHand }, { AnswerExplainer }, explains, { toJson, toLines }] =
      await Promise.all([
        import('../money/chain.ts'),
        import('../money/content-places.ts'),
        import('../explain/at-hand.ts'),
        import('../../attribution/explain/answer-explainer.ts'),
        import('../explain/run.ts'),
        import('../money/values.ts'),
      ])
    const places = new ContentPlaces({ 'content.dir': flags['content.dir'], node: flags.node })
    const explainer = new AnswerExplainer(foldersAtHand(flags))
    const parts = { chain: await Chain.open(context), places, explainer }
    const holders = { from: flags['holders.from'], max: flags['holders.max'] }
    const shownParts = { receiptsMax: flags['receipts.max'], holders }
    const { shown, differences } =
      payout !== undefined
        ? await explains.explainPayoutId(payout, shownParts, parts)
        : await explains.explainReceiptAt(receipt?.batchId ?? 0n, receipt?.index ?? 0, parts)
    if (flags.json) print(toJson(shown))
    else for (const line of toLines(shown)) print(line)
    return differences.length === 0 ? exitCodes.ok : exitCodes.failed
  },
})
