import {
  bytesToHex,
  equalBytes,
  FormatError,
  type Hex,
  hexToBytes,
  zeroAddress,
  zeroHash,
} from '../../protocol/bytes.ts'
import { recoverCompact } from '../../protocol/compact-signature.ts'
import { feeOf, receiptSums, splitFee } from '../../protocol/fee.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import { openedRequest, requestStructHash } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import { tokenCountRoot, tokensPerLeaf, tokenTreeRoot } from '../../protocol/token-list.ts'
import { type Cancel, cancelStructHash, channelOf, type Signed, voucherStructHash } from '../../protocol/voucher.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { BatchPayment } from './batch-rows.ts'
import { challenge, demand, type Verdict } from './challenge.ts'
import { lotOf, type Wanted } from './demand-order.ts'
import type { KnownBatch, KnownReceipt } from './known-batch.ts'

/** ReceiptJudge's ENTRIES_MAX. */
const entriesMax = 128

/**
 * What contracts/src/ol/ReceiptJudge.sol would find wrong with receipt `i` of a batch, its entries and earlier receipts aside;
 * else the leaves that nobody knows and that may show it.
 */
export async function checkReceipt(
  batch: KnownBatch,
  i: number,
  one: KnownReceipt,
  facts: BatchFacts,
  seed: Uint8Array,
): Promise<Verdict | readonly Wanted[]> {
  const { receipt, request, payment } = one
  const { header, segments } = batch
  const segment = segmentOf(segments, i)
  const wrong = (name: string, ...evidence: readonly unknown[]) =>
    challenge(name, batch.openReceipt(i), segments, ...evidence)
  if (contradictsBatch(header, one, segment)) return wrong('badReceipt')
  if (payment !== undefined && !paymentRight(header, receipt, payment, segment.channel, facts.chainId)) {
    return wrong('badPayment', openedPayment(payment))
  }
  const output = tokenCount(batch.publishedTokens(i, 'output'), receipt.outputRoot)
  if (output !== undefined && output.n !== receipt.tout) return wrong('badOutputCount', output)
  const outputs = output === undefined ? unknownTokens(batch, i, one, 'output', seed) : []
  if (!isRequestOf(one, facts.chainId)) return [wantedReceipt(batch, i), ...outputs]
  if (!(await termsRight(header, one, segment, facts))) return wrong('badTerms', openedRequest(request))
  const prompt = tokenCount(batch.publishedTokens(i, 'prompt'), request.promptRoot)
  if (prompt !== undefined && prompt.n !== receipt.tin) return wrong('badPromptCount', openedRequest(request), prompt)
  return prompt === undefined ? [...outputs, ...unknownTokens(batch, i, one, 'prompt', seed)] : outputs
}

/** The demand for receipt `i`. `isEdge`: it shows what no other does, the last one above all. */
export function wantedReceipt(batch: KnownBatch, i: number, isEdge = false): Wanted {
  const { header, tree } = batch
  return {
    leaf: { kind: 'receipt', root: header.receiptRoot, count: header.count, index: i },
    distance: isEdge ? (i === header.count - 1 ? -2 : -1) : tree.seenHeight(i) / (tree.depth + 1),
    ask: () => demand('requestReceipt', header, i),
  }
}

/** The request is the one that the receipt names. */
export function isRequestOf({ receipt, request }: KnownReceipt, chainId: bigint): boolean {
  return bytesToHex(moneyDigest(chainId, requestStructHash(request))) === receipt.requestId
}

/**
 * One leaf of a list that nobody has: that it can be shown proves the count. Of a list that counts no tokens nothing can be
 * asked: who hides tokens there is paid nothing for them.
 */
function unknownTokens(
  batch: KnownBatch,
  i: number,
  { receipt, request }: KnownReceipt,
  kind: 'prompt' | 'output',
  seed: Uint8Array,
): Wanted[] {
  const [root, count] = kind === 'prompt' ? [request.promptRoot, receipt.tin] : [receipt.outputRoot, receipt.tout]
  if (count === 0 || batch.isCountShown(root, count)) return []
  const list = { kind, root, count, index: 0 }
  const index = lotOf(seed, list) % Math.ceil(count / tokensPerLeaf)
  const ask = () => {
    const opened = batch.openReceipt(i)
    return kind === 'prompt' ? demand('requestPrompt', opened, request, index) : demand('requestOutput', opened, index)
  }
  return [{ leaf: { ...list, index }, distance: 1, ask }]
}

