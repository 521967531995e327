import type { Call } from '../../attribution/epochs/challenge.ts'
import type { EpochFacts } from '../../attribution/epochs/mature-batch.ts'
import type {
  CreditCut,
  OpenedCredit,
  OpenedEntry,
  OpenedPayout,
  OpenedReceipt,
  PayoutCut,
} from '../../attribution/epochs/openings.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import { receiptLeaf, receiptStructHash } from '../../protocol/inference-receipt.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { creditRow, type EpochHeader, payoutRow } from '../../protocol/payout-epoch.ts'
import { parentRow, sumRow, sumTreeRoot } from '../../protocol/sum-tree.ts'

/**
 * contracts/src/ol/EpochJudge.sol and the checks of a proposal, for campaigns of more epochs than contracts could judge. Throws
 * where the contract reverts.
 */
export class EpochJudge {
  readonly #facts: EpochFacts

  constructor(facts: EpochFacts) {
    this.#facts = facts
  }

  /** True where the challenge proves a fault. */
  holds({ functionName, args: [record, ...args] }: Call): boolean {
    const { header } = record as EpochRecord
    switch (functionName) {
      case 'badCreditReceipt': {
        const { credit } = this.#credit(header, args[0] as OpenedCredit)
        return credit.receipt >= this.#receipts().length
      }
      case 'badVoidCredit': {
        const { credit } = this.#credit(header, args[0] as OpenedCredit)
        const place = this.#receipts()[credit.receipt]
        return place?.batchId === args[1] && place?.isVoid === true
      }
      case 'badCreditEntry': {
        const { credit } = this.#credit(header, args[0] as OpenedCredit)
        return credit.entry >= this.#receipt(args[1] as OpenedReceipt, credit.receipt).receipt.attrEntries
      }
      case 'badAmount': {
        const { credit } = this.#credit(header, args[0] as OpenedCredit)
        const { receipt, sums } = this.#receipt(args[1] as OpenedReceipt, credit.receipt)
        const { entry } = openEntry(receipt.attrRoot, args[2] as OpenedEntry)
        if (entry.index !== credit.entry) throw new Error('another entry')
        const pool = sums[[5, 7, 8][entry.class] ?? 9] ?? 0n
        return credit.payee !== entry.payee || credit.amount !== (pool * entry.weight) / 1_000_000n
      }
      case 'creditsUnsorted': {
        const [a, b] = [this.#credit(header, args[0] as OpenedCredit), this.#credit(header, args[1] as OpenedCredit)]
        neighbours(a.credit.index, b.credit.index)
        return creditKey(a) >= creditKey(b)
      }
      case 'payoutUnsorted': {
        const [a, b] = args.map((opened) => openPayout(header.payoutRoot, header.payoutCount, opened as OpenedPayout))
        neighbours(a?.payout.index ?? 0, b?.payout.index ?? 0)
        return (a?.payout.payee ?? '') >= (b?.payout.payee ?? '')
      }
      case 'badCumulative':
        return this.#badCumulative(header, args as unknown as [OpenedPayout, PayoutCut, CreditCut, CreditCut])
      case 'badCreditsTotal':
        return hides(header.creditsRoot, header.creditsCount, header.creditsSum, args as [Hex, bigint, Hex])
      case 'badPayoutsTotal':
        return hides(header.payoutRoot, header.payoutCount, header.payoutSum, args as [Hex, bigint, Hex])
      default:
        throw new Error(`no challenge ${functionName}`)
    }
  }

  /** True where the ledger takes the proposal. */
  accepts(header: EpochHeader): boolean {
    const { epoch, parent, lastBatch, batches } = this.#facts
    const payoutSum = payoutSumOf(parent.payouts) + header.creditsSum
    let [entries, payable] = [0n, 0n]
    for (const { header: batch, file, voided } of batches) {
      const live = [3, 5, 7, 8, 9].map((i) => batch.sums[i] ?? 0n)
      for (const i of voided) {
        const row = file.receipts.subarray((i * file.receipts.length) / batch.count)
        for (const [k, sum] of [3, 5, 7, 8, 9].entries()) {
          // The ten sums stand behind the receipt's 305 bytes.
          live[k] = (live[k] ?? 0n) - BigInt(bytesToHex(row.subarray(305 + 16 * sum, 321 + 16 * sum)))
        }
      }
      entries += live[0] ?? 0n
      payable += live.slice(1).reduce((a, b) => a + b, 0n)
    }
    return (
      header.epoch === epoch &&
      header.parentRoot === parent.payoutRoot &&
      header.firstBatch === parent.lastBatch + 1n &&
      header.lastBatch === lastBatch &&
      BigInt(header.creditsCount) === entries &&
      header.payoutSum === payoutSum &&
      header.creditsSum <= payable
    )
  }

  #badCumulative(header: EpochHeader, [opened, parent, lower, upper]: [OpenedPayout, PayoutCut, CreditCut, CreditCut]) {
    const { payout } = openPayout(header.payoutRoot, header.payoutCount, opened)
    let former: bigint | undefined
    if (header.parentRoot !== zeroHash) {
      const { n, at, before, behind } = parent
      if (at > n) throw new Error('not the cut')
      if (at > 0) {
        const { payout: left } = openPayout(header.parentRoot, n, before)
        if (left.index !== at - 1 || left.payee >= payout.payee) throw new Error('not the cut')
      }
      if (at < n) {
        const { payout: next } = openPayout(header.parentRoot, n, behind)
        if (next.index !== at || next.payee < payout.payee) throw new Error('not the cut')
        if (next.payee === payout.payee) former = next.cumulative
      }
    }
    const from = this.#cut(header, lower, payout.payee, false)
    const to = this.#cut(header, upper, payout.payee, true)
    if (former === undefined && lower.at === upper.at) return true
    return payout.cumulative !== (former ?? 0n) + to - from
  }

