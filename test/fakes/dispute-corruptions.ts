import { type AttributionEntry, entryClasses, entryRow, poolPayee } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { feeOf, receiptSums, splitFee } from '../../protocol/fee.ts'
import { type InferenceReceipt, receiptRow } from '../../protocol/inference-receipt.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { channelOf } from '../../protocol/voucher.ts'
import {
  type CommitOptions,
  type Draft,
  datanets,
  paymentOf,
  reseal,
  resign,
  segmentsOf,
  terms,
} from './dispute-batch.ts'
import type { Actor } from './money-chain.ts'
import { at } from './proven-tree.ts'

/** As in contracts/src/lib/Faults.sol. */
export const faults = {
  Late: 0,
  DuplicateRequest: 1,
  WrongTokenCount: 2,
  WrongFee: 3,
  WrongShares: 4,
  NoVoucher: 5,
  WrongSegment: 6,
  WrongEntry: 7,
} as const

/** A batch about to be committed: the receipt to spoil is `drafts[index]`. */
export type Spoiling = {
  readonly drafts: Draft[]
  readonly index: number
  readonly stranger: Actor
  readonly now: bigint
}

/** Makes a batch wrong in one way, everything else hashed and signed as it would be by whoever gains from it. */
export type Corruption = {
  readonly name: string
  /** The challenge that must hold, and what it finds. */
  readonly challenge: string
  readonly fault: keyof typeof faults
  /** What the receipt must have. */
  readonly needs?: (draft: Draft, spoiling: Spoiling) => boolean
  readonly apply: (draft: Draft, spoiling: Spoiling) => CommitOptions | undefined
}

const { M, W, A, S, U } = entryClasses
const other: Hex = `0x${'77'.repeat(32)}`
const isPaid = ({ payment }: Draft) => payment !== zeroHash
const isCut = ({ cut }: Draft) => cut !== undefined
const hasApp = ({ request }: Draft) => request.appCode !== zeroHash

function receipt(
  name: string,
  challenge: string,
  fault: keyof typeof faults,
  change: (draft: Draft, spoiling: Spoiling) => void,
  needs?: Corruption['needs'],
): Corruption {
  return {
    name,
    challenge,
    fault,
    ...(needs === undefined ? {} : { needs }),
    apply: (draft, spoiling) => {
      change(draft, spoiling)
      return undefined
    },
  }
}

/** A receipt with another request. */
function request(
  name: string,
  fault: keyof typeof faults,
  change: (draft: Draft, spoiling: Spoiling) => object,
  needs?: Corruption['needs'],
) {
  const apply = (draft: Draft, spoiling: Spoiling) => {
    draft.request = { ...draft.request, ...change(draft, spoiling) }
    reseal(draft)
  }
  return receipt(name, 'badTerms', fault, apply, needs)
}

function voucher(name: string, fault: keyof typeof faults, change: (draft: Draft, spoiling: Spoiling) => object) {
  const apply = (draft: Draft, spoiling: Spoiling) => {
    draft.voucher = { ...draft.voucher, ...change(draft, spoiling) }
    resign(draft)
  }
  return receipt(name, 'badPayment', fault, apply, isPaid)
}

function cancel(name: string, change: object): Corruption {
  const apply = (draft: Draft) => {
    if (draft.cut === undefined) return
    draft.cut = { ...draft.cut, cancel: { ...draft.cut.cancel, ...change } }
    resign(draft)
  }
  return receipt(name, 'badPayment', 'NoVoucher', apply, (draft) => isPaid(draft) && isCut(draft))
}

function entries(
  name: string,
  challenge: string,
  change: (entries: AttributionEntry[], spoiling: Spoiling) => void,
  needs?: (draft: Draft) => boolean,
): Corruption {
  const apply = (draft: Draft, spoiling: Spoiling) => {
    change(draft.entries, spoiling)
    setReceipt(draft, { attrEntries: draft.entries.length })
    draft.sums[3] = BigInt(draft.entries.length)
    reseal(draft)
  }
  return receipt(name, challenge, 'WrongEntry', apply, needs)
}

/** The entry of a class, changed. */
function entry(name: string, challenge: string, cls: number, change: (spoiling: Spoiling) => object): Corruption {
  return entries(
    name,
    challenge,
    (list, spoiling) => {
      const place = list.findIndex((each) => each.class === cls)
      list[place] = { ...at(list, place), ...change(spoiling) }
    },
    (draft) => draft.entries.some((each) => each.class === cls),
  )
}

