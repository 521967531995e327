import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import { tokenListRoot, tokensPerLeaf } from '../../protocol/token-list.ts'
import {
  type BatchData,
  type Leaf,
  leafKey,
  type ShownEntry,
  type ShownReceipt,
  type ShownTokens,
} from './batch-data.ts'
import { decodeBatchFile, rowBytes } from './batch-file.ts'
import { type BatchEntry, type BatchReceipt, entriesOf } from './batch-rows.ts'
import { entryTree, joined, OpenBatch, paymentHashOf, receiptRow, shownEntryRow, weightSums } from './batch-trees.ts'
import { DataError } from './data-error.ts'
import type { OpenedEntry, OpenedReceipt } from './openings.ts'
import { PartialTree } from './partial-tree.ts'
import type { Padding, RowTree } from './row-tree.ts'

/** A receipt under its batch's root. The request is not compared with the receipt's here. */
export type KnownReceipt = Pick<BatchReceipt, 'receipt' | 'sums' | 'request' | 'payment'>
/** An entry under its receipt's root, with the sums of its row. */
export type KnownEntry = { readonly entry: BatchEntry; readonly sums: readonly bigint[] }

const noTokens = new Uint32Array(0)

/** A batch as far as it is known: what was shown on chain, and of the file what is under the same roots. */
export class KnownBatch {
  readonly header: BatchHeader
  readonly segments: readonly Segment[]
  readonly #published: OpenBatch | undefined
  #tree: PartialTree | undefined
  readonly #receipts: ReadonlyMap<number, ShownReceipt>
  readonly #entries = new Map<string, ShownEntry[]>()
  /** Leaves of token lists that were shown. */
  readonly #tokens = new Map<string, ShownTokens[]>()
  readonly #demanded: ReadonlySet<string>
  /** Lists of which a leaf was asked for, whichever. */
  readonly #demandedLists: ReadonlySet<string>
  #decoded: { readonly index: number; readonly receipt: BatchReceipt | undefined } | undefined

  static of(header: BatchHeader, segments: readonly Segment[], data: BatchData): KnownBatch {
    return new KnownBatch(header, segments, published(header, data.file), data)
  }

  /** `published`: the file, of as many receipts as the batch has. */
  constructor(
    header: BatchHeader,
    segments: readonly Segment[],
    published: OpenBatch | undefined,
    { receipts = [], entries = [], tokens = [], demanded = new Set() }: Omit<BatchData, 'file'>,
  ) {
    this.header = header
    this.segments = segments
    this.#published = published
    this.#receipts = new Map(receipts.map((each) => [each.index, each]))
    for (const entry of entries) {
      const key = listKey(entry)
      this.#entries.set(key, [...(this.#entries.get(key) ?? []), entry])
    }
    for (const leaf of tokens) {
      const key = listKey(leaf)
      this.#tokens.set(key, [...(this.#tokens.get(key) ?? []), leaf])
    }
    this.#demanded = demanded
    this.#demandedLists = new Set([...demanded].map((key) => key.slice(0, key.lastIndexOf(' '))))
  }

