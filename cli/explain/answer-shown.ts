import type { ExplainedPlace } from '../../attribution/explain/explain-spans.ts'
import { type Figure, isEqual } from '../../attribution/explain/figure.ts'
import type { TextPart } from '../../attribution/explain/token-text.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import type { Words } from './words.ts'

export function figureShown(figure: Figure) {
  const { name, formula, recomputed, onChain } = figure
  return isEqual(figure)
    ? { name, value: recomputed, formula }
    : { name, value: recomputed, formula, onChain: onChain ?? 'not there' }
}

/** `ids`: contributions whose words are shown; undefined: all. */
export function wordsShown(words: Words, ids: ReadonlySet<bigint> | undefined): object | string {
  if (words.kind === 'none') return words.why
  const { rule, matched, tokens, spans, copies, citations, figures, isPrivate, missing } = words.answer
  const own = spans
    .map((span) => ({ ...span, places: span.places.filter(({ contribId }) => ids?.has(contribId) ?? true) }))
    .filter(({ places }) => places.length > 0)
  return {
    rule: `algoHash v${rule}`,
    ...(isPrivate && { private: 'its tokens are sealed between payer and worker: all goes to units' }),
    matched: `${matched} of ${tokens} tokens`,
    weights: figures.map(figureShown),
    spans: own.map(({ start, length, weight, text, places, earners }) => ({
      tokens: `${start}–${start + length}`,
      bits: (weight / 256).toFixed(2),
      ...(text && textShown(text)),
      from: places.map(placeShown),
      ...(rule === 2 && { earners: earners.length === 0 ? 'nobody: common speech' : earners }),
    })),
    ...(copies.length > 0 && { copies: copies.map(({ contribId, of }) => ({ contribution: contribId, of })) }),
    ...(citations.length > 0 && {
      quoted: citations.map(({ rank, start, length, text, place }) => ({
        ...{ rank, promptTokens: `${start}–${start + length}` },
        ...(text && textShown(text)),
        from: placeShown(place),
      })),
    }),
    ...(words.answer.influences && { influences: influencesShown(words.answer.influences) }),
    ...(missing.length > 0 && { missing: missing.map((each) => `INCOMPLETE: ${each}`) }),
  }
}

type Influences = NonNullable<Extract<Words, { kind: 'shown' }>['answer']['influences']>

function influencesShown({ table, adapter, model, size, rows, query, scores }: Influences) {
  const bytes = query && new Uint8Array(query)
  return {
    ...{ table, adapter, model, size, rows },
    ...(bytes && {
      queryHash: keccakHex(bytes),
      query: new LongBytes(bytes),
      scores: scores.map(({ row, contribId, shift, score }) => ({ row, contribution: contribId, shift, score })),
    }),
  }
}

/** Bytes that are shown by their first ones; in JSON all of them. */
class LongBytes {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  toString(): string {
    const isLong = this.bytes.length > shownBytes
    return `${bytesToHex(this.bytes.subarray(0, shownBytes))}${isLong ? `… (${this.bytes.length} bytes, all with --json)` : ''}`
  }

  toJSON(): string {
    return bytesToHex(this.bytes)
  }
}

const shownBytes = 32

function placeShown({ contribId, index, position, range }: ExplainedPlace) {
  return { contribution: contribId, index, position, ...(range && rangeShown(range)) }
}

function textShown({ words, ...range }: TextPart) {
  return { words, ...rangeShown(range) }
}

function rangeShown({ characters, bytes }: Pick<TextPart, 'characters' | 'bytes'>) {
  return { characters: `${characters[0]}–${characters[1]}`, bytes: `${bytes[0]}–${bytes[1]}` }
}
