import { type EntryLetter, entryLetters } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { attribute, indexSet } from '../suffix/attribute.ts'
import type { KeptSpan } from '../suffix/kept-spans.ts'
import type { Share } from '../suffix/shares.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { separator } from '../suffix/suffix-sort.ts'
import type { ExplainedEntry } from './explain-receipt.ts'
import type { Figure } from './figure.ts'

/** Bytes of a token; of one that stands for none, no bytes. */
export type TokenBytes = (token: number) => Uint8Array

/** A part of a text: bytes and UTF-16 code units from … to − 1. */
export type TextRange = { readonly bytes: readonly [number, number]; readonly characters: readonly [number, number] }

export type ExplainedSpan = {
  /** Tokens of the answer. */
  readonly start: number
  readonly length: number
  /** In 1/256 bit. */
  readonly weight: number
  /** Undefined where the tokenizer is not at hand. */
  readonly text: (TextRange & { readonly words: string }) | undefined
  readonly places: readonly {
    readonly index: Hex
    readonly contribId: bigint
    readonly position: number
    /** In the contribution's content. */
    readonly range: TextRange | undefined
  }[]
}

export type SpansExplanation = {
  /** Tokens in a kept span, of `tokens` looked at. */
  readonly matched: number
  readonly tokens: number
  readonly spans: readonly ExplainedSpan[]
  /** Weights of S and U entries by algoHash v1 beside the receipt's. */
  readonly figures: readonly Figure[]
  /** Entries whose evidence is another than that of the answer. */
  readonly otherEvidence: readonly number[]
}

/**
 * What words of an answer came from where, and what weights follow. `isDead`: an index of the set was dead when the batch was
 * committed. docs/ATTRIBUTION.md §3 to §5. Throws SuffixError for a set that is none.
 */
export function explainSpans(
  indexes: readonly SuffixIndex[],
  output: Uint32Array,
  entries: readonly ExplainedEntry[],
  { isDead = false, tokenBytes }: { readonly isDead?: boolean; readonly tokenBytes?: TokenBytes | undefined } = {},
): SpansExplanation {
  const set = indexSet(indexes)
  const { spans, matched, tokens, shares, evidenceHash } = attribute(set, isDead ? [] : output)
  return {
    ...{ matched, tokens },
    spans: spans.map((span) => explainSpan(set, output, span, tokenBytes)),
    figures: weightFigures(entries, shares),
    otherEvidence: entries.flatMap((entry, k) => (isOfSpans(entry) && entry.evidenceHash !== evidenceHash ? [k] : [])),
  }
}

function explainSpan(
  set: readonly SuffixIndex[],
  output: Uint32Array,
  { start, length, weight, places }: KeptSpan,
  tokenBytes: TokenBytes | undefined,
): ExplainedSpan {
  return {
    ...{ start, length, weight },
    text: tokenBytes && textOf(output, start, length, tokenBytes),
    places: places.map(({ index, position, contribId }) => {
      const { id, tables } = set[index] as SuffixIndex
      const begin = tables.starts[(set[index] as SuffixIndex).documentAt(position)] as number
      const tokens = Uint32Array.from({ length: position + length - begin }, (_, i) => tables.tokens.at(begin + i))
      const range = tokenBytes && rangeOf(tokens, position - begin, length, tokenBytes)
      return { index: id, contribId, position, range }
    }),
  }
}

function textOf(tokens: Uint32Array, start: number, length: number, tokenBytes: TokenBytes) {
  const words = new TextDecoder().decode(joined(tokens.subarray(start, start + length), tokenBytes))
  return { ...rangeOf(tokens, start, length, tokenBytes), words }
}

function rangeOf(tokens: Uint32Array, start: number, length: number, tokenBytes: TokenBytes): TextRange {
  const before = joined(tokens.subarray(0, start), tokenBytes)
  const through = joined(tokens.subarray(0, start + length), tokenBytes)
  return {
    bytes: [before.length, through.length],
    characters: [characters(before), characters(through)],
  }
}

/** UTF-16 code units of what the bytes decode to; a character that is not whole yet does not count. */
function characters(bytes: Uint8Array): number {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true }).length
}

function joined(tokens: Uint32Array, tokenBytes: TokenBytes): Uint8Array {
  return new Uint8Array(
    Buffer.concat(Array.from(tokens, (token) => (token === separator ? noBytes : tokenBytes(token)))),
  )
}

/** Both ways: every S and U entry there should be, and every one there is. */
function weightFigures(entries: readonly ExplainedEntry[], shares: readonly Share[]): Figure[] {
  const stated = new Map(entries.filter(isOfSpans).map((entry) => [keyOf(letterOf(entry), entry.id), entry.weight]))
  const right = new Map(shares.map(({ class: letter, id, weight }) => [keyOf(letter, id), BigInt(weight)]))
  return [...new Set([...right.keys(), ...stated.keys()])].map((key) => ({
    name: `weight of ${key}`,
    formula: key.startsWith('S')
      ? '1,000,000 · m·P_c·N, largest remainder'
      : '1,000,000 · ((L − m)·P + m·R)·N_d, largest remainder',
    recomputed: right.get(key) ?? 0n,
    onChain: stated.get(key),
  }))
}

const keyOf = (letter: string, id: bigint) => `${letter} ${id}`
const isOfSpans = (entry: ExplainedEntry) => ['S', 'U'].includes(letterOf(entry))
const letterOf = (entry: ExplainedEntry): EntryLetter => entryLetters[entry.class] ?? 'U'
const noBytes = new Uint8Array(0)
