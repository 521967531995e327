import { type AttributionEntry, entryClasses, entryRow, poolPayee } from '../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { feeOf, type Price, receiptSums, type Shares, splitFee } from '../../protocol/fee.ts'
import { type InferenceReceipt, receiptRow } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { type BatchHeader, batchHash, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { type RoyaltyRow, royaltyHash, royaltyModelId, royaltyWeight } from '../../protocol/royalty-vector.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import {
  type Cancel,
  cancelStructHash,
  channelOf,
  paymentHash,
  type Voucher,
  voucherStructHash,
} from '../../protocol/voucher.ts'
import type { DisputeWorld } from './dispute-world.ts'
import type { Actor } from './money-chain.ts'
import { at, ProvenTree } from './proven-tree.ts'

const chainId = 901n

export const appCode: Hex = `0x${'ac'.repeat(32)}`
export const modelOwner: Hex = `0x${'00e1'.repeat(10)}`
export const appOwner: Hex = `0x${'00a9'.repeat(10)}`
export const author: Hex = `0x${'00aa'.repeat(10)}`
export const heir: Hex = `0x${'00b0'.repeat(10)}`

export const royaltyRows: readonly RoyaltyRow[] = [
  { kind: 0, id: royaltyModelId(7n), bps: 6_000 },
  { kind: 1, id: heir, bps: 4_000 },
]

export const shares: Shares = { platformFee: 10n ** 14n, betaBps: 2_000, gammaBps: 1_500, omegaBps: 1_500, rhoBps: 500 }

/** What the registries say of the one model that all receipts of a batch used, and of the one app. */
export type DraftTerms = {
  readonly modelVersion: Hex
  readonly class: number
  readonly priceVersion: number
  readonly price: Pick<Price, 'rin' | 'rout'>
  readonly shares: Shares
  readonly sharesVersion: number
  readonly royaltyRows: readonly RoyaltyRow[]
  /** Who is paid each row. */
  readonly royaltyPayees: readonly Hex[]
  readonly royaltyHash: Hex
  readonly indexSetHash: Hex
  readonly appCode: Hex
}

/** Terms that registries are told. Price version 4 is set after the batch, 2 has run out, 3 is in force, all others are none. */
export const terms: DraftTerms = {
  modelVersion: modelVersionHash(7n, 1),
  class: 2,
  priceVersion: 3,
  price: { rin: 3n * 10n ** 15n, rout: 6n * 10n ** 15n },
  shares,
  sharesVersion: 2,
  royaltyRows,
  royaltyPayees: [modelOwner, heir],
  appCode,
  royaltyHash: bytesToHex(royaltyHash(royaltyRows)),
  indexSetHash: `0x${'1d'.repeat(32)}`,
}

const contributions: ReadonlyMap<bigint, Hex> = new Map([
  [11n, author],
  [12n, author],
  [13n, heir],
])
export const datanets = 3n

/** What DisputeGame is sent of a slash and of an epoch's bond, in wei. */
export const slashReward = 5n * 10n ** 14n
export const epochReward = 10n ** 17n

/** One inference to be. `onChain`: its request was opened on chain; `cut`: the payer cut the stream. */
export type Plan = {
  readonly payer: Actor
  readonly tin: number
  readonly tout: number
  readonly hasApp?: boolean
  readonly onChain?: boolean
  readonly cut?: boolean
}

type Signature = ReturnType<Actor['sign']>

/** A receipt with all that was signed and hashed for it, to be changed before it is committed. */
export type Draft = {
  readonly payer: Actor
  /** Tokens that prompt and output really have. */
  readonly tokens: { readonly prompt: number; readonly output: number }
  request: InferenceRequest
  receipt: InferenceReceipt
  entries: AttributionEntry[]
  /** Rows of weights behind the last entry, where its tree has padding. */
  hiddenEntries: Uint8Array[]
  sums: bigint[]
  voucher: Voucher
  signature: Signature
  cut?: { readonly cancel: Cancel; readonly signature: Signature }
  payment: Hex
}

/** A batch as it stands on chain, with all that challenges need. */
export type Committed = {
  readonly header: BatchHeader
  readonly segments: readonly Segment[]
  readonly drafts: readonly Draft[]
  readonly tree: ProvenTree
}

/** Receipts as an honest worker makes them. Those of one payer stand together, requests opened on chain last. */
export function honestDrafts(worker: Actor, plans: readonly Plan[], now: bigint, on = terms, firstNonce = 0n): Draft[] {
  return plans.map((plan, i) => honestDraft(worker, plan, on, firstNonce + BigInt(i), now + 100n))
}

