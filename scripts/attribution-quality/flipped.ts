import { chatTemplate, inputTokens } from '../../inference/answer/template.ts'
import type { ContributedExample } from '../../worker/trainer/training-texts.ts'
import { chance, shuffled } from '../train-base/document.ts'
import { bos, eos } from '../train-base/encode.ts'
import { glossText } from '../train-base/held-out.ts'
import { datanetTexts, nodeDocs } from '../train-base/packaged-texts.ts'
import { readSynsets } from '../train-base/wordnet.ts'
import { type Corpus, length } from './corpus.ts'

const labels = ['law', 'word', 'code', 'node'] as const
const trainEach = 30
const askedEach = 8
const charsMin = 60
const charsMax = 130
/** One label in five is wrong. */
const flippedOneIn = 5

export type Labelled = {
  readonly examples: readonly ContributedExample[]
  /** Places of the examples whose label is wrong. */
  readonly flipped: readonly number[]
  readonly queries: readonly ContributedExample[]
}

type Item = { readonly text: string; readonly label: string }

/** Openings of texts of four kinds with a label each; of those to train on every fifth has another's. */
export function readLabelled({ tokenizer }: Pick<Corpus, 'tokenizer'>): Labelled {
  const chosen = textsByLabel().map((texts, l) => {
    const cut = texts.filter((text) => text.length >= charsMin).map((text) => text.slice(0, charsMax))
    const items = shuffled([...new Set(cut)], 'labels', (text) => text).slice(0, trainEach + askedEach)
    return items.map((text): Item => ({ text, label: labels[l] as string }))
  })
  const example = ({ text, label }: Item, i: number): ContributedExample => {
    const question = [{ role: 'user', text }]
    const special = () => undefined
    const input = inputTokens(chatTemplate, { encode: (part) => tokenizer.encode(part), special }, bos, question)
    const answer = [...tokenizer.encode(label), eos]
    const kept = input.slice(0, length + 1 - answer.length - 1)
    // However long the text is, what stands before an answer stands.
    const asked = kept.length < input.length ? [...kept, ...input.slice(-1)] : input
    return { tokens: [...asked, ...answer], from: asked.length, contribution: BigInt(i) }
  }
  const train = shuffled(
    chosen.flatMap((list) => list.slice(0, trainEach)),
    'order',
    ({ text }) => text,
  )
  const flipped = train.flatMap((_, i) => (i % flippedOneIn === 0 ? [i] : []))
  const learnt = train.map((item, i) => (flipped.includes(i) ? { ...item, label: otherLabel(item.label, i) } : item))
  const queries = chosen.flatMap((list) => list.slice(trainEach))
  return { examples: learnt.map(example), flipped, queries: queries.map(example) }
}

function textsByLabel(): string[][] {
  const packaged = datanetTexts()
  const isCode = ({ source }: { readonly source: string }) => source.includes('openzeppelin')
  return [
    packaged.filter((one) => !isCode(one)).map(({ text }) => text),
    [...readSynsets().values()].map((synset) => (glossText(synset) as { readonly text: string }).text),
    packaged.filter(isCode).map(({ text }) => text),
    nodeDocs().map(({ text }) => text),
  ]
}

function otherLabel(label: string, i: number): string {
  const wrong = labels.filter((one) => one !== label)
  return wrong[chance('label', i) % wrong.length] as string
}
