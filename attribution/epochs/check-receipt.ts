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
import { openedRequest, requestStructHash } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { tokenCountRoot, tokenTreeRoot } from '../../protocol/token-list.ts'
import { type Cancel, cancelStructHash, channelOf, type Signed, voucherStructHash } from '../../protocol/voucher.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { BatchPayment, BatchReceipt } from './batch-rows.ts'
import type { OpenBatch } from './batch-trees.ts'
import { challenge, demand, type Verdict } from './challenge.ts'

/** ReceiptJudge's ENTRIES_MAX. */
const entriesMax = 128

/**
 * What contracts/src/ol/ReceiptJudge.sol would find wrong with receipt `i` of a batch whose file opens its root, its entries
 * and earlier receipts aside.
 */
export async function checkReceipt(
  batch: OpenBatch,
  segments: readonly Segment[],
  i: number,
  facts: BatchFacts,
): Promise<Verdict | undefined> {
  const one = batch.receipt(i)
  const { receipt, request, payment } = one
  const segment = segmentOf(segments, i)
  const wrong = (name: string, ...evidence: readonly unknown[]) =>
    challenge(name, batch.openReceipt(i), segments, ...evidence)
  if (contradictsBatch(batch, one, segment)) return wrong('badReceipt')
  if (bytesToHex(moneyDigest(facts.chainId, requestStructHash(request))) !== receipt.requestId) {
    return demand('requestReceipt', batch.header, i)
  }
  if (!(await termsRight(batch, one, segment, facts))) return wrong('badTerms', openedRequest(request))
  if (payment !== undefined && !paymentRight(batch, one, payment, segment.channel, facts.chainId)) {
    return wrong('badPayment', openedPayment(payment))
  }
  const prompt = tokenCount(one.prompt, request.promptRoot)
  if (prompt !== undefined && prompt.n !== receipt.tin) return wrong('badPromptCount', openedRequest(request), prompt)
  const output = tokenCount(one.output, receipt.outputRoot)
  if (output !== undefined && output.n !== receipt.tout) return wrong('badOutputCount', output)
  return undefined
}

/** The receipt against its row, its batch and its segment. */
function contradictsBatch({ header }: OpenBatch, { receipt, sums, payment }: BatchReceipt, segment: Segment): boolean {
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

/** The receipt against its request, the price and the model's registration. */
async function termsRight(
  { header }: OpenBatch,
  { receipt, sums, request }: BatchReceipt,
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
  return receipt.royaltyHash === royaltyHash && receipt.indexSetHash === indexSetHash
}

/** The payer's voucher, and of a cut stream their cancel, are the payer's consent to this receipt. */
function paymentRight(
  { header }: OpenBatch,
  { receipt }: BatchReceipt,
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

function openedPayment({ voucher, cancel }: BatchPayment) {
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
