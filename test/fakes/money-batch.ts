import { createHash } from 'node:crypto'
import { concatBytes, type Hex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { Actor } from './money-chain.ts'
import {
  addSums,
  amountOf,
  type Credit,
  channelOf,
  creditRow,
  digestOf,
  type Entry,
  entryRow,
  feeOf,
  type Payout,
  type Price,
  paymentHash,
  payoutRow,
  type Receipt,
  type Request,
  receiptRow,
  type Shares,
  type Sums,
  sign,
  sumList,
  sumsOf,
  Tree,
  type Voucher,
} from './money-objects.ts'

/** What the receipts of a batch have in common. */
export type Terms = {
  readonly modelVersion: Hex
  readonly class: number
  readonly priceVersion: number
  readonly price: Price
  readonly shares: Shares
  readonly royaltyHash: Hex
  readonly indexSetHash: Hex
}

/** One inference to be. Entries without a builder's: those of the model, the worker and the contributors. */
export type Plan = {
  readonly payer: Actor
  readonly tin: number
  readonly tout: number
  readonly entries: readonly Entry[]
  readonly hasBuilder?: boolean
  readonly appCode?: Hex
  readonly nonce: bigint
  readonly deadline: bigint
  readonly maxFee?: bigint
}

export type BuiltReceipt = {
  readonly request: Request
  readonly receipt: Receipt
  readonly entries: readonly Entry[]
  readonly sums: Sums
  readonly voucher: Voucher
  readonly signature: ReturnType<Actor['sign']>
  readonly payment: Hex
}

export type Segment = {
  readonly channel: Hex
  readonly count: number
  readonly fee: bigint
  readonly requestId: Hex
  readonly maxFee: bigint
  readonly cumulativeCap: bigint
  readonly deadline: bigint
  readonly r: Hex
  readonly vs: Hex
}

/** A batch ready to be committed, with all that proofs about it need. */
export type BuiltBatch = {
  readonly worker: Hex
  readonly receipts: readonly BuiltReceipt[]
  readonly tree: Tree
  readonly sums: Sums
  readonly segments: readonly Segment[]
  /** `BatchInput` of `commitBatch`. */
  readonly input: Readonly<Record<string, unknown>>
}

/** Receipts of one payer must stand together; `spent` is what each channel was debited so far. */
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
  const tree = new Tree(receipts.map(({ receipt, payment, sums }) => receiptRow(receipt, payment, sums)))
  const sums = addSums(receipts.map((receipt) => receipt.sums))
  const input = {
    receiptRoot: tree.root,
    topHash: tree.topHash,
    count: receipts.length,
    sums: sumList(sums),
    class: terms.class,
    dataHash: `0x${'da'.repeat(32)}`,
    notAfter,
  }
  return { worker: worker.address, receipts, tree, sums, segments: segmentsOf(receipts), input }
}

function buildReceipt(worker: Actor, plan: Plan, terms: Terms, capBefore: bigint): BuiltReceipt {
  const { payer, tin, tout, entries } = plan
  const fee = feeOf(tin, tout, terms.price, terms.shares)
  const maxFee = plan.maxFee ?? fee
  const request: Request = {
    chainId: 901n,
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
    appCode: plan.appCode ?? zeroHash,
    deadline: plan.deadline,
  }
  const requestId = digestOf('Request', request)
  const receipt: Receipt = {
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
    algoHash: `0x${'a1'.repeat(32)}`,
    attrRoot: entryTree(entries).root,
    attrEntries: entries.length,
    royaltyHash: terms.royaltyHash,
  }
  const channel = channelOf(payer.address, worker.address)
  const voucher = {
    channel,
    requestId,
    worker: worker.address,
    maxFee,
    cumulativeCap: capBefore + maxFee,
    deadline: plan.deadline,
  }
  const signature = sign(payer, 'Voucher', voucher)
  const sums = sumsOf(receipt, terms.shares, plan.hasBuilder === true)
  return { request, receipt, entries, sums, voucher, signature, payment: paymentHash(voucher, signature.bytes) }
}