function setReceipt(draft: Draft, change: Partial<InferenceReceipt>): void {
  draft.receipt = { ...draft.receipt, ...change }
}

/** Fee, shares and row of the counts that the receipt has. */
function charge(draft: Draft, fee: bigint): void {
  setReceipt(draft, { fee })
  draft.sums = receiptSums(draft.receipt, splitFee(fee, terms.shares, hasApp(draft)))
}

function move(sums: bigint[], from: number, to: number, amount = 1n): void {
  sums[from] = at(sums, from) - amount
  sums[to] = at(sums, to) + amount
}

function raise(sums: bigint[], ...places: readonly number[]): void {
  for (const place of places) sums[place] = at(sums, place) + 1n
}

/** Segments of the batch, with `amount` wei of the first's fee charged to the second. */
function shifted(segments: readonly Segment[], amount: bigint): Segment[] {
  return segments.map((each, k) => ({
    ...each,
    fee: k === 0 ? each.fee - amount : k === 1 ? each.fee + amount : each.fee,
  }))
}

/** A power of two of leaves has no padding. */
const hasPadding = (n: number) => n > 1 && 2 ** Math.ceil(Math.log2(n)) > n

export const corruptions: readonly Corruption[] = [
  // The receipt against its row, batch and segment.
  receipt('another worker', 'badReceipt', 'NoVoucher', (draft, { stranger }) =>
    setReceipt(draft, { worker: stranger.address }),
  ),
  receipt('another class than the batch', 'badReceipt', 'WrongFee', (draft) => {
    draft.request = { ...draft.request, class: 1 }
    setReceipt(draft, { class: 1 })
    reseal(draft)
  }),
  receipt('a row with another fee', 'badReceipt', 'WrongFee', ({ sums }) => raise(sums, 0, 9)),
  receipt('a row with another tin', 'badReceipt', 'WrongTokenCount', ({ sums }) => raise(sums, 1)),
  receipt('a row with another tout', 'badReceipt', 'WrongTokenCount', ({ sums }) => raise(sums, 2)),
  receipt('a row with more entries', 'badReceipt', 'WrongEntry', ({ sums }) => raise(sums, 3)),
  receipt('no entries', 'badReceipt', 'WrongEntry', (draft) => {
    setReceipt(draft, { attrEntries: 0, attrRoot: zeroHash })
    draft.sums[3] = 0n
  }),
  {
    name: 'no payment in a channel',
    challenge: 'badReceipt',
    fault: 'NoVoucher',
    needs: isPaid,
    apply: (draft, { drafts }) => {
      const segments = segmentsOf(drafts)
      draft.payment = zeroHash
      return { segments }
    },
  },
  {
    name: 'a voucher for a request opened on chain',
    challenge: 'badReceipt',
    fault: 'NoVoucher',
    needs: (draft) => !isPaid(draft),
    apply: (draft, { drafts }) => {
      const segments = segmentsOf(drafts)
      draft.payment = paymentOf(draft)
      return { segments }
    },
  },
  {
    name: 'another request than the one opened on chain',
    challenge: 'badReceipt',
    fault: 'NoVoucher',
    needs: (draft) => !isPaid(draft),
    apply: (draft, { drafts }) => {
      const segments = segmentsOf(drafts)
      draft.request = { ...draft.request, nonce: 99n }
      reseal(draft)
      return { segments }
    },
  },

  // The receipt against its request, the price and the model's registration.
  // Opened on chain it would be as good as any.
  request('a request of somebody else', 'NoVoucher', (_, { stranger }) => ({ payer: stranger.address }), isPaid),
  request('a request of another class', 'WrongFee', () => ({ class: 1 })),
  request('a fee above the request’s limit', 'WrongFee', ({ receipt: { fee } }) => ({ maxFee: fee - 1n })),
  request('a price that nobody set', 'WrongFee', () => ({ priceVersion: 9 })),
  request('a price set afterwards', 'WrongFee', () => ({ priceVersion: 4 })),
  request('a price that has run out', 'WrongFee', () => ({ priceVersion: 2 })),
  request('a model that is not registered', 'WrongFee', () => ({ modelVersion: other })),
  request('a deadline that is over', 'Late', (_, { now }) => ({ deadline: now - 1n })),
  receipt('a wei too much', 'badTerms', 'WrongFee', (draft) => charge(draft, draft.receipt.fee + 1n)),
  receipt('a wei too little', 'badTerms', 'WrongFee', (draft) => charge(draft, draft.receipt.fee - 1n)),
  receipt('a wei of the contributors to the worker', 'badTerms', 'WrongShares', ({ sums }) => move(sums, 9, 7)),
  receipt('a wei of the platform to the stakers', 'badTerms', 'WrongShares', ({ sums }) => move(sums, 4, 6)),
  receipt('a wei of the model to the builder', 'badTerms', 'WrongShares', ({ sums }) => move(sums, 5, 8)),
  receipt('shares that come from nowhere', 'badTerms', 'WrongShares', ({ sums }) => raise(sums, 9)),
  receipt(
    'no share for a registered app',
    'badTerms',
    'WrongShares',
    ({ sums }) => move(sums, 8, 9, at(sums, 8)),
    hasApp,
  ),
  receipt('another royalty vector', 'badTerms', 'WrongEntry', (draft) => setReceipt(draft, { royaltyHash: other })),
  receipt('another rule of attribution', 'badTerms', 'WrongEntry', (draft) => setReceipt(draft, { algoHash: other })),
  receipt('other indexes', 'badTerms', 'WrongEntry', (draft) => setReceipt(draft, { indexSetHash: other })),

  // The payer's consent.
  voucher('a fee above the voucher’s limit', 'NoVoucher', ({ receipt: { fee } }) => ({ maxFee: fee - 1n })),
  voucher('a voucher for another request', 'NoVoucher', () => ({ requestId: other })),
  voucher('a voucher for another worker', 'NoVoucher', (_, { stranger }) => ({ worker: stranger.address })),
  voucher('a voucher that has run out', 'Late', (_, { now }) => ({ deadline: now - 1n })),
  {
    name: 'a voucher on another channel',
    challenge: 'badPayment',
    fault: 'NoVoucher',
    needs: isPaid,
    apply: (draft, { drafts, stranger }) => {
      const segments = segmentsOf(drafts)
      draft.voucher = { ...draft.voucher, channel: channelOf(stranger.address, draft.receipt.worker) }
      resign(draft)
      return { segments }
    },
  },
  receipt(
    'a voucher signed by somebody else',
    'badPayment',
    'NoVoucher',
    (draft, { stranger }) => resign(draft, stranger),
    isPaid,
  ),
  receipt(
    'a voucher that nobody signed',
    'badPayment',
    'NoVoucher',
    (draft) => {
      const bytes = new Uint8Array(64).fill(0xff)
      draft.signature = { r: `0x${'ff'.repeat(32)}`, vs: `0x${'ff'.repeat(32)}`, bytes }
      draft.payment = paymentOf(draft)
    },
    isPaid,
  ),
  cancel('a cancel of another request', { requestId: other }),
  cancel('a cancel after other tokens', { tout: 12_345 }),
  cancel('a cancel of another output', { outputRoot: other }),

  // Counts.
  receipt('a prompt token too many', 'badPromptCount', 'WrongTokenCount', (draft) => recount(draft, 1, 0)),
  receipt('an output token too many', 'badOutputCount', 'WrongTokenCount', (draft) => recount(draft, 0, 1)),
  {
    name: 'a request settled twice',
    challenge: 'duplicateRequest',
    fault: 'DuplicateRequest',
    apply: (draft, { drafts }) => {
      const twin = { ...draft, sums: [...draft.sums], entries: [...draft.entries] }
      drafts.splice(drafts.indexOf(draft) + 1, 0, twin)
      return undefined
    },
  },

  // Segments and totals.
  {
    name: 'a wei on another channel',
    challenge: 'badSegment',
    fault: 'WrongSegment',
    needs: (_, { drafts }) => segmentsOf(drafts).length > 1,
    apply: (_, { drafts }) => ({ segments: shifted(segmentsOf(drafts), 1n) }),
  },
  {
    name: 'a receipt hidden in the padding',
    challenge: 'badBatchTotal',
    fault: 'WrongSegment',
    needs: (_, { drafts }) => hasPadding(drafts.length),
    apply: ({ receipt: hidden, sums }) => ({ hidden: [receiptRow(hidden, new Uint8Array(32), sums)] }),
  },
  {
    name: 'shares hidden in the padding',
    challenge: 'badBatchTotal',
    fault: 'WrongSegment',
    needs: (_, { drafts }) => hasPadding(drafts.length),
    apply: ({ receipt: hidden }) => ({
      hidden: [receiptRow(hidden, new Uint8Array(32), [0, 0, 0, 0, 0, 0, 0, 5, 0, 0])],
    }),
  },

  // Entries.
  receipt('fewer entries than counted', 'badPools', 'WrongEntry', (draft) => {
    setReceipt(draft, { attrEntries: draft.receipt.attrEntries + 1 })
    raise(draft.sums, 3)
  }),
  entries('a royalty row left out', 'badPools', (list) => void list.splice(1, 1)),
  entries('the worker left out', 'badPools', (list) => void list.splice(2, 1)),
  entries('the app left out', 'badPools', (list) => void list.splice(3, 1), hasApp),
  entries(
    'an app that the request does not name',
    'badPools',
    (list, { stranger }) =>
      void list.splice(3, 0, {
        payee: stranger.address,
        id: 0n,
        class: A,
        evidenceHash: zeroHash,
        weight: 1_000_000,
      }),
    (draft) => !hasApp(draft),
  ),
  entry('weights above 1,000,000', 'badPools', U, () => ({ weight: 600_001 })),
  entry('weights below 1,000,000', 'badPools', U, () => ({ weight: 599_999 })),
  entry('a royalty to somebody else', 'badRoyaltyEntry', M, ({ stranger }) => ({ payee: stranger.address })),
  entries('weight moved between royalty rows', 'badRoyaltyEntry', (list) => {
    list[0] = { ...at(list, 0), weight: 600_001 }
    list[1] = { ...at(list, 1), weight: 399_999 }
  }),
  entries('a royalty row that is none', 'badRoyaltyEntry', (list) => {
    list[1] = { ...at(list, 1), id: 2n }
  }),
  entry('the worker’s share to somebody else', 'badEntry', W, ({ stranger }) => ({ payee: stranger.address })),
  entry('a worker with a number', 'badEntry', W, () => ({ id: 1n })),
  entry('the app’s share to somebody else', 'badAppEntry', A, ({ stranger }) => ({ payee: stranger.address })),
  entry('an app with a number', 'badEntry', A, () => ({ id: 1n })),
  entry('a span to somebody else', 'badEntry', S, ({ stranger }) => ({ payee: stranger.address })),
  entry('a contribution that nobody made', 'badEntry', S, ({ stranger }) => ({ id: 10n, payee: stranger.address })),
  entry('a Datanet’s pool to somebody', 'badEntry', U, ({ stranger }) => ({ payee: stranger.address })),
  entry('a Datanet that is none', 'badEntry', U, () => ({ id: datanets + 1n, payee: poolPayee(1, datanets + 1n) })),
  entry('Datanet 0', 'badEntry', U, () => ({ id: 0n, payee: poolPayee(1, 0n) })),
  entry('a class that is none', 'badEntry', U, () => ({ class: 7 })),
  entries('an entry without weight', 'badEntry', (list) => {
    const place = list.findIndex(({ class: each }) => each === S) + 1
    list.splice(place, 0, { ...at(list, place - 1), id: 12n, weight: 0 })
  }),
  entries('entries out of order', 'badEntryOrder', (list) => {
    const place = list.findIndex(({ class: each }) => each === S)
    list.splice(place, 2, at(list, place + 1), at(list, place))
  }),
  entries('a contribution twice', 'badEntryOrder', (list) => {
    const place = list.findIndex(({ class: each }) => each === S)
    const whole = at(list, place)
    list.splice(place, 1, { ...whole, weight: 300_000 }, { ...whole, weight: 1 })
  }),
  receipt(
    'an entry hidden in the padding',
    'badEntryTotal',
    'WrongEntry',
    (draft) => {
      const place = draft.entries.length - 1
      const last = at(draft.entries, place)
      draft.entries[place] = { ...last, weight: last.weight - 1 }
      draft.hiddenEntries = [entryRow(place + 1, { ...last, weight: 1 })]
      reseal(draft)
    },
    ({ entries: { length } }) => hasPadding(length),
  ),
]

/** Counts more tokens than there are, and charges for them. */
function recount(draft: Draft, prompt: number, output: number): void {
  const { tin, tout } = draft.receipt
  setReceipt(draft, { tin: tin + prompt, tout: tout + output })
  const fee = feeOf(tin + prompt, tout + output, terms.price, terms.shares)
  draft.request = { ...draft.request, maxFee: fee }
  draft.voucher = { ...draft.voucher, maxFee: fee }
  charge(draft, fee)
  reseal(draft)
}