function honestDraft(worker: Actor, plan: Plan, on: DraftTerms, nonce: bigint, deadline: bigint): Draft {
  const { payer, tin, tout, hasApp = false, onChain = false } = plan
  const { modelVersion, priceVersion, price, royaltyHash, indexSetHash } = on
  const fee = feeOf(tin, tout, price, on.shares)
  const request: InferenceRequest = {
    chainId,
    payer: payer.address,
    nonce,
    modelVersion,
    adapters: [{ root: `0x${'ad'.repeat(32)}`, weight: 65_535 }],
    templateHash: zeroHash,
    promptRoot: bytesToHex(tokenListRoot(new Uint32Array(tin))),
    sampling: { tempQ16: 65_536, topK: 40, topPQ16: 60_000, maxTokens: 4_096, stopHash: zeroHash },
    class: on.class,
    priceVersion,
    maxFee: fee + 7n,
    appCode: hasApp ? on.appCode : zeroHash,
    deadline,
  }
  const entries = entriesOf(worker.address, hasApp, on)
  const receipt: InferenceReceipt = {
    requestId: requestIdOf(request),
    worker: worker.address,
    tin,
    tout,
    fee,
    outputRoot: bytesToHex(tokenListRoot(new Uint32Array(tout))),
    traceRoot: zeroHash,
    class: on.class,
    proofHash: zeroHash,
    indexSetHash,
    algoHash: algoHashV1,
    attrRoot: zeroHash,
    attrEntries: entries.length,
    royaltyHash,
  }
  const channel = channelOf(payer.address, worker.address)
  const voucher = {
    channel,
    requestId: receipt.requestId,
    worker: worker.address,
    maxFee: fee + 3n,
    cumulativeCap: 10n ** 30n,
    deadline,
  }
  const none = { r: zeroHash, vs: zeroHash, bytes: new Uint8Array(64) } as Signature
  const sums = receiptSums(receipt, splitFee(fee, on.shares, hasApp))
  const draft: Draft = {
    payer,
    tokens: { prompt: tin, output: tout },
    request,
    receipt,
    entries,
    hiddenEntries: [],
    sums,
    voucher,
    signature: none,
    payment: onChain ? zeroHash : `0x${'ff'.repeat(32)}`,
  }
  if (plan.cut === true) {
    draft.cut = { cancel: { requestId: zeroHash, tout: 0, outputRoot: zeroHash }, signature: none }
  }
  reseal(draft)
  return draft
}

/** Both royalty rows, the worker, perhaps the app, two spans and a Datanet's pool. */
function entriesOf(worker: Hex, hasApp: boolean, on: DraftTerms): AttributionEntry[] {
  const { M, W, A, S, U } = entryClasses
  const evidenceHash = zeroHash
  return [
    ...on.royaltyRows.map((row, i) => ({
      payee: at(on.royaltyPayees, i),
      id: BigInt(i),
      class: M,
      evidenceHash,
      weight: royaltyWeight(row),
    })),
    { payee: worker, id: 0n, class: W, evidenceHash, weight: 1_000_000 },
    ...(hasApp ? [{ payee: appOwner, id: 0n, class: A, evidenceHash, weight: 1_000_000 }] : []),
    { payee: author, id: 11n, class: S, evidenceHash, weight: 300_001 },
    { payee: heir, id: 13n, class: S, evidenceHash, weight: 99_999 },
    { payee: poolPayee(1, 2n), id: 2n, class: U, evidenceHash, weight: 600_000 },
  ]
}

/** Hashes and signs a draft anew after its request, entries, receipt or voucher changed. */
export function reseal(draft: Draft, by: Actor = draft.payer): void {
  const requestId = requestIdOf(draft.request)
  draft.receipt = { ...draft.receipt, requestId, attrRoot: entryTreeOf(draft).root }
  draft.voucher = { ...draft.voucher, requestId }
  if (draft.cut !== undefined) {
    const { tout, outputRoot } = draft.receipt
    draft.cut = { ...draft.cut, cancel: { requestId, tout, outputRoot } }
  }
  resign(draft, by)
}

/** Signs a draft's voucher and cancel as they are. */
export function resign(draft: Draft, by: Actor = draft.payer): void {
  draft.signature = by.sign(moneyDigest(chainId, voucherStructHash(draft.voucher)))
  if (draft.cut !== undefined) {
    const { cancel } = draft.cut
    draft.cut = { cancel, signature: by.sign(moneyDigest(chainId, cancelStructHash(cancel))) }
  }
  if (draft.payment !== zeroHash) draft.payment = paymentOf(draft)
}

export function paymentOf({ voucher, signature, cut }: Draft): Hex {
  const cancel = cut === undefined ? undefined : { value: cut.cancel, signature: cut.signature.bytes }
  return bytesToHex(paymentHash({ value: voucher, signature: signature.bytes }, cancel))
}

