import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { maximalSpans } from '../suffix/find-spans.ts'
import { type KeptSpan, keptMax, outranks, type SpanPlace, spanWeight } from '../suffix/kept-spans.ts'
import { log2Table } from '../suffix/log2.ts'
import { matchedTokens, type Share, sharesOf } from '../suffix/shares.ts'
import { tokenScores } from '../suffix/span-scores.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { orderTokens } from '../suffix/suffix-sort.ts'
import { bands, candidatesMax, type NearDuplicate, nearDuplicateBps } from './near-duplicates.ts'
import { choosingRounds, shingleTerms, signatureEntries } from './signature.ts'

/** Places of a span, near-duplicates' included: so many copies bury no original. */
export const spanPlacesMax = 64

/** By contribution: what it is a near-duplicate of; an original is not in it. */
export type Originals = ReadonlyMap<bigint, bigint>

export type AttributionV2 = {
  /** Best first; places are those that earn, one for each group of near-duplicates. */
  readonly spans: readonly KeptSpan[]
  readonly matched: number
  readonly tokens: number
  readonly shares: readonly Share[]
}

export function originalsOf(found: Iterable<NearDuplicate>): Originals {
  return new Map(Array.from(found, ({ contribId, original }) => [contribId, original]))
}

/**
 * What an answer owes whom under algoHash v2: as v1, but of near-duplicates that hold a span the earliest alone earns by it, and
 * a span is common that more than ten such groups hold. Not in force: no judge knows it. docs/NEAR-DUPLICATES.md §3.
 */
export function attributeV2(
  indexes: readonly SuffixIndex[],
  output: ArrayLike<number>,
  originals: Originals,
): AttributionV2 {
  const answer = Array.from({ length: Math.min(output.length, algoV1.answerTokensMax) }, (_, i) => output[i] as number)
  const scores = tokenScores(indexes, answer)
  const candidates = maximalSpans(indexes, answer, { tokensMin: algoV1.tokensMin, placesMax: spanPlacesMax })
    .filter(({ places }) => places.length <= spanPlacesMax)
    .map(({ start, length, places }) => {
      const named = places.map((place) => ({
        ...place,
        contribId: (indexes[place.index] as SuffixIndex).contributionAt(place.position),
      }))
      return { start, length, places: earningPlaces(named, originals), weight: spanWeight(scores, start, length) }
    })
    .filter(({ places }) => places.length <= algoV1.countMax)
  const spans = candidates.sort(outranks).slice(0, keptMax(answer.length))
  const indexed = indexes.map((index) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
  return {
    spans,
    matched: matchedTokens(spans),
    tokens: answer.length,
    shares: sharesOf(answer.length, spans, indexed),
  }
}

/** Of each original with its near-duplicates, the first place of the earliest contribution that the span stands in. */
export function earningPlaces(places: readonly SpanPlace[], originals: Originals): SpanPlace[] {
  const earliest = new Map<bigint, SpanPlace>()
  for (const place of places) {
    const group = originals.get(place.contribId) ?? place.contribId
    const known = earliest.get(group)
    if (known === undefined || place.contribId < known.contribId) earliest.set(group, place)
  }
  return [...earliest.values()].sort((a, b) => a.index - b.index || a.position - b.position)
}

/** The hash of v2's constants. */
export function algoHashV2(): Hex {
  return bytesToHex(
    keccak256(
      concatBytes(
        Uint8Array.of(0x0d, 0, 2, algoV1.tokensMin, algoV1.countMax, orderTokens),
        Uint8Array.of(algoV1.tokensPerSpan, algoV1.contributionsMax),
        uintBytes(algoV1.answerTokensMax, 2),
        Uint8Array.of(spanPlacesMax, signatureEntries, shingleTerms, choosingRounds, bands),
        uintBytes(candidatesMax, 2),
        uintBytes(nearDuplicateBps, 2),
        ...log2Table.map((entry) => uintBytes(entry, 4)),
      ),
    ),
  )
}
