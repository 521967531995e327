import type { IndexOpener } from './index-opener.ts'
import { itemTree, type VersionItem } from './item-tree.ts'
import { noRun } from './runs.ts'
import { orderTokens, separator } from './suffix-sort.ts'

/** A call of IndexRegistry that proves an index false. */
export type IndexChallenge = { readonly functionName: string; readonly args: readonly unknown[] }

/**
 * What is wrong with the tables of an index, whose roots are its record's, beside the items of its Datanet version; undefined
 * where they are in order. Whether the tokens are those of the contents is not looked at here. docs/ATTRIBUTION.md §2.
 */
export function checkIndex(opener: IndexOpener, items: readonly VersionItem[]): IndexChallenge | undefined {
  const check = new IndexCheck(opener)
  return check.tokens() ?? check.documents() ?? check.items(items) ?? check.suffixes() ?? check.unigrams()
}

class IndexCheck {
  readonly #opener: IndexOpener

  constructor(opener: IndexOpener) {
    this.#opener = opener
  }

  get #record() {
    return this.#opener.index.record
  }

  get #tables() {
    return this.#opener.index.tables
  }

  tokens(): IndexChallenge | undefined {
    const { n, vocab } = this.#record
    for (let i = 0; i < n; i++) {
      const token = this.#tables.tokens.at(i)
      if (token >= vocab && token !== separator) return this.#false('badToken', i, this.#opener.tokens(i, i + 1))
    }
    return undefined
  }

  documents(): IndexChallenge | undefined {
    const { starts, contribIds, tokens } = this.#tables
    const { n, documents } = this.#record
    for (let d = 0; d < documents; d++) {
      const start = starts[d] as number
      const ascends = d === 0 || (start > (starts[d - 1] as number) && start < n)
      const known = d === 0 ? start === 0 : (contribIds[d] as bigint) > (contribIds[d - 1] as bigint)
      const rows = () => this.#opener.documents(Math.max(0, d - 1), d + 1)
      if (!ascends || !known) return this.#false('badDocument', d, rows(), noRun)
      if (d > 0 && tokens.at(start - 1) !== separator) {
        return this.#false('badDocument', d, rows(), this.#opener.tokens(start - 1, start))
      }
    }
    if (tokens.at(n - 1) === separator) return undefined
    return this.#false('badDocument', documents, noRun, this.#opener.tokens(n - 1, n))
  }

  items(items: readonly VersionItem[]): IndexChallenge | undefined {
    const { documents } = this.#record
    const tree = itemTree(items)
    const opened = (d: number) => {
      const { contribId, contentHash } = items[d] as VersionItem
      return [contribId, contentHash, tree.siblings(d)] as const
    }
    for (let d = 0; d < Math.min(documents, items.length); d++) {
      if (this.#tables.contribIds[d] === items[d]?.contribId) continue
      return this.#false('badItem', d, this.#opener.documents(d, d + 1), ...opened(d))
    }
    if (items.length > documents) return this.#false('otherItems', documents, ...opened(documents))
    if (documents > tree.width) return this.#false('otherItems', 0, ...opened(0))
    return items.length < documents ? this.#false('noItem', items.length, tree.siblings(items.length)) : undefined
  }

  suffixes(): IndexChallenge | undefined {
    const { suffixes, tokens } = this.#tables
    const { n, documents } = this.#record
    for (let i = 0; i < n; i++) {
      if (suffixes.at(i) >= n) return this.#false('badSuffix', i, this.#opener.suffixes(i, i + 1))
    }
    for (const place of [documents - 1, documents]) {
      const [position, isLast] = [suffixes.at(place), place === documents - 1]
      if ((tokens.at(position) === separator) === isLast) continue
      const shown = [this.#opener.suffixes(place, place + 1), this.#opener.tokens(position, position + 1)]
      return this.#false('badSeparators', isLast, ...shown)
    }
    for (let i = 0; i + 1 < n; i++) {
      const [p, q] = [suffixes.at(i), suffixes.at(i + 1)]
      const same = this.#sameTokens(p, q)
      const [a, b] = [this.#key(p, same), this.#key(q, same)]
      if (a < b || (a === b && p < q)) continue
      const text = (position: number) => this.#opener.tokens(position, Math.min(n, position + same + 1))
      return this.#false('badOrder', i, this.#opener.suffixes(i, i + 2), text(p), text(q))
    }
    return undefined
  }

  unigrams(): IndexChallenge | undefined {
    const { tokens, unigrams } = this.#tables
    const right = new Uint32Array(unigrams.length)
    for (let i = 0; i < tokens.length; i++) {
      const token = tokens.at(i)
      if (token !== separator) (right[token] as number)++
    }
    const token = right.findIndex((count, i) => count !== unigrams[i])
    if (token < 0) return undefined
    return this.#false('badUnigram', token, this.#opener.unigrams(token), this.#opener.countOf(Uint32Array.of(token)))
  }

  /** How many tokens the keys of two positions have in common. */
  #sameTokens(p: number, q: number): number {
    let k = 0
    while (k < orderTokens && this.#key(p, k) === this.#key(q, k) && this.#key(p, k) >= 0) k++
    return k
  }

  /** Token k of a position's key; −1 where the key is over. */
  #key(position: number, k: number): number {
    if (k === orderTokens || position + k >= this.#record.n) return -1
    const token = this.#tables.tokens.at(position + k)
    return token === separator ? -1 : token
  }

  #false(functionName: string, ...args: readonly unknown[]): IndexChallenge {
    return { functionName, args: [this.#record, ...args] }
  }
}
