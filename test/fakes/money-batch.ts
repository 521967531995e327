import { type AttributionEntry, entryRow, poolOf, weightsOf } from '../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, type Hex, zeroHash } from '../../protocol/bytes.ts'
import {
  amountOf,
  type FeeParts,
  feeOf,
  type Price,
  receiptSumNames,
  receiptSums,
  type Shares,
  splitFee,
} from '../../protocol/fee.ts'
import { type InferenceReceipt, receiptRow } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { type Credit, creditRow, type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { channelOf, paymentHash, type Voucher, voucherStructHash } from '../../protocol/voucher.ts'
import { type Actor, chainId } from './money-chain.ts'

/** What the receipts of a batch have in common. */
export type Terms = {
  readonly modelVersion: Hex
  readonly class: number
  readonly priceVersion: number
  readonly price: Pick<Price, 'rin' | 'rout'>
  readonly shares: Shares
  readonly royaltyHash: Hex
  readonly indexSetHash: Hex
}

/** One inference to be. */
export type Plan = {
  readonly payer: Actor
  readonly tin: number
  readonly tout: number
  readonly entries: readonly AttributionEntry[]
  readonly nonce: bigint
  readonly deadline: bigint
  /** Keccak-256 of the app's code, which must be registered. */
  readonly appCode?: Hex
  readonly maxFee?: bigint
}

export type BuiltReceipt = {
  readonly request: InferenceRequest
  readonly receipt: InferenceReceipt
  readonly entries: readonly AttributionEntry[]
  readonly parts: FeeParts
  readonly sums: readonly bigint[]
  readonly voucher: Voucher
  readonly signature: ReturnType<Actor['sign']>
  readonly paymentHash: Uint8Array
  /** Its request was opened on chain, so that no voucher pays for it. */
  readonly isOnChain: boolean
}

/** A batch ready to be committed, with all that proofs about it need. */
export type BuiltBatch = {
  readonly worker: Hex
  readonly receipts: readonly BuiltReceipt[]
  readonly tree: SumTree
  readonly segments: readonly Segment[]
  /** `BatchInput` of `commitBatch`. */
  readonly input: Readonly<Record<string, unknown>>
}

/** Receipts of one payer stand together; `spent` is what each channel was debited so far. */
export function buildBatch(
  worker: Actor,
  plans: readonly Plan[],
  terms: Terms,
  spent: (channel: Hex) => bigint,
  notAfter: bigint,
): BuiltBatch {
  const caps = new Map<Hex, bigint>()
  const receipts = plans.map((plan) => {
    const channel = channelOf(plan.payer.address, worker.address)
    const built = buildReceipt(worker, plan, terms, caps.get(channel) ?? spent(channel))
    caps.set(channel, built.voucher.cumulativeCap)
    return built
  })
  return batchOf(worker.address, receipts, terms.class, notAfter)
}

/** The batch of receipts as they are, right or wrong. */
export function batchOf(
  worker: Hex,
  receipts: readonly BuiltReceipt[],
  proofClass: number,
  notAfter: bigint,
): BuiltBatch {
  const tree = new SumTree(receipts.map(({ receipt, paymentHash, sums }) => receiptRow(receipt, paymentHash, sums)))
  const input = {
    receiptRoot: bytesToHex(tree.root),
    topHash: bytesToHex(tree.topHash),
    count: receipts.length,
    sums: receiptSumNames.map((_, i) => receipts.reduce((sum, { sums }) => sum + (sums[i] ?? 0n), 0n)),
    class: proofClass,
    dataHash: `0x${'da'.repeat(32)}`,
    notAfter,
  }
  return { worker, receipts, tree, segments: segmentsOf(receipts), input }
}

function buildReceipt(worker: Actor, plan: Plan, terms: Terms, capBefore: bigint): BuiltReceipt {
  const { payer, tin, tout, entries, deadline, appCode = zeroHash } = plan
  const fee = feeOf(tin, tout, terms.price, terms.shares)
  const maxFee = plan.maxFee ?? fee
  const request: InferenceRequest = {
    chainId,
    payer: payer.address,
    nonce: plan.nonce,
    modelVersion: terms.modelVersion,
    adapters: [],
    templateHash: zeroHash,
    promptRoot: tokensRoot(tin),
    sampling: { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens: 4096, stopHash: zeroHash },
    class: terms.class,
    priceVersion: terms.priceVersion,
    maxFee,
    appCode,
    deadline,
  }
  const requestId = requestIdOf(request)
  const receipt: InferenceReceipt = {
    requestId,
    worker: worker.address,
    tin,
    tout,
    fee,
    outputRoot: tokensRoot(tout),
    traceRoot: zeroHash,
    class: terms.class,
    proofHash: zeroHash,
    indexSetHash: terms.indexSetHash,
    algoHash: algoHashV1,
    attrRoot: bytesToHex(entryTree(entries).root),
    attrEntries: entries.length,
    royaltyHash: terms.royaltyHash,
  }
  const channel = channelOf(payer.address, worker.address)
  const voucher = { channel, requestId, worker: worker.address, maxFee, cumulativeCap: capBefore + maxFee, deadline }
  const signature = payer.sign(moneyDigest(chainId, voucherStructHash(voucher)))
  const parts = splitFee(fee, terms.shares, appCode !== zeroHash)
  return {
    request,
    receipt,
    entries,
    parts,
    sums: receiptSums(receipt, parts),
    voucher,
    signature,
    paymentHash: paymentHash({ value: voucher, signature: signature.bytes }),
    isOnChain: false,
  }
}

/** The receipt as it is where its request was opened on chain. */
export function onChain(built: BuiltReceipt): BuiltReceipt {
  return { ...built, paymentHash: new Uint8Array(32), isOnChain: true }
}

/** One segment a run of receipts of the same channel, under its last voucher. */
export function segmentsOf(receipts: readonly BuiltReceipt[]): Segment[] {
  const runs: BuiltReceipt[][] = []
  for (const receipt of receipts) {
    const run = runs.at(-1)
    const [before] = run ?? []
    const isSame = before?.voucher.channel === receipt.voucher.channel && !before.isOnChain && !receipt.isOnChain
    if (isSame) run?.push(receipt)
    else runs.push([receipt])
  }
  return runs.flatMap((run) => {
    const last = run.at(-1)
    if (last === undefined) return []
    const { channel, requestId, maxFee, cumulativeCap, deadline } = last.voucher
    const fee = run.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    if (last.isOnChain) return [{ ...noSegment, requestId, count: 1, fee }]
    const { r, vs } = last.signature
    return [{ channel, count: run.length, fee, requestId, maxFee, cumulativeCap, deadline, r, vs }]
  })
}

const noSegment: Segment = {
  channel: zeroHash,
  count: 0,
  fee: 0n,
  requestId: zeroHash,
  maxFee: 0n,
  cumulativeCap: 0n,
  deadline: 0n,
  r: zeroHash,
  vs: zeroHash,
}

export function entryTree(entries: readonly AttributionEntry[]): SumTree {
  return new SumTree(entries.map((entry, index) => entryRow(index, entry)))
}

/** Sibling rows of a leaf, one behind the other, as every proof has them. */
export function siblingsOf(tree: SumTree, index: number): Hex {
  return bytesToHex(concatBytes(...tree.siblings(index)))
}

/** Root of a list of `n` zero tokens. */
export function tokensRoot(n: number): Hex {
  let root = tokenRoots.get(n)
  if (root === undefined) {
    root = bytesToHex(tokenListRoot(new Uint32Array(n)))
    tokenRoots.set(n, root)
  }
  return root
}
const tokenRoots = new Map<number, Hex>()

/** A receipt of a mature batch. */
export type EpochReceipt = Pick<BuiltReceipt, 'parts' | 'entries'> & { readonly isVoid: boolean }

export type BuiltEpoch = {
  readonly credits: readonly Credit[]
  readonly payouts: readonly Payout[]
  readonly creditsTree: SumTree
  readonly payoutTree: SumTree
  readonly creditsSum: bigint
  readonly payoutSum: bigint
}

/** The canonical epoch over these receipts on top of these payouts; there is at least one credit. MONEY §6. */
export function buildEpoch(receipts: readonly EpochReceipt[], before: readonly Payout[]): BuiltEpoch {
  const credits = receipts
    .flatMap(({ parts, entries, isVoid }, receipt) => {
      const amount = (entry: AttributionEntry) => {
        const pool = poolOf(entry.class)
        return amountOf(parts[pool], entry.weight, weightsOf(entries, pool))
      }
      return isVoid ? [] : entries.map((entry, i) => ({ payee: entry.payee, receipt, entry: i, amount: amount(entry) }))
    })
    .sort((a, b) => (a.payee === b.payee ? a.receipt - b.receipt || a.entry - b.entry : a.payee < b.payee ? -1 : 1))
  const sums = new Map(before.map(({ payee, cumulative }) => [payee, cumulative]))
  for (const { payee, amount } of credits) sums.set(payee, (sums.get(payee) ?? 0n) + amount)
  const payouts = [...sums]
    .map(([payee, cumulative]) => ({ payee, cumulative }))
    .sort((a, b) => (a.payee < b.payee ? -1 : 1))
  return epochOf(credits, payouts)
}

/** The epoch of credits and payouts as they are, right or wrong. */
export function epochOf(credits: readonly Credit[], payouts: readonly Payout[]): BuiltEpoch {
  return {
    credits,
    payouts,
    creditsTree: new SumTree(credits.map((credit, index) => creditRow(index, credit))),
    payoutTree: new SumTree(payouts.map((payout, index) => payoutRow(index, payout))),
    creditsSum: credits.reduce((sum, { amount }) => sum + amount, 0n),
    payoutSum: payouts.reduce((sum, { cumulative }) => sum + cumulative, 0n),
  }
}

/** `RoyaltyVault.Claim` of a payee. */
export function claimOf(epoch: bigint, { payouts, payoutTree }: BuiltEpoch, payee: Hex) {
  const index = payouts.findIndex((payout) => payout.payee === payee)
  const payout = payouts[index]
  if (payout === undefined) throw new Error(`${payee} has no payout`)
  return { epoch, index, count: payouts.length, cumulative: payout.cumulative, siblings: siblingsOf(payoutTree, index) }
}