  #cut(header: EpochHeader, { at, before, behind }: CreditCut, payee: Hex, behindPayee: boolean): bigint {
    let sum = 0n
    if (at > header.creditsCount) throw new Error('not the cut')
    if (at > 0) {
      const { credit, prefix } = this.#credit(header, before)
      const right = credit.index === at - 1 && (behindPayee ? credit.payee <= payee : credit.payee < payee)
      if (!right) throw new Error('not the cut')
      sum = prefix + credit.amount
    }
    if (at < header.creditsCount) {
      const { credit } = this.#credit(header, behind)
      const right = credit.index === at && (behindPayee ? credit.payee > payee : credit.payee >= payee)
      if (!right) throw new Error('not the cut')
    }
    return sum
  }

  #credit(header: EpochHeader, opened: OpenedCredit) {
    const { credit, siblings } = opened
    const [prefix = 0n] = open(
      header.creditsRoot,
      header.creditsCount,
      credit.index,
      creditRow(credit.index, credit),
      siblings,
    )
    return { credit, prefix }
  }

  #receipt(opened: OpenedReceipt, number: number): OpenedReceipt {
    const { header, index, receipt, paymentHash, sums, siblings } = opened
    const row = sumRow(receiptLeaf(receiptStructHash(receipt), hexToBytes(paymentHash)), sums)
    open(header.receiptRoot, header.count, index, row, siblings)
    const place = this.#receipts()[number]
    if (place?.batchId !== header.batchId || place.index !== index) throw new Error('another receipt')
    return opened
  }

  #receipts() {
    return this.#facts.batches.flatMap(({ header, voided }) =>
      Array.from({ length: header.count }, (_, index) => ({
        ...{ batchId: header.batchId, index },
        isVoid: voided.includes(index),
      })),
    )
  }
}

/** Sums before the leaf; throws where it does not open. */
function open(root: Hex, n: number, index: number, row: Uint8Array, siblings: Hex): bigint[] {
  const depth = Math.ceil(Math.log2(n))
  const bytes = hexToBytes(siblings)
  if (index >= n || bytes.length !== depth * row.length) throw new Error('out of range')
  let at = index
  let node = row
  let before = new Uint8Array(row.length)
  for (let height = 0; height < depth; height++, at = Math.floor(at / 2)) {
    const sibling = bytes.subarray(height * row.length, (height + 1) * row.length)
    if (at % 2 === 1) before = parentRow(before, sibling)?.slice() ?? before
    const parent = at % 2 === 1 ? parentRow(sibling, node) : parentRow(node, sibling)
    if (parent === undefined) throw new Error('overflow')
    node = parent
  }
  if (bytesToHex(sumTreeRoot(n, node)) !== root) throw new Error('not in the tree')
  return Array.from({ length: (row.length - 32) / 16 }, (_, i) =>
    BigInt(bytesToHex(before.subarray(32 + 16 * i, 48 + 16 * i))),
  )
}

/** True where the rows up to the last are less than the whole. */
function hides(root: Hex, n: number, sum: bigint, [hash, own, siblings]: readonly [Hex, bigint, Hex]): boolean {
  const [prefix = 0n] = open(root, n, n - 1, sumRow(hexToBytes(hash), [own]), siblings)
  return prefix + own !== sum
}

/** Throws where the payout is not under the root. */
export function openPayout(root: Hex, n: number, opened: OpenedPayout): OpenedPayout {
  const { payout, siblings } = opened
  open(root, n, payout.index, payoutRow(payout.index, payout), siblings)
  return opened
}

function openEntry(attrRoot: Hex, opened: OpenedEntry): OpenedEntry {
  const { index, payee, id, class: kind, evidenceHash, weight } = opened.entry
  const head = [uintBytes(3, 1), uintBytes(index, 4), hexToBytes(payee), uintBytes(id, 8), uintBytes(kind, 1)]
  const leaf = keccak256(concatBytes(...head, hexToBytes(evidenceHash), uintBytes(weight, 8)))
  open(attrRoot, opened.n, index, sumRow(leaf, opened.sums), opened.siblings)
  return opened
}

function neighbours(a: number, b: number): void {
  if (a + 1 !== b) throw new Error('not neighbours')
}

function creditKey({ credit }: { readonly credit: OpenedCredit['credit'] }): string {
  const pad = (n: number) => n.toString().padStart(10, '0')
  return `${credit.payee}${pad(credit.receipt)}${pad(credit.entry)}`
}

function payoutSumOf(rows: Uint8Array): bigint {
  let sum = 0n
  for (let at = 0; at < rows.length; at += 36) sum += BigInt(bytesToHex(rows.subarray(at + 20, at + 36)))
  return sum
}