  /** Built when it is asked for. */
  get tree(): PartialTree {
    const { receiptRoot, count } = this.header
    this.#tree ??= new PartialTree(
      receiptRoot,
      count,
      [...this.#receipts.values()].map((each) => ({ ...each, row: receiptRow(each) })),
      (padding) => treeOrNone(() => this.#published?.treeWith(padding)),
    )
    return this.#tree
  }

  /** True where the file's receipt `i` is the batch's. */
  isPublished(i: number): boolean {
    return this.tree.isPublished(i)
  }

  /** True where the file's entries of receipt `i` are the receipt's. */
  areEntriesPublished(i: number): boolean {
    const one = this.receipt(i)
    // A receipt may state any count; the file has as many rows as it has.
    const rows = this.#published?.entryRows(i).length ?? 0
    if (one === undefined || rows === 0 || rows !== one.receipt.attrEntries * rowBytes.entries) return false
    const { tree } = this.entries(i, one.receipt)
    return Array.from({ length: tree.count }, (_, k) => k).every((k) => tree.isPublished(k))
  }

  /** Undefined where nobody has shown it. */
  receipt(i: number): KnownReceipt | undefined {
    const shown = this.#receipts.get(i)
    if (shown !== undefined) return shown
    return this.tree.isPublished(i) ? this.#publishedReceipt(i) : undefined
  }

  openReceipt(i: number): OpenedReceipt {
    const [one, opened] = [this.receipt(i), this.tree.opened(i)]
    if (one === undefined || opened === undefined) throw new Error(`receipt ${i} is not known`)
    return {
      header: this.header,
      index: i,
      receipt: one.receipt,
      paymentHash: bytesToHex(paymentHashOf(one.payment)),
      sums: one.sums,
      siblings: joined(opened.siblings),
    }
  }

  /** Entries of receipt `i`, which is this one. */
  entries(i: number, { attrRoot, attrEntries }: InferenceReceipt): KnownEntries {
    const shown = this.#entries.get(listKey({ root: attrRoot, count: attrEntries })) ?? []
    return new KnownEntries(attrRoot, attrEntries, shown, this.#published?.entryRows(i))
  }

  openEntry(i: number, k: number): OpenedEntry {
    const one = this.receipt(i)
    if (one === undefined) throw new Error(`receipt ${i} is not known`)
    return this.entries(i, one.receipt).open(k)
  }

  /** The prompt or output that the file has for receipt `i`; none where there is no file. */
  publishedTokens(i: number, list: 'prompt' | 'output'): Uint32Array {
    return this.#publishedReceipt(i)?.[list] ?? noTokens
  }

  /** The output of receipt `i`, which is this one: of the file, or of leaves; undefined where some of it nobody has shown. */
  output(i: number, { outputRoot, tout }: InferenceReceipt): Uint32Array | undefined {
    return this.#list(this.publishedTokens(i, 'output'), outputRoot, tout)
  }

  /** The same of its prompt. `request`: the receipt's. */
  prompt(i: number, { tin }: InferenceReceipt, { promptRoot }: InferenceRequest): Uint32Array | undefined {
    return this.#list(this.publishedTokens(i, 'prompt'), promptRoot, tin)
  }

  /** `published` where it is the list under the root, else its shown leaves where they are all of it. */
  #list(published: Uint32Array, root: Hex, count: number): Uint32Array | undefined {
    if (published.length === count && bytesToHex(tokenListRoot(published)) === root) return published
    const leaves = this.#tokens.get(listKey({ root, count })) ?? []
    if (leaves.length * tokensPerLeaf < count) return undefined
    const shown = new Uint32Array(count)
    for (const { index, tokens = noTokens } of leaves) {
      const start = index * tokensPerLeaf
      if (tokens.length === Math.min(tokensPerLeaf, count - start)) shown.set(tokens, start)
    }
    return bytesToHex(tokenListRoot(shown)) === root ? shown : undefined
  }

  /** True where a leaf of a list of `count` tokens was shown under the root. */
  isCountShown(root: Hex, count: number): boolean {
    return this.#tokens.has(listKey({ root, count }))
  }

  /** True where somebody waits for the leaf already; of tokens, for any of its list. */
  isDemanded(leaf: Leaf): boolean {
    if (leaf.kind === 'receipt' || leaf.kind === 'entry') return this.#demanded.has(leafKey(leaf))
    const key = leafKey(leaf)
    return this.#demandedLists.has(key.slice(0, key.lastIndexOf(' ')))
  }

  /** Decoded once for all that is asked of it in a row. */
  #publishedReceipt(i: number): BatchReceipt | undefined {
    if (this.#decoded?.index !== i) this.#decoded = { index: i, receipt: this.#published?.receipt(i) }
    return this.#decoded.receipt
  }
}

/** The entries of one receipt, as far as they are known. */
export class KnownEntries {
  readonly tree: PartialTree
  /** The tree that was published, where it is under the root but counts other leaves. */
  readonly miscounted: RowTree | undefined
  readonly #shown: ReadonlyMap<number, ShownEntry>
  readonly #published: readonly BatchEntry[]

  constructor(root: Hex, count: number, shown: readonly ShownEntry[], rows: Uint8Array = new Uint8Array(0)) {
    const treeWith = (padding?: Padding) => treeOrNone(() => (rows.length === 0 ? undefined : entryTree(rows, padding)))
    const plain = treeWith()
    this.miscounted =
      plain !== undefined && plain.count !== count && bytesToHex(plain.root) === root ? plain : undefined
    this.#shown = new Map(shown.map((each) => [each.index, each]))
    this.#published = plain?.count === count ? entriesOf(rows) : []
    this.tree = new PartialTree(
      root,
      count,
      shown.map((each) => ({ ...each, row: shownEntryRow(each) })),
      (padding) => (padding === undefined ? plain : treeWith(padding)),
    )
  }

  /** Undefined where nobody has shown it. */
  at(k: number): KnownEntry | undefined {
    const shown = this.#shown.get(k)
    if (shown !== undefined) return shown
    const entry = this.#published[k]
    if (entry === undefined || !this.tree.isPublished(k)) return undefined
    return { entry, sums: weightSums(entry.class, entry.weight) }
  }

  open(k: number): OpenedEntry {
    const [one, opened] = [this.at(k), this.tree.opened(k)]
    if (one === undefined || opened === undefined) throw new Error(`entry ${k} is not known`)
    return {
      n: this.tree.count,
      entry: { index: k, ...one.entry },
      sums: one.sums,
      siblings: joined(opened.siblings),
    }
  }
}

/** Undefined where the file is none, or of a batch of another size. */
function published(header: BatchHeader, file: Uint8Array | undefined): OpenBatch | undefined {
  if (file === undefined) return undefined
  try {
    const batch = new OpenBatch(header, decodeBatchFile(file))
    return batch.count === header.count ? batch : undefined
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/** Undefined also where a sum is beyond u128: no root has such a tree. */
function treeOrNone(treeOf: () => RowTree | undefined): RowTree | undefined {
  try {
    return treeOf()
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

function listKey({ root, count }: { readonly root: Hex; readonly count: number }): string {
  return `${root} ${count}`
}
