import { type EntryLetter, entryClasses } from '../../protocol/attribution-entry.ts'
import { weightTotal } from '../../protocol/fee.ts'
import type { SketchScore } from '../combined/evidence-v2.ts'
import { type PoolV2, poolsOfV2, type SharedAnswer, spanPoints, splitPool } from '../combined/shares-v2.ts'
import { contributionParts, matchedTokens, sharePartsOf } from '../suffix/shares.ts'
import type { ExplainedEntry } from './explain-receipt.ts'
import type { Figure } from './figure.ts'

type Entries = readonly ExplainedEntry[]
/** A share by class and id. */
type Key = `${EntryLetter} ${bigint}`
type Right = { readonly weight: number; readonly formula: string }

/** Weights of S and U entries by algoHash v1, with the numbers that they are made of. docs/ATTRIBUTION.md §4. */
export function wordFiguresV1(
  entries: Entries,
  { tokens, spans, datanets }: Pick<SharedAnswer, 'tokens' | 'spans' | 'datanets'>,
): Figure[] {
  const pool = { weight: weightTotal, parts: sharePartsOf(tokens, spans, datanets) }
  const factors = factorsOf(contributionParts(spans), spans, datanets)
  return compared(entries, ['S', 'U'], new Map(rightOf(pool, factors)))
}

/** What the pool is cut into by algoHash v2. `isSketched`: influences were computed, and are not as the receipt states them. docs/ATTRIBUTION.md §7. */
export function poolFigures(entries: Entries, answer: SharedAnswer, isSketched: boolean): Figure[] {
  const { words, influences, citations } = poolsOfV2(answer)
  return [
    poolFigure(entries, ['S', 'U'], words, `${weightTotal} − ${influences.weight} − ${citations.weight}`),
    ...(isSketched ? [influencePool(entries, influences)] : []),
    poolFigure(entries, ['R'], citations, `${citations.parts.length} contributions are quoted`),
  ]
}

/** Each contributors' entry by algoHash v2, with the numbers that it is made of. docs/ATTRIBUTION.md §7. */
export function shareFigures(entries: Entries, answer: SharedAnswer, isSketched: boolean): Figure[] {
  const { words, influences, citations } = poolsOfV2(answer)
  const { points, earning } = spanPoints(answer)
  const right = new Map<Key, Right>([
    ...rightOf(words, factorsOf(points, earning, answer.datanets)),
    ...(isSketched ? rightOf(influences) : []),
    ...rightOf(citations),
  ])
  return compared(entries, isSketched ? ['S', 'G', 'R', 'U'] : ['S', 'R', 'U'], right)
}

/** Class G alone by algoHash v2. */
export function influenceFigures(entries: Entries, scores: readonly SketchScore[]): Figure[] {
  const { influences } = poolsOfV2({ tokens: 0, spans: [], leaders: [], citations: [], datanets: [], scores })
  return [influencePool(entries, influences), ...compared(entries, ['G'], new Map(rightOf(influences)))]
}

function influencePool(entries: Entries, pool: PoolV2): Figure {
  return poolFigure(entries, ['G'], pool, `${pool.parts.length} contributions influenced the answer`)
}

function poolFigure(entries: Entries, letters: readonly EntryLetter[], { weight }: PoolV2, formula: string): Figure {
  const own = entries.filter(({ class: kind }) => letters.some((letter) => entryClasses[letter] === kind))
  const onChain = own.reduce((sum, each) => sum + each.weight, 0n)
  return { name: `part of ${letters.join(' and ')}`, formula, recomputed: BigInt(weight), onChain }
}

/** m·P_c·N of each contribution: tokens that match, its points, tokens of the texts. */
function factorsOf(
  points: ReadonlyMap<bigint, bigint>,
  earning: SharedAnswer['spans'],
  datanets: SharedAnswer['datanets'],
): ReadonlyMap<bigint, string> {
  const all = datanets.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n)
  return new Map([...points].map(([id, point]) => [id, `(${matchedTokens(earning)}·${point}·${all})`]))
}

function rightOf(pool: PoolV2, factors?: ReadonlyMap<bigint, string>): (readonly [Key, Right])[] {
  const whole = pool.parts.reduce((sum, { part }) => sum + part, 0n)
  const weights = new Map(splitPool(pool).map(({ class: letter, id, weight }) => [`${letter} ${id}`, weight]))
  return pool.parts.map(({ class: letter, id, part }) => {
    const factor = (letter === 'S' ? factors?.get(id) : undefined) ?? String(part)
    const formula = `${pool.weight} · ${factor} / ${whole}, largest remainder`
    return [`${letter} ${id}`, { weight: weights.get(`${letter} ${id}`) ?? 0, formula }]
  })
}

/** Both ways: every entry of the classes there should be, and every one there is. */
function compared(entries: Entries, letters: readonly EntryLetter[], right: ReadonlyMap<Key, Right>): Figure[] {
  const stated = new Map<Key, bigint>()
  for (const { class: kind, id, weight } of entries) {
    const letter = letters.find((each) => entryClasses[each] === kind)
    if (letter !== undefined) stated.set(`${letter} ${id}`, weight)
  }
  return [...new Set([...right.keys(), ...stated.keys()])].flatMap((key) => {
    const { weight, formula } = right.get(key) ?? { weight: 0, formula: 'the rule, which gives it nothing' }
    const onChain = stated.get(key)
    // What comes out as 0 has no entry.
    if (weight === 0 && onChain === undefined) return []
    return [{ name: `weight of ${key}`, formula, recomputed: BigInt(weight), onChain }]
  })
}
