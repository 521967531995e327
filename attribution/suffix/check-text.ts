import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Tokenizer } from '../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { bytesToHex, equalBytes, FormatError, type Hex } from '../../protocol/bytes.ts'
import { chunks, contentChunkBytes, proveChunk } from '../../protocol/content-hash.ts'
import { offsetsOf } from './build-index.ts'
import type { IndexChallenge } from './check-index.ts'
import type { IndexOpener } from './index-opener.ts'
import type { IndexRecord } from './index-record.ts'
import { itemTree, LeafTree, type VersionItem } from './item-tree.ts'
import { openRun, type Run } from './runs.ts'
import { separator } from './suffix-sort.ts'
import type { Table } from './table.ts'
import { TableTree } from './table-tree.ts'

/** What the text of an index should be made of. */
export type TextSource = {
  readonly tokenizer: Tokenizer
  readonly items: readonly VersionItem[]
  /** Content of item `document`; asked for one document after the other. */
  readonly contents: (document: number) => Uint8Array
  /** The offsets that the index commits to, where they are not those of its tokens. */
  readonly offsets?: Table
}

/**
 * The call of IndexRegistry that shows an index to count another vocabulary than its tokenizer has, whose section `tokenizer` is;
 * undefined where it does not, or the section is none. Its file is not needed. docs/ATTRIBUTION.md §2.
 */
