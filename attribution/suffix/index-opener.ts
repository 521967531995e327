import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { type ChunkOpener, openRun, type Run } from './runs.ts'
import type { SuffixIndex } from './suffix-index.ts'
import { chunkEntries, documentTable, entriesTable, type Table, uintTable } from './table.ts'
import { TableTree } from './table-tree.ts'

/** Bounds and openings with which SpanProof shows how often a query stands in an index. */
export type SpanCount = { readonly lo: number; readonly hi: number; readonly openings: Hex }

/** The same for a query that stands seldom, in runs of neighbours: SpanBounds of contracts/src/lib/TextIndexes.sol. */
export type SpanBounds = {
  readonly lo: number
  readonly hi: number
  readonly suffixes: Run
  readonly texts: readonly Run[]
}

/** Opens an index's tables; each is hashed when it is first opened. */
export class IndexOpener {
  readonly index: SuffixIndex
  readonly #trees = new Map<string, ChunkOpener>()

  constructor(index: SuffixIndex) {
    this.index = index
  }

  /** `index u32 ‖ entries ‖ siblings` of a chunk. */
  chunk(table: 'tokens' | 'suffixes' | 'documents', chunk: number): Uint8Array {
    const { tokens, suffixes, starts, contribIds } = this.index.tables
    if (table === 'documents') return this.#tree(table, () => documentTable(starts, contribIds)).open(chunk)
    return this.#tree(table, () => entriesTable(table === 'tokens' ? tokens : suffixes)).open(chunk)
  }

  tokens(from: number, to: number): Run {
    return openRun(this.#tokens, from, to)
  }

  suffixes(from: number, to: number): Run {
    return openRun(this.#suffixes, from, to)
  }

  documents(from: number, to: number): Run {
    const { starts, contribIds } = this.index.tables
    return openRun(
      this.#tree('documents', () => documentTable(starts, contribIds)),
      from,
      to,
    )
  }

  unigrams(token: number): Run {
    return openRun(
      this.#tree('unigrams', () => uintTable(this.index.tables.unigrams)),
      token,
      token + 1,
    )
  }

  /** Shows by neighbouring suffixes how often the query, 1 to 64 tokens that stand seldom, stands in the text. */
  boundsOf(query: Uint32Array): SpanBounds {
    const { index } = this
    const { n } = index.record
    const { lo, hi } = index.range(query)
    const places = [...new Set(lo === hi ? [lo - 1, lo] : [lo - 1, lo, hi - 1, hi])].filter((at) => at >= 0 && at < n)
    const texts = places.map((place) => {
      const position = index.tables.suffixes.at(place)
      return this.tokens(position, this.#orderEnd(place, query))
    })
    return { lo, hi, suffixes: this.suffixes(places[0] ?? 0, (places.at(-1) ?? 0) + 1), texts }
  }

  /** The end of what tells how the suffix at a place stands to the query: the token that differs. */
  #orderEnd(place: number, query: Uint32Array): number {
    const { index } = this
    const same = index.common(place, query, 0, query.length)
    return Math.min(index.record.n, index.tables.suffixes.at(place) + Math.min(query.length, same + 1))
  }

  /** Shows how often the query, 1 to 64 tokens, stands in the text: its bounds, and what is just outside of them. */
  countOf(query: Uint32Array): SpanCount {
    const { index } = this
    const { n } = index.record
    const { lo, hi } = index.range(query)
    const [texts, suffixes] = [new Set<number>(), new Set<number>()]
    const places = lo === hi ? [lo - 1, lo] : [lo - 1, lo, hi - 1, hi]
    for (const place of places.filter((each) => each >= 0 && each < n)) {
      suffixes.add(Math.floor(place / chunkEntries))
      const position = index.tables.suffixes.at(place)
      for (let at = position; at < this.#orderEnd(place, query); at++) texts.add(Math.floor(at / chunkEntries))
    }
    const open = (table: ChunkOpener, chunks: ReadonlySet<number>) =>
      [...chunks].sort((a, b) => a - b).map((chunk) => table.open(chunk))
    const openings = concatBytes(
      uintBytes(texts.size, 1),
      uintBytes(suffixes.size, 1),
      ...open(this.#tokens, texts),
      ...open(this.#suffixes, suffixes),
    )
    return { lo, hi, openings: bytesToHex(openings) }
  }

  get #tokens(): ChunkOpener {
    return this.#tree('tokens', () => entriesTable(this.index.tables.tokens))
  }

  get #suffixes(): ChunkOpener {
    return this.#tree('suffixes', () => entriesTable(this.index.tables.suffixes))
  }

  #tree(name: string, tableOf: () => Table): ChunkOpener {
    let tree = this.#trees.get(name)
    if (tree === undefined) {
      const table = tableOf()
      const hashed = new TableTree(table)
      tree = { entries: table.entries, open: (chunk) => hashed.open(chunk) }
      this.#trees.set(name, tree)
    }
    return tree
  }
}
