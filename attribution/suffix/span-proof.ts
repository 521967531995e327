import { concatBytes, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { algoV1 } from './algo-v1.ts'
import type { IndexOpener } from './index-opener.ts'
import { type AnchoredSpan, anchorPlacesMax, readAround } from './span-around.ts'
import { SuffixError } from './suffix-error.ts'
import { queryOf } from './suffix-index.ts'
import { orderTokens } from './suffix-sort.ts'
import { chunkEntries } from './table.ts'

type Extent = { readonly start: number; readonly length: number }

/**
 * Shows presence, count, maximality and contributions of a span of an answer over the indexes of a set, in its order.
 * docs/ATTRIBUTION.md §6. Throws {@link SuffixError} `too-common`, `size` for a span outside of the answer.
 */
export function proveSpan(
  set: readonly IndexOpener[],
  output: ArrayLike<number>,
  extent: Extent,
  tokensMax: number = algoV1.answerTokensMax,
): Uint8Array {
  const answer = queryOf(Array.from(output).slice(0, tokensMax))
  if (extent.length < 1 || extent.start < 0 || extent.start + extent.length > answer.length) {
    throw new SuffixError('size', `a span of ${extent.length} tokens at ${extent.start} of ${answer.length}`)
  }
  const span = anchored(set, answer, extent)
  const parts = set.map((opener) => indexPart(opener, answer, span))
  return concatBytes(
    uintBytes(span.start, 2),
    uintBytes(span.length, 2),
    uintBytes(span.anchor, 2),
    uintBytes(span.anchorLength, 1),
    uintBytes(set.length, 1),
    ...parts,
  )
}

function anchored(set: readonly IndexOpener[], answer: Uint32Array, { start, length }: Extent): AnchoredSpan {
  const anchorLength = Math.min(length, orderTokens)
  let [best, least] = [start, Number.POSITIVE_INFINITY]
  for (let anchor = start; anchor + anchorLength <= start + length; anchor++) {
    const places = set.reduce((sum, { index }) => {
      const { lo, hi } = index.range(answer, anchor, anchor + anchorLength)
      return sum + hi - lo
    }, 0)
    if (places < least) [best, least] = [anchor, places]
  }
  if (least > anchorPlacesMax) throw new SuffixError('too-common', `every part of the span stands at ${least} places`)
  return { start, length, anchor: best, anchorLength }
}

function indexPart(opener: IndexOpener, answer: Uint32Array, span: AnchoredSpan): Uint8Array {
  const { lo, hi, openings } = opener.countOf(answer.slice(span.anchor, span.anchor + span.anchorLength))
  const around = aroundOf(opener, answer, span, lo, hi)
  const shown = hexToBytes(openings)
  return concatBytes(
    uintBytes(lo, 4),
    uintBytes(hi, 4),
    uintBytes(shown.length, 4),
    uintBytes(around.length, 4),
    shown,
    around,
  )
}

function aroundOf(opener: IndexOpener, answer: Uint32Array, span: AnchoredSpan, lo: number, hi: number): Uint8Array {
  const { index } = opener
  const { tokens, suffixes, starts } = index.tables
  const chunks = { tokens: new Set<number>(), suffixes: new Set<number>(), documents: new Set<number>() }
  const token = (position: number) => {
    chunks.tokens.add(Math.floor(position / chunkEntries))
    return tokens.at(position)
  }
  for (let place = lo; place < hi; place++) {
    chunks.suffixes.add(Math.floor(place / chunkEntries))
    const around = readAround(token, suffixes.at(place), answer, span)
    if (around.kind === 'part') continue
    const document = index.documentAt(around.position)
    chunks.documents.add(Math.floor(document / chunkEntries))
    if (document + 1 < starts.length) chunks.documents.add(Math.floor((document + 1) / chunkEntries))
  }
  const tables = ['tokens', 'suffixes', 'documents'] as const
  return concatBytes(
    ...tables.map((table) => uintBytes(chunks[table].size, 2)),
    ...tables.flatMap((table) => [...chunks[table]].sort((a, b) => a - b).map((chunk) => opener.chunk(table, chunk))),
  )
}
