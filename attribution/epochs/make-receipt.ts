import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { feeOf, type Price, receiptSums, type Shares, splitFee } from '../../protocol/fee.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { BatchFacts } from './batch-facts.ts'
import { layouts } from './batch-file.ts'
import { type BatchPayment, type BatchReceipt, encodeRows } from './batch-rows.ts'
import { entryTree } from './batch-trees.ts'
import { type Contribution, receiptEntries } from './receipt-entries.ts'
import { ReceiptError } from './receipt-error.ts'

/** What a worker settles. */
export type Answered = {
  readonly request: InferenceRequest
  /** Undefined: the request was opened on chain. */
  readonly payment: BatchPayment | undefined
  readonly worker: Hex
  readonly prompt: Uint32Array
  readonly output: Uint32Array
  readonly traceRoot: Hex
  readonly proofHash: Hex
  readonly contributions: readonly Contribution[]
  /** The rule by which the contributions were found; absent: v1. */
  readonly algoHash?: Hex
}

/** What a request costs. */
export type Terms = { readonly price: Price; readonly shares: Shares }

/** The price of a request that is payable at `time`, Unix seconds. Throws {@link ReceiptError} `price` or `deadline`. */
export async function termsOf(request: InferenceRequest, time: bigint, facts: BatchFacts): Promise<Terms> {
  const { modelVersion, priceVersion, deadline } = request
  const price = await facts.price(modelVersion, request.class, priceVersion)
  if (price === undefined) {
    throw new ReceiptError('price', `the price ${priceVersion} of the request does not exist`)
  }
  if (price.validUntil < time) {
    throw new ReceiptError('price', `the price of the request ended at ${dateOf(price.validUntil)}`)
  }
  if (deadline < time) throw new ReceiptError('deadline', `the request ended at ${dateOf(deadline)}`)
  return { price, shares: await facts.shares(price.sharesVersion) }
}

/**
 * The receipt of an answer with its entries and sums, as of `time`: fee by its price, payees by the chain. docs/MONEY.md §3–5.
 * Throws {@link ReceiptError} where no batch could hold it.
 */
export async function makeReceipt(answered: Answered, time: bigint, facts: BatchFacts): Promise<BatchReceipt> {
  const {
    request,
    payment,
    worker,
    prompt,
    output,
    traceRoot,
    proofHash,
    contributions,
    algoHash = algoHashV1,
  } = answered
  const { price, shares } = await termsOf(request, time, facts)
  const [tin, tout] = [prompt.length, output.length]
  const fee = feeOf(tin, tout, price, shares)
  if (fee > request.maxFee) {
    throw new ReceiptError('fee', `the fee of ${fee} wei is above the ${request.maxFee} that the request allows`)
  }
  const hasBuilder = request.appCode !== zeroHash && (await facts.codePayee(request.appCode, time)) !== zeroAddress
  const parts = splitFee(fee, shares, hasBuilder)
  const { royaltyHash, indexSetHash } = await facts.model(request.modelVersion)
  const entries = await receiptEntries({ worker, royaltyHash }, request, parts, contributions, time, facts)
  const receipt: InferenceReceipt = {
    ...{ requestId: requestIdOf(request), worker, tin, tout, fee },
    ...{ outputRoot: bytesToHex(tokenListRoot(output)), traceRoot, class: request.class, proofHash },
    ...{ indexSetHash, algoHash, royaltyHash },
    attrRoot: bytesToHex(entryTree(encodeRows(layouts.entries, entries)).root),
    attrEntries: entries.length,
  }
  return { receipt, sums: receiptSums(receipt, parts), request, payment, entries, prompt, output }
}

function dateOf(time: bigint): string {
  const date = new Date(Number(time) * 1000)
  return Number.isNaN(date.getTime()) ? `${time}` : date.toISOString()
}
