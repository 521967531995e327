import { buildIndex, type IndexSubject } from '../../attribution/suffix/build-index.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { separator } from '../../attribution/suffix/suffix-sort.ts'
import { joinDocuments, type Text } from '../../attribution/suffix/text.ts'
import type { Random } from './random.ts'

/** Documents as lists of tokens; contributions count from `firstId`. */
export function textOf(documents: readonly (readonly number[])[], vocab: number, firstId = 1): Text {
  return joinDocuments(
    documents.map((tokens, i) => ({ contribId: BigInt(firstId + i), tokens })),
    vocab,
  )
}

export function subjectOf(vocab: number, datanet = 1n): IndexSubject {
  return { datanet, version: 1, tokenizerHash: `0x${'7e'.repeat(32)}`, tokenLengths: new Uint32Array(vocab).fill(2) }
}

export function indexOfDocuments(documents: readonly (readonly number[])[], vocab: number, datanet = 1n): SuffixIndex {
  // Contributions of different Datanets have different ids.
  return buildIndex(textOf(documents, vocab, Number(datanet) * 1000), subjectOf(vocab, datanet))
}

const repeated = (tokens: readonly number[], length: number) =>
  Array.from({ length }, (_, i) => tokens[i % tokens.length] ?? 0)

function fibonacci(length: number): number[] {
  let [a, b] = [[0], [0, 1]]
  while (b.length < length) [a, b] = [b, [...b, ...a]]
  return b.slice(0, length)
}

/** Corpora that are hard to sort or search, by name; two tokens of vocabulary. */
export const hardTexts: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'one token repeated': [repeated([0], 300)],
  'one token repeated in two documents, one of them 64 long': [repeated([1], 64), repeated([1], 200)],
  'a Fibonacci word': [fibonacci(377)],
  'a period of 65': [repeated([...repeated([0], 64), 1], 400)],
  'empty documents around one token': [[], [], [1], []],
  'the same document ten times': Array.from({ length: 10 }, () => fibonacci(80)),
  'documents that begin with each other': [[0], [0, 0], [0, 0, 0], [0, 0]],
}

export function randomDocuments(random: Random, vocab: number): number[][] {
  const documents = random.list(1 + random.int(5), () => random.list(random.int(150), () => random.int(vocab)))
  return documents.every(({ length }) => length === 0) ? [[0], ...documents] : documents
}

/** An answer stitched from pieces of documents and tokens of its own, some outside the vocabulary. */
export function stitchedAnswer(random: Random, documents: readonly (readonly number[])[], vocab: number): number[] {
  const answer: number[] = []
  while (answer.length < 110) {
    const document = random.pick(documents)
    const start = random.int(document.length + 1)
    answer.push(...document.slice(start, start + random.int(90)))
    if (random.chance(0.4)) answer.push(random.pick([random.int(vocab), vocab, separator]))
  }
  return answer
}

/** All positions in suffix order, by comparing keys token by token. */
export function sortedByHand(tokens: Uint32Array): number[] {
  const keys = Array.from(tokens, (_, p) => {
    const end = tokens.indexOf(separator, p)
    return tokens.subarray(p, Math.min(end, p + 64))
  })
  const compare = (a: number, b: number): number => {
    const [x, y] = [keys[a] as Uint32Array, keys[b] as Uint32Array]
    const differs = x.findIndex((token, i) => token !== y[i])
    if (differs < 0) return x.length - y.length || a - b
    return differs >= y.length ? 1 : (x[differs] as number) - (y[differs] as number)
  }
  return keys.map((_, p) => p).sort(compare)
}

type FoundPlace = readonly [index: number, position: number]

/** All maximal spans of an answer, looked for at every position: `[start, length, places]`. */
export function spansByHand(
  texts: readonly Uint32Array[],
  answer: readonly number[],
): [number, number, readonly FoundPlace[]][] {
  const all = texts.flatMap((text, i) => Array.from(text, (_, p): FoundPlace => [i, p]))
  const spans: [number, number, readonly FoundPlace[]][] = []
  for (let start = 0; start < answer.length; start++) {
    const stands = ([i, p]: FoundPlace, at: number) =>
      answer[at] !== undefined && answer[at] !== separator && texts[i]?.[p + at - start] === answer[at]
    let [end, places] = [start, all]
    for (let longer = all; ; end++) {
      longer = places.filter((place) => stands(place, end))
      if (longer.length === 0) break
      places = longer
    }
    const extendsLeft = places.some((place) => stands(place, start - 1))
    if (end > start && !extendsLeft) spans.push([start, end - start, places])
  }
  return spans
}