/** One segment a run of receipts of the same channel, under its last voucher. */
export function segmentsOf(receipts: readonly BuiltReceipt[]): Segment[] {
  const runs: BuiltReceipt[][] = []
  for (const receipt of receipts) {
    const run = runs.at(-1)
    if (run?.[0]?.voucher.channel === receipt.voucher.channel) run.push(receipt)
    else runs.push([receipt])
  }
  return runs.flatMap((run) => {
    const last = run.at(-1)
    if (last === undefined) return []
    const { channel, requestId, maxFee, cumulativeCap, deadline } = last.voucher
    const fee = run.reduce((sum, { receipt }) => sum + receipt.fee, 0n)
    const { r, vs } = last.signature
    return [{ channel, count: run.length, fee, requestId, maxFee, cumulativeCap, deadline, r, vs }]
  })
}

export function entryTree(entries: readonly Entry[]): Tree {
  return new Tree(entries.map(entryRow))
}

/** Root of a list of `n` zero tokens. MONEY §2. */
export function tokensRoot(n: number): Hex {
  let root = tokenRoots.get(n)
  if (root === undefined) {
    const sha = (...parts: readonly Uint8Array[]) =>
      new Uint8Array(
        createHash('sha256')
          .update(concatBytes(...parts))
          .digest(),
      )
    let level: Uint8Array[] = Array.from({ length: Math.ceil(n / 32) }, (_, i) =>
      sha(Uint8Array.of(0), uintBytes(i, 4), new Uint8Array(4 * Math.min(32, n - 32 * i))),
    )
    while (level.length > 1) {
      const above: Uint8Array[] = []
      for (let i = 0; i < level.length; i += 2) {
        const [left, right] = [level[i] ?? new Uint8Array(0), level[i + 1]]
        above.push(right === undefined ? left : sha(Uint8Array.of(1), left, right))
      }
      level = above
    }
    const top = level[0] ?? new Uint8Array(32)
    root = `0x${Buffer.from(sha(Uint8Array.of(2), uintBytes(n, 4), top)).toString('hex')}`
    tokenRoots.set(n, root)
  }
  return root
}
const tokenRoots = new Map<number, Hex>()

/** Receipts of mature batches in order, with those that are void marked. */
export type EpochReceipt = { readonly sums: Sums; readonly entries: readonly Entry[]; readonly isVoid: boolean }

export type BuiltEpoch = {
  readonly credits: readonly Credit[]
  readonly payouts: readonly Payout[]
  readonly creditsTree: Tree
  readonly payoutTree: Tree
  readonly creditsSum: bigint
  readonly payoutSum: bigint
}

/** The canonical epoch over these receipts on top of these payouts. MONEY §6. */
export function buildEpoch(receipts: readonly EpochReceipt[], before: readonly Payout[]): BuiltEpoch {
  const credits = receipts
    .flatMap(({ sums, entries, isVoid }, receipt) =>
      isVoid
        ? []
        : entries.map((entry, i) => ({ payee: entry.payee, receipt, entry: i, amount: amountOf(entry, sums) })),
    )
    .sort((a, b) => (a.payee === b.payee ? a.receipt - b.receipt || a.entry - b.entry : a.payee < b.payee ? -1 : 1))
  const cumulative = new Map(before.map(({ payee, cumulative }) => [payee, cumulative]))
  for (const { payee, amount } of credits) cumulative.set(payee, (cumulative.get(payee) ?? 0n) + amount)
  const payouts = [...cumulative]
    .map(([payee, sum]) => ({ payee, cumulative: sum }))
    .sort((a, b) => (a.payee < b.payee ? -1 : 1))
  return {
    credits,
    payouts,
    creditsTree: new Tree(credits.map(creditRow)),
    payoutTree: new Tree(payouts.map(payoutRow)),
    creditsSum: credits.reduce((sum, { amount }) => sum + amount, 0n),
    payoutSum: payouts.reduce((sum, payout) => sum + payout.cumulative, 0n),
  }
}

/** `RoyaltyVault.Claim` of a payee. */
export function claimOf(epoch: bigint, { payouts, payoutTree }: BuiltEpoch, payee: Hex) {
  const index = payouts.findIndex((payout) => payout.payee === payee)
  const payout = payouts[index]
  if (payout === undefined) throw new Error(`${payee} has no payout`)
  return { epoch, index, count: payouts.length, cumulative: payout.cumulative, siblings: payoutTree.siblings(index) }
}
