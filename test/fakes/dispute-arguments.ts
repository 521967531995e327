import { entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, concatBytes, zeroHash } from '../../protocol/bytes.ts'
import { hashStruct } from '../../protocol/eip712.ts'
import { requestTypes } from '../../protocol/inference-request.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { RoyaltyRow } from '../../protocol/royalty-vector.ts'
import { tokenTreeRoot } from '../../protocol/token-list.ts'
import { type Committed, type Draft, entryTreeOf, terms } from './dispute-batch.ts'
import type { Judge } from './dispute-world.ts'
import { at } from './proven-tree.ts'

/** A challenge as DisputeGame and its judge take it. */
export type Challenge = { readonly judge: Judge; readonly name: string; readonly args: readonly unknown[] }

export function openedReceipt({ header, drafts, tree }: Committed, index: number) {
  const { receipt, payment: paymentHash, sums } = at(drafts, index)
  return { header, index, receipt, paymentHash, sums, siblings: tree.siblings(index) }
}

export function openedRow({ tree }: Committed, index: number) {
  return { ...tree.row(index), siblings: tree.siblings(index) }
}

export function openedEntry(draft: Draft, index: number) {
  const tree = entryTreeOf(draft)
  const entry = { index, ...at(draft.entries, index) }
  return { n: tree.count, entry, sums: tree.row(index).sums, siblings: tree.siblings(index) }
}

export function openedPayment({ voucher, signature: { r, vs }, cut }: Draft) {
  const { r: cancelR, vs: cancelVs } = cut?.signature ?? { r: zeroHash, vs: zeroHash }
  return {
    voucher,
    signature: { r, vs },
    cut: cut !== undefined,
    cancel: cut?.cancel ?? { requestId: zeroHash, tout: 0, outputRoot: zeroHash },
    cancelSignature: { r: cancelR, vs: cancelVs },
  }
}

/** A request with its lists by hash. */
export function openedRequest({ request }: Draft) {
  const { adapters, sampling, ...rest } = request
  const hashes = adapters.map((adapter) => hashStruct(requestTypes, 'Adapter', adapter))
  const samplingHash = bytesToHex(hashStruct(requestTypes, 'Sampling', sampling))
  return { ...rest, adaptersHash: bytesToHex(keccak256(concatBytes(...hashes))), samplingHash }
}

/** Count and tree of a list of zero tokens. */
export function tokenCount(n: number) {
  return { n, treeRoot: bytesToHex(tokenTreeRoot(new Uint32Array(n))) }
}

/** Every challenge that can be put to a batch whose drafts are known, against receipts of `earlier` batches too. */
export function challengesOf(batch: Committed, earlier: readonly Committed[] = [], on = terms): Challenge[] {
  const { header, segments, drafts } = batch
  const starts = segments.map((_, k) => segments.slice(0, k).reduce((sum, { count }) => sum + count, 0))
  const ofSegments = segments.map(({ count }, k) => {
    const start = at(starts, k)
    return challenge('badSegment', [
      header,
      segments,
      BigInt(k),
      openedRow(batch, start),
      openedRow(batch, start + count - 1),
    ])
  })
  const total = challenge('badBatchTotal', [header, segments, openedRow(batch, header.count - 1)])
  return [
    ...drafts.flatMap((_, index) => challengesOfReceipt(batch, index, earlier, on.royaltyRows)),
    ...ofSegments,
    total,
  ]
}

function challengesOfReceipt(
  batch: Committed,
  index: number,
  earlier: readonly Committed[],
  rows: readonly RoyaltyRow[],
): Challenge[] {
  const draft = at(batch.drafts, index)
  const before = [...earlier.flatMap((each) => each.drafts.map((_, i) => [each, i] as const))]
  for (let i = 0; i < index; i++) before.push([batch, i])
  const list: (readonly [string, ...unknown[]])[] = [
    ['badReceipt'],
    ['badTerms', openedRequest(draft)],
    ['badPayment', openedPayment(draft)],
    ['badPromptCount', openedRequest(draft), tokenCount(draft.tokens.prompt)],
    ['badOutputCount', tokenCount(draft.tokens.output)],
    ...before.map(([other, i]) => ['duplicateRequest', openedReceipt(other, i)] as const),
    ...entryChallenges(draft, rows),
  ]
  const opened = openedReceipt(batch, index)
  return list.map(([name, ...args]) => challenge(name, [opened, batch.segments, ...args]))
}

function entryChallenges(draft: Draft, rows: readonly RoyaltyRow[]): (readonly [string, ...unknown[]])[] {
  const tree = entryTreeOf(draft)
  const { hash, sums } = tree.row(tree.count - 1)
  return [
    ['badPools', tree.count, tree.sums, tree.topHash],
    ['badEntryTotal', tree.count, hash, sums, tree.siblings(tree.count - 1)],
    ...draft.entries.flatMap((entry, i): (readonly [string, ...unknown[]])[] => [
      ['badEntry', openedEntry(draft, i)],
      ...(i + 1 < tree.count ? [['badEntryOrder', openedEntry(draft, i), openedEntry(draft, i + 1)] as const] : []),
      ...(entry.class === entryClasses.A
        ? [['badAppEntry', openedEntry(draft, i), openedRequest(draft)] as const]
        : []),
      ...(entry.class === entryClasses.M ? [['badRoyaltyEntry', openedEntry(draft, i), rows] as const] : []),
    ]),
  ]
}

const entryChallengeNames = /Entry|Pools/

function challenge(name: string, args: readonly unknown[]): Challenge {
  return { judge: entryChallengeNames.test(name) ? 'EntryJudge' : 'ReceiptJudge', name, args }
}