/** The receipt against its row, its batch and its segment. */
function contradictsBatch(header: BatchHeader, { receipt, sums, payment }: KnownReceipt, segment: Segment): boolean {
  const { worker, fee, tin, tout, attrEntries } = receipt
  const stated = [fee, BigInt(tin), BigInt(tout), BigInt(attrEntries)]
  const onChain = segment.channel === zeroHash
  return (
    worker !== header.worker ||
    receipt.class !== header.class ||
    stated.some((value, place) => value !== sums[place]) ||
    attrEntries === 0 ||
    attrEntries > entriesMax ||
    onChain !== (payment === undefined) ||
    (onChain && segment.requestId !== receipt.requestId)
  )
}

/** The receipt against its request, the price, the model's registration and the rule of attribution. */
async function termsRight(
  header: BatchHeader,
  { receipt, sums, request }: KnownReceipt,
  { channel }: Segment,
  facts: BatchFacts,
): Promise<boolean> {
  const { modelVersion, appCode, maxFee, deadline } = request
  const at = header.committedAt
  const inChannel = channel === zeroHash || channel === channelOf(request.payer, header.worker)
  if (deadline < at || !inChannel || receipt.class !== request.class || receipt.fee > maxFee) return false
  const price = await facts.price(modelVersion, request.class, request.priceVersion)
  if (price === undefined || price.setAt > at || price.validUntil < at) return false
  const shares = await facts.shares(price.sharesVersion)
  if (receipt.fee !== feeOf(receipt.tin, receipt.tout, price, shares)) return false
  const hasBuilder = appCode !== zeroHash && (await facts.codePayee(appCode, at)) !== zeroAddress
  const due = receiptSums(receipt, splitFee(receipt.fee, shares, hasBuilder))
  if (due.some((sum, place) => sum !== sums[place])) return false
  const { royaltyHash, indexSetHash } = await facts.model(modelVersion)
  if (receipt.royaltyHash !== royaltyHash || receipt.indexSetHash !== indexSetHash) return false
  return await facts.algoInForce(receipt.algoHash, at)
}

/** The payer's voucher, and of a cut stream their cancel, are the payer's consent to this receipt. */
function paymentRight(
  header: BatchHeader,
  receipt: InferenceReceipt,
  { voucher, cancel }: BatchPayment,
  channel: Hex,
  chainId: bigint,
): boolean {
  const { value } = voucher
  const bySender = (structHash: Uint8Array, signature: Uint8Array) => {
    const signer = signerOf(moneyDigest(chainId, structHash), signature)
    return signer !== undefined && channelOf(signer, header.worker) === channel
  }
  return (
    value.channel === channel &&
    value.worker === header.worker &&
    value.requestId === receipt.requestId &&
    value.maxFee >= receipt.fee &&
    value.deadline >= header.committedAt &&
    bySender(voucherStructHash(value), voucher.signature) &&
    (cancel === undefined ||
      (cancel.value.requestId === receipt.requestId &&
        cancel.value.outputRoot === receipt.outputRoot &&
        cancel.value.tout === receipt.tout &&
        bySender(cancelStructHash(cancel.value), cancel.signature)))
  )
}

/** Undefined where nobody can have signed so. */
function signerOf(digest: Uint8Array, signature: Uint8Array): Hex | undefined {
  try {
    return bytesToHex(recoverCompact(digest, signature))
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** Count and tree of a list that is the one under `root`; undefined of any other. */
function tokenCount(tokens: Uint32Array, root: Hex): { readonly n: number; readonly treeRoot: Hex } | undefined {
  const treeRoot = tokenTreeRoot(tokens)
  const under = equalBytes(tokenCountRoot(tokens.length, treeRoot), hexToBytes(root))
  return under ? { n: tokens.length, treeRoot: bytesToHex(treeRoot) } : undefined
}

function segmentOf(segments: readonly Segment[], i: number): Segment {
  let end = 0
  for (const segment of segments) {
    end += segment.count
    if (i < end) return segment
  }
  throw new Error(`receipt ${i} is in no segment`)
}

/** `Payment` of contracts/src/lib/Openings.sol. */
export function openedPayment({ voucher, cancel }: BatchPayment) {
  const none: Signed<Cancel> = {
    value: { requestId: zeroHash, tout: 0, outputRoot: zeroHash },
    signature: new Uint8Array(64),
  }
  const { value, signature } = cancel ?? none
  return {
    voucher: voucher.value,
    signature: halves(voucher.signature),
    cut: cancel !== undefined,
    cancel: value,
    cancelSignature: halves(signature),
  }
}

function halves(signature: Uint8Array) {
  return { r: bytesToHex(signature.subarray(0, 32)), vs: bytesToHex(signature.subarray(32)) }
}
