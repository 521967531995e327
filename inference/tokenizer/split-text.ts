import { type CodePoints, codePointsOf } from './code-points.ts'
import { blank, letter, number, other } from './unicode-classes.ts'

/**
 * How text is cut into the pieces that merges never cross; docs/canonical-inference.md §10 has each as a regular expression.
 * `gpt2`: GPT-2. `smollm`: the same between digits that stand alone (StarCoder, SmolLM). `llama3`: Llama 3.
 */
export const splitRules = ['gpt2', 'smollm', 'llama3'] as const
export type SplitRule = (typeof splitRules)[number]

export function splitText(bytes: Uint8Array, rule: SplitRule): Uint8Array[] {
  const text = codePointsOf(bytes)
  const out: Uint8Array[] = []
  for (let at = 0; at < text.count; ) {
    const end = pieceEnd[rule](text, at)
    out.push(bytes.subarray(text.starts[at], text.starts[end]))
    at = end
  }
  return out
}

/** Index of the code point behind the piece that begins at one. */
type PieceEnd = (text: CodePoints, at: number) => number

const [lineFeed, carriageReturn, space, apostrophe, longS] = [0x0a, 0x0d, 0x20, 0x27, 0x17f]

const pieceEnd: Readonly<Record<SplitRule, PieceEnd>> = {
  gpt2: (text, at) => gpt2PieceEnd(text, at, false),
  smollm: (text, at) => (text.classes[at] === number ? at + 1 : gpt2PieceEnd(text, at, true)),
  llama3: llama3PieceEnd,
}

/** `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`; to `beforeDigit`, text ends where a number is. */
function gpt2PieceEnd(text: CodePoints, at: number, beforeDigit: boolean): number {
  const { classes, values, count } = text
  const ends = (place: number) => place >= count || (beforeDigit && classes[place] === number)
  const contraction = contractionEnd(text, at, (value) => value)
  if (contraction > at) return contraction
  const first = values[at] === space && !ends(at + 1) && classes[at + 1] !== blank ? at + 1 : at
  const kind = classes[first] as number
  const last = runEnd(text, first, count, kind)
  return kind === blank ? withoutLast(at, last, ends(last)) : last
}

/**
 * `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`, where
 * the long s is an s.
 */
function llama3PieceEnd(text: CodePoints, at: number): number {
  const { count: end, classes, values } = text
  const contraction = contractionEnd(text, at, lowerCase)
  if (contraction > at) return contraction
  const kind = classes[at]
  if (kind === letter) return runEnd(text, at, end, letter)
  if (kind === number) return runEnd(text, at, Math.min(end, at + 3), number)
  if (!isLineEnd(values[at]) && at + 1 < end && classes[at + 1] === letter) return runEnd(text, at + 1, end, letter)
  const first = values[at] === space && at + 1 < end && classes[at + 1] === other ? at + 1 : at
  if (classes[first] === other) {
    let last = runEnd(text, first, end, other)
    while (last < end && isLineEnd(values[last])) last++
    return last
  }
  const run = runEnd(text, at, end, blank)
  for (let last = run; last > at; last--) if (isLineEnd(values[last - 1])) return last
  return withoutLast(at, run, run === end)
}

/** `\s+(?!\S)|\s+`: a run of blanks, without its last where something follows. */
function withoutLast(at: number, last: number, textEnds: boolean): number {
  return !textEnds && last - at > 1 ? last - 1 : last
}

function runEnd({ classes }: CodePoints, at: number, end: number, kind: number): number {
  let last = at
  while (last < end && classes[last] === kind) last++
  return last
}

const contractions = ['s', 't', 're', 've', 'm', 'll', 'd'].map((text) => Array.from(text, (c) => c.charCodeAt(0)))

/** `at` where there is no contraction. */
function contractionEnd({ values, count }: CodePoints, at: number, fold: (value: number) => number): number {
  if (values[at] !== apostrophe) return at
  for (const letters of contractions) {
    const last = at + 1 + letters.length
    if (last <= count && letters.every((value, i) => fold(values[at + 1 + i] ?? 0) === value)) return last
  }
  return at
}

function lowerCase(value: number): number {
  if (value === longS) return 0x73
  return value >= 0x41 && value <= 0x5a ? value + 32 : value
}

function isLineEnd(value: number | undefined): boolean {
  return value === lineFeed || value === carriageReturn
}
