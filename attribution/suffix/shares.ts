import type { TrainedOn } from '../../protocol/attribution-rule.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { algoV1 } from './algo-v1.ts'
import type { KeptSpan } from './kept-spans.ts'

/** A share of the contributors' pool, of 1,000,000. */
export type Share = { readonly class: 'S' | 'U'; readonly id: bigint; readonly weight: number }

/** Tokens of a Datanet in the index set. */
export type DatanetTokens = { readonly datanet: bigint; readonly tokens: number }

/** Of a model without indexes its Datanets have class U by these: their weights stand for tokens. docs/ATTRIBUTION.md §4. */
export function trainingTokens(trainedOn: readonly Pick<TrainedOn, 'datanet' | 'weightBps'>[]): DatanetTokens[] {
  return trainedOn.map(({ datanet, weightBps }) => ({ datanet, tokens: weightBps }))
}

/** What somebody has of the pool, in no unit: shares are to each other as parts are. */
export type SharePart = Pick<Share, 'class' | 'id'> & { readonly part: bigint }

const weightTotal = 1_000_000

/** Who gets what of an answer's contributors' pool, in the order of entries. docs/ATTRIBUTION.md §4. */
export function sharesOf(outputTokens: number, spans: readonly KeptSpan[], indexed: readonly DatanetTokens[]): Share[] {
  const entries = sharePartsOf(outputTokens, spans, indexed)
  const weights = largestRemainder(
    entries.map(({ part }) => part),
    weightTotal,
  )
  return entries
    .map((entry, i) => ({ class: entry.class, id: entry.id, weight: weights[i] as number }))
    .filter(({ weight }) => weight > 0)
}

/** What the pool is divided by, in the order of entries. */
export function sharePartsOf(
  outputTokens: number,
  spans: readonly KeptSpan[],
  indexed: readonly DatanetTokens[],
): SharePart[] {
  const parts = contributionParts(spans)
  const whole = sum(parts.values())
  const datanets = byDatanet(indexed)
  const entries: SharePart[] = []
  if (whole === 0n) {
    for (const [id, tokens] of datanets) entries.push({ class: 'U', id, part: tokens })
  } else {
    const [matched, all] = [BigInt(matchedTokens(spans)), sum(datanets.values())]
    const listed = largestParts(parts)
    for (const [id, part] of listed) entries.push({ class: 'S', id, part: matched * part * all })
    const rest = (BigInt(outputTokens) - matched) * whole + matched * (whole - sum(new Map(listed).values()))
    for (const [id, tokens] of datanets) entries.push({ class: 'U', id, part: rest * tokens })
  }
  return entries
}

/** Tokens of the answer that are in a kept span. */
export function matchedTokens(spans: readonly Pick<KeptSpan, 'start' | 'length'>[]): number {
  const covered = new Set<number>()
  for (const { start, length } of spans) for (let i = start; i < start + length; i++) covered.add(i)
  return covered.size
}

/** What each contribution gets of the spans' weights: equal parts of every span, however often it stands in one. */
export function contributionParts(spans: readonly KeptSpan[]): Map<bigint, bigint> {
  const parts = new Map<bigint, bigint>()
  for (const { weight, places } of spans) {
    const contributions = new Set(places.map(({ contribId }) => contribId))
    const part = BigInt(weight) * BigInt(algoV1.spanParts / contributions.size)
    for (const id of contributions) parts.set(id, (parts.get(id) ?? 0n) + part)
  }
  return parts
}

/** The largest parts, as many as have entries, by id. */
function largestParts(parts: ReadonlyMap<bigint, bigint>): (readonly [bigint, bigint])[] {
  const byId = (a: bigint, b: bigint) => (a < b ? -1 : 1)
  const ranked = [...parts].sort(([a, partA], [b, partB]) => (partA === partB ? byId(a, b) : byId(partB, partA)))
  return ranked.slice(0, algoV1.contributionsMax).sort(([a], [b]) => byId(a, b))
}

/** Tokens by Datanet, ascending. */
function byDatanet(indexed: readonly DatanetTokens[]): Map<bigint, bigint> {
  const tokensOf = new Map<bigint, bigint>()
  for (const { datanet, tokens } of [...indexed].sort((a, b) => (a.datanet < b.datanet ? -1 : 1))) {
    tokensOf.set(datanet, (tokensOf.get(datanet) ?? 0n) + BigInt(tokens))
  }
  return tokensOf
}

function sum(values: Iterable<bigint>): bigint {
  let total = 0n
  for (const value of values) total += value
  return total
}
