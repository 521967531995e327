import { attribute } from '../../attribution/suffix/attribute.ts'
import type { KeptSpan } from '../../attribution/suffix/kept-spans.ts'
import { contributionParts, matchedTokens } from '../../attribution/suffix/shares.ts'
import { chance } from '../train-base/document.ts'
import { readEntries, readSynsets } from '../train-base/wordnet.ts'
import type { Corpus } from './corpus.ts'
import { spanIndex } from './methods.ts'

/** What class S gives whose text an answer copies; over all contributed texts. */
export type CopyQuality = {
  /** In the middle of a held-out text, whose author's other texts are contributions too. */
  readonly planted: Planted
  /** The same answers, but of the spans that reach into the copy alone. */
  readonly plantedPassage: Planted
  /** In the middle of a text of which nobody contributed anything: a gloss of WordNet. */
  readonly plantedAlone: Planted
  /** Eight tokens of it. */
  readonly plantedAloneShort: Planted
  /** The same of the whole text with every fourth word, and every second word, in another's place; and the match rate. */
  readonly fourth: Paraphrase
  readonly second: Paraphrase
}
/** Part of the spans' weight that goes to whose text was copied, mean; share of answers where it is at least 0.9. */
type Planted = { readonly share: number; readonly atLeast90: number }
type Paraphrase = { readonly share: number; readonly matchRate: number; readonly wordsReplaced: number }

const copiedTokens = 24
const shortTokens = 8
const aroundTokens = 12
/** One in so many of WordNet's verbs stands around copies. */
const glossStep = 100

/** Copies planted in others' texts, and paraphrases by WordNet's synonyms: words of one set for each other, no more. */
export function copies(corpus: Corpus): CopyQuality {
  return { ...plantedCopies(corpus), ...paraphrases(corpus) }
}

/** Copies planted in held-out texts and in nobody's. */
export function plantedCopies(corpus: Corpus) {
  const index = spanIndex(corpus)
  const heldOut = corpus.queries.map(({ tokens }) => tokens)
  const glosses = glossTokens(corpus)
  const planted = (texts: readonly (readonly number[])[], copied: number, reach: 'all' | 'copy'): Planted => {
    const shares = corpus.examples.map(({ tokens }, k) => {
      const around = texts[k % texts.length] ?? []
      const answer = [
        ...around.slice(0, aroundTokens),
        ...tokens.slice(1, 1 + copied),
        ...around.slice(aroundTokens, 2 * aroundTokens),
      ]
      const { spans } = attribute([index], answer)
      const end = aroundTokens + copied
      const reaches = ({ start, length }: KeptSpan) => start < end && start + length > aroundTokens
      return ownShare(corpus, reach === 'all' ? spans : spans.filter(reaches), k)
    })
    return { share: mean(shares), atLeast90: shares.filter((share) => share >= 0.9).length / shares.length }
  }
  return {
    planted: planted(heldOut, copiedTokens, 'all'),
    plantedPassage: planted(heldOut, copiedTokens, 'copy'),
    plantedAlone: planted(glosses, copiedTokens, 'all'),
    plantedAloneShort: planted(glosses, shortTokens, 'all'),
  }
}

function paraphrases(corpus: Corpus) {
  const { examples, tokenizer, model } = corpus
  const index = spanIndex(corpus)
  const synonyms = synonymsByWord()
  const paraphrase = (every: number): Paraphrase => {
    const found = examples.map(({ tokens }, k) => {
      const text = new TextDecoder().decode(tokenizer.decode(tokens.filter((token) => token !== model.config.eos)))
      const other = reword(text, every, synonyms)
      const answer = tokenizer.encode(other.text)
      const { spans } = attribute([index], answer)
      const matchRate = matchedTokens(spans) / answer.length
      return { share: ownShare(corpus, spans, k), matchRate, wordsReplaced: other.share }
    })
    return {
      share: mean(found.map(({ share }) => share)),
      matchRate: mean(found.map(({ matchRate }) => matchRate)),
      wordsReplaced: mean(found.map(({ wordsReplaced }) => wordsReplaced)),
    }
  }
  return { fourth: paraphrase(4), second: paraphrase(2) }
}

/** Part of the spans' weight that goes to the contributor of example k; example k is contribution k + 1. */
function ownShare({ examples }: Corpus, spans: readonly KeptSpan[], k: number): number {
  const parts = contributionParts(spans)
  const sum = (list: Iterable<bigint>) => [...list].reduce((total, part) => total + part, 0n)
  const whole = sum(parts.values())
  const own = [...parts].filter(([id]) => examples[Number(id) - 1]?.contribution === examples[k]?.contribution)
  return whole === 0n ? 0 : Number(sum(own.map(([, part]) => part))) / Number(whole)
}

function glossTokens({ tokenizer }: Corpus): number[][] {
  return [...readSynsets(['verb']).values()]
    .filter((_, i) => i % glossStep === 0)
    .map(({ gloss }) => tokenizer.encode(gloss))
    .filter(({ length }) => length >= 2 * aroundTokens)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Every `every`-th word that has a synonym in its place. */
function reword(text: string, every: number, synonyms: ReadonlyMap<string, readonly string[]>) {
  let [seen, replaced, words] = [0, 0, 0]
  const out = text.replaceAll(/[A-Za-z]+/g, (word) => {
    words++
    const others = synonyms.get(word.toLowerCase())
    if (others === undefined || seen++ % every !== 0) return word
    replaced++
    return others[chance('synonym', word, seen) % others.length] as string
  })
  return { text: out, share: words === 0 ? 0 : replaced / words }
}

function synonymsByWord(): Map<string, readonly string[]> {
  const synsets = readSynsets()
  const list = (['noun', 'verb', 'adj', 'adv'] as const).flatMap((kind) => readEntries(synsets, kind))
  return new Map(
    list.flatMap(({ word, synset }): [string, readonly string[]][] => {
      const others = synset.words.filter((other) => other.toLowerCase() !== word.toLowerCase())
      return others.length === 0 ? [] : [[word.toLowerCase(), others]]
    }),
  )
}
