import { attribute } from '../../attribution/suffix/attribute.ts'
import { contributionParts, matchedTokens } from '../../attribution/suffix/shares.ts'
import { chance } from '../train-base/document.ts'
import { readEntries, readSynsets } from '../train-base/wordnet.ts'
import type { Corpus } from './corpus.ts'
import { spanIndex } from './methods.ts'

/** What class S gives whose text an answer copies; means over all contributed texts. */
export type CopyQuality = {
  /** Part of the spans' weight that goes to whose text was copied, in the middle of another's words. */
  readonly planted: number
  /** Share of such answers where it is at least 0.9. */
  readonly plantedAtLeast90: number
  /** The same of the whole text with every fourth word, and every second word, in another's place; and the match rate. */
  readonly fourth: Paraphrase
  readonly second: Paraphrase
}
type Paraphrase = { readonly share: number; readonly matchRate: number; readonly wordsReplaced: number }

const copiedTokens = 24
const aroundTokens = 12

/** Copies planted in held-out texts, and paraphrases by WordNet's synonyms: words of one set for each other, no more. */
export function copies(corpus: Corpus): CopyQuality {
  const { examples, queries, tokenizer, model } = corpus
  const index = spanIndex(corpus)
  const measure = (tokens: readonly number[], k: number) => {
    const { spans } = attribute([index], tokens)
    const parts = contributionParts(spans)
    const whole = [...parts.values()].reduce((sum, part) => sum + part, 0n)
    const own = [...parts].filter(([id]) => examples[Number(id) - 1]?.contribution === examples[k]?.contribution)
    const share = whole === 0n ? 0 : Number(own.reduce((sum, [, part]) => sum + part, 0n)) / Number(whole)
    return { share, matchRate: matchedTokens(spans) / tokens.length }
  }
  const planted = examples.map(({ tokens }, k) => {
    const around = queries[k % queries.length]?.tokens ?? []
    const copied = tokens.slice(1, 1 + copiedTokens)
    return measure([...around.slice(0, aroundTokens), ...copied, ...around.slice(aroundTokens, 2 * aroundTokens)], k)
      .share
  })
  const synonyms = synonymsByWord()
  const paraphrase = (every: number): Paraphrase => {
    const found = examples.map(({ tokens }, k) => {
      const text = new TextDecoder().decode(tokenizer.decode(tokens.filter((token) => token !== model.config.eos)))
      const other = reword(text, every, synonyms)
      return { ...measure(tokenizer.encode(other.text), k), wordsReplaced: other.share }
    })
    const mean = (pick: (one: Paraphrase) => number) => found.reduce((sum, one) => sum + pick(one), 0) / found.length
    return {
      share: mean(({ share }) => share),
      matchRate: mean(({ matchRate }) => matchRate),
      wordsReplaced: mean(({ wordsReplaced }) => wordsReplaced),
    }
  }
  return {
    planted: planted.reduce((sum, share) => sum + share, 0) / planted.length,
    plantedAtLeast90: planted.filter((share) => share >= 0.9).length / planted.length,
    fourth: paraphrase(4),
    second: paraphrase(2),
  }
}

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