export function entryTreeOf({ entries, hiddenEntries }: Draft): ProvenTree {
  return new ProvenTree(
    entries.map((entry, index) => entryRow(index, entry)),
    hiddenEntries,
  )
}

/** One segment a run of receipts of one channel, one for each request opened on chain. */
export function segmentsOf(drafts: readonly Draft[]): Segment[] {
  const runs: Draft[][] = []
  for (const draft of drafts) {
    const run = runs.at(-1)
    const same = run?.[0]?.payer === draft.payer && draft.payment !== zeroHash && run[0].payment !== zeroHash
    if (same) run.push(draft)
    else runs.push([draft])
  }
  return runs.flatMap((run): Segment[] => {
    const last = run.at(-1)
    if (last === undefined) return []
    const fee = run.reduce((sum, { sums }) => sum + (sums[0] ?? 0n), 0n)
    const { requestId } = last.receipt
    if (last.payment === zeroHash) {
      const rest = { maxFee: 0n, cumulativeCap: 0n, deadline: 0n, r: zeroHash, vs: zeroHash }
      return [{ channel: zeroHash, count: 1, fee, requestId, ...rest }]
    }
    const { maxFee, cumulativeCap, deadline } = last.voucher
    const { r, vs } = last.signature
    const channel = channelOf(last.payer.address, last.voucher.worker)
    return [{ channel, count: run.length, fee, requestId, maxFee, cumulativeCap, deadline, r, vs }]
  })
}

export type CommitOptions = {
  /** Rows of receipts behind the drafts that nobody opens. */
  readonly filler?: readonly Uint8Array[]
  readonly batchId?: bigint
  readonly segments?: readonly Segment[]
  /** Rows behind the last receipt, where the tree has padding. */
  readonly hidden?: readonly Uint8Array[]
}

/** Has the market know the batch. */
export async function commit(
  world: DisputeWorld,
  worker: Hex,
  drafts: readonly Draft[],
  { batchId = 5n, segments = segmentsOf(drafts), filler = [], hidden = [] }: CommitOptions = {},
): Promise<Committed> {
  const known = drafts.map(({ receipt, payment, sums }) => receiptRow(receipt, hexToBytes(payment), sums))
  const rows = [...known, ...filler]
  const tree = new ProvenTree(rows, hidden)
  const header = {
    batchId,
    worker,
    committedAt: world.chain.now,
    l2Block: 9n,
    receiptRoot: tree.root,
    count: rows.length,
    sums: tree.sums,
    class: terms.class,
    dataHash: zeroHash,
    segmentsHash: bytesToHex(segmentsHash(segments)),
  }
  await world.answer('batchHash', [batchId], bytesToHex(batchHash(header)))
  return { header, segments, drafts, tree }
}

/** What the registries say of {@link terms}, contributions, Datanets and the app at this time; nothing is void. */
export async function answerTerms(world: DisputeWorld): Promise<void> {
  const { modelVersion, price, sharesVersion } = terms
  const now = world.chain.now
  const nobody: Hex = `0x${'0'.repeat(40)}`
  const inForce = { ...price, validUntil: now, sharesVersion, setAt: now }
  await world.answer('priceOf', undefined, { rin: 0n, rout: 0n, validUntil: 0n, sharesVersion: 0, setAt: 0n })
  await world.answer('priceOf', [modelVersion, terms.class, terms.priceVersion], inForce)
  await world.answer('priceOf', [modelVersion, 1, terms.priceVersion], inForce)
  await world.answer('priceOf', [modelVersion, terms.class, 4], { ...inForce, setAt: now + 1n, validUntil: now + 9n })
  await world.answer('priceOf', [modelVersion, terms.class, 2], { ...inForce, setAt: now - 9n, validUntil: now - 1n })
  await world.answer('sharesOf', [sharesVersion], shares)
  await world.answer('royaltyHashOf', [modelVersion], terms.royaltyHash)
  await world.answer('indexSetHashOf', [modelVersion], terms.indexSetHash)
  await world.answer('isAlgoInForce', undefined, false)
  await world.answer('isAlgoInForce', [algoHashV1, now], true)
  await world.answer('payeeAt', [7n, now], modelOwner)
  await world.answer('payoutAt', undefined, nobody)
  await world.answer('payoutAt', [appCode, now], appOwner)
  await world.answer('payoutOfAt', undefined, nobody)
  for (const [id, payout] of contributions) await world.answer('payoutOfAt', [id, now], payout)
  await world.answer('datanetCount', [], datanets)
  await world.answer('batchHash', undefined, zeroHash)
  await world.answer('isVoid', undefined, false)
  await world.answer('voidReceipt', undefined)
  await world.answer('voidBatch', undefined)
  await world.answer('slash', undefined, 2n * slashReward, slashReward)
  await world.answer('revertEpoch', undefined, epochReward, epochReward)
}
