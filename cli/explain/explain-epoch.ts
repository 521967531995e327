import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { entryTree, type OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { creditAt, creditBytes, payoutAt, payoutBytes } from '../../attribution/epochs/epoch-rows.ts'
import { epochTrees } from '../../attribution/epochs/epoch-trees.ts'
import { placeOf } from '../../attribution/epochs/opened-rows.ts'
import { type EpochReceipt, explainPayout, type PayoutExplanation } from '../../attribution/explain/explain-payout.ts'
import type { ReceiptFacts } from '../../attribution/explain/explain-receipt.ts'
import type { PayoutId } from '../../attribution/explain/payout-id.ts'
import { ChainFacts } from '../../chain/ledger/chain-facts.ts'
import { type ModelTerms, modelTerms } from '../../chain/ledger/model-terms.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { FeeParts } from '../../protocol/fee.ts'
import type { Credit } from '../../protocol/payout-epoch.ts'
import type { ChainAccess } from '../money/action.ts'
import type { OpenedEpoch } from './epoch-source.ts'

/** Where a receipt of a payout stands in the batch files. */
export type ReceiptPlace = {
  readonly batchId: bigint
  readonly index: number
  readonly batch: OpenBatch
  readonly read: () => BatchReceipt
}

/** Recomputes a payout, and both roots of its epoch from the files of its batches. */
export async function explainEpoch(
  epoch: OpenedEpoch,
  id: PayoutId,
  facts: TermsReader,
): Promise<{ readonly explanation: PayoutExplanation; readonly places: readonly ReceiptPlace[] }> {
  const { file, header, parent } = epoch
  const places = placesOf(epoch, id.payee)
  const receipts = await Promise.all(
    places.map(async ({ number, ...place }): Promise<EpochReceipt> => {
      const receipt = place.read()
      const { batchId, index } = place
      return { number, batchId, index, requestId: receipt.receipt.requestId, ...(await receiptFacts(receipt, facts)) }
    }),
  )
  const explanation = explainPayout({
    id,
    before: cumulativeOf(parent.payouts, id.payee),
    cumulative: cumulativeOf(file.payouts, id.payee),
    credits: creditsOf(file.credits, id.payee),
    receipts,
  })
  const live = epoch.batches.filter(({ isVoid }) => !isVoid)
  const { credits, payouts } = epochTrees({
    ...{ epoch: header.epoch, parent, lastBatch: header.lastBatch, algoHash: header.algoHash },
    batches: live.map(({ header: { batchId }, file: rows, voided }) => ({ batchId, file: rows, voided })),
  })
  const roots = [
    ['creditsRoot', bytesToHex(credits.tree.root), header.creditsRoot],
    ['payoutRoot', bytesToHex(payouts.tree.root), header.payoutRoot],
  ].flatMap(([name, own, theirs]) =>
    own === theirs
      ? []
      : [`epoch ${header.epoch}: ${name} is ${theirs} on chain and ${own} by the files of its batches`],
  )
  const entries = places.flatMap(({ batch, batchId, index }) => entriesDifference(batch, batchId, index))
  return { explanation: { ...explanation, differences: [...roots, ...entries, ...explanation.differences] }, places }
}

/** A line where the entries of a file are not those that the receipt's attrRoot commits to. */
export function entriesDifference(batch: OpenBatch, batchId: bigint, index: number): string[] {
  const { attrRoot } = batch.receipt(index).receipt
  const own = bytesToHex(entryTree(batch.entryRows(index)).root)
  return own === attrRoot
    ? []
    : [`receipt ${batchId}:${index}: attrRoot is ${attrRoot} on chain and ${own} by its entries`]
}

/** What prices and splits are read with; each answer is kept. */
export function termsReader(chain: ChainAccess): TermsReader {
  const facts = new ChainFacts({ rpc: chain, chainId: chain.chainId, earlierReceipt: async () => undefined })
  const terms = new LruCache<Hex, Promise<ModelTerms | undefined>>(termsMax)
  return {
    price: (...args) => facts.price(...args),
    shares: (version) => facts.shares(version),
    terms: (modelVersion) => terms.get(modelVersion) ?? terms.set(modelVersion, modelTerms(chain, modelVersion)),
  }
}

export type TermsReader = Pick<ChainFacts, 'price' | 'shares'> & {
  readonly terms: (modelVersion: Hex) => Promise<ModelTerms | undefined>
}

/** Model versions whose registrations are kept: they never change. */
const termsMax = 1_000

export async function receiptFacts(
  { receipt, sums, request, entries }: BatchReceipt,
  facts: TermsReader,
): Promise<ReceiptFacts> {
  const price = await facts.price(request.modelVersion, receipt.class, request.priceVersion)
  const shares = price && (await facts.shares(price.sharesVersion))
  const { tin, tout, fee, indexSetHash } = receipt
  const trainedOn = indexSetHash === zeroHash ? (await facts.terms(request.modelVersion))?.trainedOn : undefined
  const stated = entries as ReceiptFacts['entries']
  return { tin, tout, fee, parts: partsOf(sums), price, shares, trainedOn, entries: stated }
}

function partsOf(sums: readonly bigint[]): FeeParts {
  const [platform = 0n, model = 0n, stakers = 0n, worker = 0n, builder = 0n, contributors = 0n] = sums.slice(4)
  return { platform, model, stakers, worker, builder, contributors }
}

/** Live receipts that have an entry for the payee, with their numbers in the epoch. */
function placesOf({ batches }: OpenedEpoch, payee: Hex): (ReceiptPlace & { readonly number: number })[] {
  const found: (ReceiptPlace & { readonly number: number })[] = []
  let before = 0
  for (const { header, batch, isVoid, voided } of batches) {
    if (isVoid) continue
    const isDead = new Set(voided)
    for (let index = 0; index < batch.count; index++) {
      if (isDead.has(index) || !batch.receipt(index).entries.some((entry) => entry.payee === payee)) continue
      found.push({ number: before + index, batchId: header.batchId, index, batch, read: () => batch.receipt(index) })
    }
    before += batch.count
  }
  return found
}

function creditsOf(rows: Uint8Array, payee: Hex): Credit[] {
  const credits: Credit[] = []
  const end = rows.length / creditBytes
  for (let i = placeOf(rows, creditBytes, hexToBytes(payee), 'before'); i < end; i++) {
    const credit = creditAt(rows, i)
    if (credit.payee !== payee) break
    credits.push(credit)
  }
  return credits
}

function cumulativeOf(rows: Uint8Array, payee: Hex): bigint {
  const i = placeOf(rows, payoutBytes, hexToBytes(payee), 'before')
  if (i * payoutBytes === rows.length) return 0n
  const payout = payoutAt(rows, i)
  return payout.payee === payee ? payout.cumulative : 0n
}