export function wrongVocab(record: IndexRecord, tokenizer: Uint8Array): IndexChallenge | undefined {
  try {
    if (readTokenizer(tokenizer).vocab === record.vocab) return undefined
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
  const head = bytesRun(tokenizer, 0, Math.min(tokenizer.length, contentChunkBytes))
  return { functionName: 'badVocab', args: [record, tokenizer.length, [head]] }
}

/**
 * Where an index's tokens are not those of the contents, as a call of IndexRegistry; undefined where they are. Offsets follow
 * from the tokens, so that they are at hand where `offsetRoot` is theirs. docs/ATTRIBUTION.md §2.
 */
export function checkText(opener: IndexOpener, source: TextSource): IndexChallenge | undefined {
  return new TextCheck(opener, source).challenge()
}

/** Opens an index's text beside the contents, and finds where they differ. */
export class TextCheck {
  readonly #opener: IndexOpener
  readonly #source: TextSource
  readonly #offsets: Table
  readonly #tree: TableTree
  readonly #tokenizerBytes: Uint8Array

  constructor(opener: IndexOpener, source: TextSource) {
    this.#opener = opener
    this.#source = source
    const { tokenizer } = source
    const lengths = Uint32Array.from({ length: tokenizer.vocab }, (_, token) => tokenizer.decode([token]).length)
    this.#offsets = source.offsets ?? offsetsOf(opener.index.tables, lengths)
    this.#tree = new TableTree(this.#offsets)
    this.#tokenizerBytes = encodeTokenizer(tokenizer)
  }

  challenge(): IndexChallenge | undefined {
    const { tokens, starts } = this.#opener.index.tables
    for (let document = 0; document < starts.length; document++) {
      const start = starts[document] as number
      const rows = this.#rows(document)
      if (this.#offset(start) !== 0) return this.#false('badStart', document, rows, this.offsetRun(start, start + 1))
      for (let place = start; place < tokens.length; place++) {
        const found = this.#wrongAt(place, document)
        if (found !== undefined) return found
        if (tokens.at(place) === separator) break
      }
    }
    return undefined
  }

  #wrongAt(place: number, document: number): IndexChallenge | undefined {
    const token = this.#opener.index.tables.tokens.at(place)
    const content = this.#source.contents(document)
    const offset = this.#offset(place)
    if (token === separator) {
      if (offset === content.length) return undefined
      const shown = [this.#opener.tokens(place, place + 1), this.offsetRun(place, place + 1)]
      return this.#false('badLength', place, ...shown, this.document(document), this.end(content, offset))
    }
    const bytes = this.#source.tokenizer.decode([token])
    const end = offset + bytes.length
    if (bytes.length === 0 || end !== this.#offset(place + 1)) return this.#false('badOffset', this.token(place, token))
    // What stands behind the content is shown at the separator.
    if (end > content.length || equalBytes(content.subarray(offset, end), bytes)) return undefined
    const shown = this.content(content, offset, end)
    return this.#false('badBytes', this.token(place, token), this.document(document), shown)
  }

  /** The chunk of a content that tells that its length is not `offset`. */
  end(content: Uint8Array, offset: number) {
    const leaves = chunks(content, contentChunkBytes)
    const last = leaves.length - 1
    const tree = new LeafTree(leaves)
    if (offset > content.length && content.length === (last + 1) * contentChunkBytes && last + 1 < tree.width) {
      // The last chunk is whole: what tells is that there is none behind it.
      const absent: Run = { first: last + 1, data: '0x', siblings: tree.siblings(last + 1) }
      return { total: content.length, run: absent }
    }
    const at = offset < content.length ? Math.floor(offset / contentChunkBytes) : last
    return this.content(content, at * contentChunkBytes, Math.min(content.length, (at + 1) * contentChunkBytes))
  }

  /** The chunks of a content that hold bytes from … to − 1. */
  content(content: Uint8Array, from: number, to: number) {
    return { total: content.length, run: bytesRun(content, from, to) }
  }

  /** A token with its offset, the next, and what it is made of. */
  token(place: number, token: number) {
    return {
      place,
      tokens: this.#opener.tokens(place, place + 1),
      offsets: this.offsetRun(place, place + 2),
      tokenizerBytes: this.#tokenizerBytes.length,
      tokenizer: this.#merges(token),
    }
  }

  /** The tokenizer's first chunk and those of every merge that a token is made by. */
  #merges(token: number): Run[] {
    const { specials, merges } = this.#source.tokenizer
    const needed = new Set([0])
    const open = [token]
    for (let part = open.pop(); part !== undefined; part = open.pop()) {
      const merge = merges[part - specials - 256]
      if (part < specials + 256 || merge === undefined) continue
      const at = 12 + 8 * (part - specials - 256)
      for (const byte of [at, at + 4]) needed.add(Math.floor(byte / contentChunkBytes))
      open.push(...merge)
    }
    const bytes = this.#tokenizerBytes
    return [...needed].map((chunk) => {
      const from = chunk * contentChunkBytes
      return bytesRun(bytes, from, Math.min(bytes.length, from + contentChunkBytes))
    })
  }

  /** A document's row and item. */
  document(document: number) {
    const { contentHash } = this.#source.items[document] as VersionItem
    const siblings = itemTree(this.#source.items).siblings(document)
    return { document, documents: this.#rows(document), contentHash, siblings }
  }

  #rows(document: number): Run {
    return this.#opener.documents(document, Math.min(document + 2, this.#opener.index.record.documents))
  }

  #offset(place: number): number {
    return Buffer.from(this.#offsets.read(place, place + 1)).readUInt32BE()
  }

  /** Offsets from … to − 1. */
  offsetRun(from: number, to: number): Run {
    return openRun({ entries: this.#offsets.entries, open: (chunk) => this.#tree.open(chunk) }, from, to)
  }

  #false(functionName: string, ...args: readonly unknown[]): IndexChallenge {
    return { functionName, args: [this.#opener.index.record, ...args] }
  }
}

/** Chunks of 1 KiB from byte `from` to before byte `to`: one or two, whose siblings are on their outer sides. */
function bytesRun(bytes: Uint8Array, from: number, to: number): Run {
  const [first, last] = [Math.floor(from / contentChunkBytes), Math.max(0, Math.floor((to - 1) / contentChunkBytes))]
  const [left, right] = [proveChunk(bytes, contentChunkBytes, first), proveChunk(bytes, contentChunkBytes, last)]
  const siblings: Hex[] = []
  for (let height = 0; height < left.siblings.length; height++) {
    const [a, b] = [Math.floor(first / 2 ** height), Math.floor(last / 2 ** height)]
    if (a % 2 === 1) siblings.push(bytesToHex(left.siblings[height] as Uint8Array))
    if (b % 2 === 0) siblings.push(bytesToHex(right.siblings[height] as Uint8Array))
  }
  const data = bytes.subarray(first * contentChunkBytes, Math.min(bytes.length, (last + 1) * contentChunkBytes))
  return { first, data: bytesToHex(data), siblings }
}
