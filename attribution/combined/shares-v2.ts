import { entryClasses } from '../../protocol/attribution-entry.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { algoV1 } from '../suffix/algo-v1.ts'
import { contributionsIn } from '../suffix/evidence.ts'
import type { KeptSpan } from '../suffix/kept-spans.ts'
import { type DatanetTokens, matchedTokens } from '../suffix/shares.ts'
import { algoV2 } from './algo-v2.ts'
import type { PromptCitation } from './citations.ts'
import type { SketchScore } from './evidence-v2.ts'

/** A share of the contributors' pool, of 1,000,000. */
export type ShareV2 = { readonly class: 'S' | 'G' | 'R' | 'U'; readonly id: bigint; readonly weight: number }

export type SharedAnswer = {
  /** Tokens that were looked at. */
  readonly tokens: number
  readonly spans: readonly KeptSpan[]
  /** Of the spans' contributions, ascending. */
  readonly leaders: readonly number[]
  /** Positive, ids ascending. */
  readonly scores: readonly SketchScore[]
  readonly citations: readonly PromptCitation[]
  /** Texts of the index set; of a model without, the Datanets that it was trained on, by their weights. */
  readonly datanets: readonly DatanetTokens[]
}

/** What somebody has of a pool, in no unit: shares of a pool are to each other as parts are. */
export type PartV2 = { readonly class: ShareV2['class']; readonly id: bigint; readonly part: bigint }

/** One of the three that an answer's contributors' pool is cut into: so many of 1,000,000, and who has what part of it. */
export type PoolV2 = { readonly weight: number; readonly parts: readonly PartV2[] }

const weightTotal = 1_000_000

/** The written formula of v2: who gets what of an answer's contributors' pool, in the order of entries. docs/ATTRIBUTION.md §7. */
export function sharesOfV2(answer: SharedAnswer): ShareV2[] {
  const { words, influences, citations } = poolsOfV2(answer)
  const shares = [words, influences, citations].flatMap(splitPool)
  return shares.sort((a, b) => entryClasses[a.class] - entryClasses[b.class] || (a.id < b.id ? -1 : 1))
}

/** Of S and U, of G, and of R. */
export function poolsOfV2(answer: SharedAnswer): Readonly<Record<'words' | 'influences' | 'citations', PoolV2>> {
  const { scores, citations } = answer
  const sketched = scores.length > 0 ? algoV2.sketchWeight : 0
  const cited = citations.length > 0 ? algoV2.citationWeight : 0
  return {
    words: { weight: weightTotal - sketched - cited, parts: spanParts(answer) },
    influences: {
      weight: sketched,
      parts: scores.map(({ contribId: id, score: part }): PartV2 => ({ class: 'G', id, part })),
    },
    citations: { weight: cited, parts: citationParts(citations) },
  }
}

/** What a span gives, and to whom: of each group the earliest contribution that has it; to nobody where too many groups have it. */
export function earnersOf(
  { places }: KeptSpan,
  placeOf: ReadonlyMap<bigint, number>,
  leaders: readonly number[],
): bigint[] {
  const earliest = new Map<number, bigint>()
  for (const { contribId } of places) {
    const leader = leaders[placeOf.get(contribId) as number] as number
    const known = earliest.get(leader)
    if (known === undefined || contribId < known) earliest.set(leader, contribId)
  }
  return earliest.size > algoV2.groupsMax ? [] : [...earliest.values()]
}

/** Points of every contribution that earns, and the spans that give some. */
export function spanPoints({ spans, leaders }: Pick<SharedAnswer, 'spans' | 'leaders'>) {
  const placeOf = new Map(contributionsIn(spans).map((id, i) => [id, i]))
  const points = new Map<bigint, bigint>()
  const earning = spans.filter((span) => {
    const earners = earnersOf(span, placeOf, leaders)
    for (const id of earners) {
      const point = BigInt(span.weight) * BigInt(algoV1.spanParts / earners.length)
      points.set(id, (points.get(id) ?? 0n) + point)
    }
    return earners.length > 0
  })
  return { points, earning }
}

/** As v1 splits its pool. */
function spanParts({ tokens, spans, leaders, datanets }: SharedAnswer): PartV2[] {
  const { points, earning } = spanPoints({ spans, leaders })
  const sizes = new Map<bigint, bigint>()
  for (const { datanet, tokens: size } of [...datanets].sort((a, b) => order(a.datanet, b.datanet))) {
    sizes.set(datanet, (sizes.get(datanet) ?? 0n) + BigInt(size))
  }
  const whole = sum(points.values())
  if (whole === 0n) return [...sizes].map(([id, part]) => ({ class: 'U', id, part }))
  const [matched, all] = [BigInt(matchedTokens(earning)), sum(sizes.values())]
  const listed = [...points]
    .sort(([a, x], [b, y]) => order(y, x) || order(a, b))
    .slice(0, algoV2.spanContributionsMax)
    .sort(([a], [b]) => order(a, b))
  const rest = (BigInt(tokens) - matched) * whole + matched * (whole - sum(listed.map(([, point]) => point)))
  return [
    ...listed.map(([id, point]): PartV2 => ({ class: 'S', id, part: matched * point * all })),
    ...[...sizes].map(([id, size]): PartV2 => ({ class: 'U', id, part: rest * size })),
  ]
}

/** The citation at rank r gives its contribution 2520/r. */
function citationParts(citations: readonly PromptCitation[]): PartV2[] {
  const parts = new Map<bigint, bigint>()
  for (const [i, { contribId }] of citations.entries()) {
    parts.set(contribId, (parts.get(contribId) ?? 0n) + BigInt(Math.floor(algoV1.spanParts / (i + 1))))
  }
  return [...parts].sort(([a], [b]) => order(a, b)).map(([id, part]) => ({ class: 'R', id, part }))
}

/** By largest remainder; what comes out as 0 has no share. */
export function splitPool({ weight: total, parts }: PoolV2): ShareV2[] {
  if (total === 0 || parts.length === 0) return []
  const weights = largestRemainder(
    parts.map(({ part }) => part),
    total,
  )
  return parts
    .map(({ class: letter, id }, i) => ({ class: letter, id, weight: weights[i] as number }))
    .filter(({ weight }) => weight > 0)
}

function sum(values: Iterable<bigint>): bigint {
  let total = 0n
  for (const value of values) total += value
  return total
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
