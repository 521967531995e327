import { choose, type Turn } from './document.ts'
import { type Entry, key, readEntries, type Synset } from './wordnet.ts'

/** Words asked about in several ways, because people ask about them; the others once or not at all. */
const common = { noun: 3000, verb: 1000, adj: 1500, adv: 300 } as const
const rareNouns = 8_000

/** Questions about English words, all answers from WordNet. */
export function wordQuestions(synsets: ReadonlyMap<string, Synset>): Turn[] {
  const nouns = readEntries(synsets, 'noun').filter(({ synset }) => synset.meaning.length > 3)
  const often = nouns.slice(0, common.noun)
  const rare = nouns
    .slice(common.noun)
    .filter(({ word }) => choose(['yes', 'no', 'no'], 'rare', word) === 'yes')
    .slice(0, rareNouns)
  return [
    ...often.flatMap((entry) => [...definitions(entry, 5), ...kindsOf(entry, often, synsets), ...synonyms(entry)]),
    ...rare.flatMap((entry) => definitions(entry, 1)),
    ...(['verb', 'adj', 'adv'] as const).flatMap((kind) =>
      readEntries(synsets, kind)
        .slice(0, common[kind])
        .flatMap((entry) => [...meanings(entry), ...opposites(entry, synsets), ...synonyms(entry)]),
    ),
  ]
}

function definitions({ word, synset }: Entry, count: number): Turn[] {
  const person = synset.pointers.some(({ symbol }) => symbol === '@i') && /\((\d|born)/.test(synset.gloss)
  const named = nameOf(word, synset)
  const asked = person
    ? [`Who was ${word}?`, `Tell me about ${word}.`, `Who is ${word}?`]
    : [
        `What is ${named}?`,
        `What is ${named}?`,
        `Define ${word}.`,
        `What does ${word} mean?`,
        `Explain what ${named} is.`,
        `Tell me what ${named} is.`,
      ]
  const answer = sentence(`${named} ${person ? 'was' : 'is'} ${person ? article(synset.meaning) : synset.meaning}`)
  return Array.from({ length: count }, (_, i) => ({ question: choose(asked, 'define', word, i), answer }))
}

function kindsOf(entry: Entry, others: readonly Entry[], synsets: ReadonlyMap<string, Synset>): Turn[] {
  const chain = hypernyms(entry.synset, synsets)
  const [near] = chain
  if (near === undefined) return []
  const { word } = entry
  const name = nameOf(word, entry.synset)
  const far = choose(chain.slice(0, 4), 'far', word)
  const other = choose(others, 'other', word)
  const wrong = other.synset.words[0] ?? ''
  const isWrong = !chain.includes(wrong) && !entry.synset.words.includes(wrong)
  return [
    {
      question: choose([`What kind of thing is ${name}?`, `What is ${name} a kind of?`], 'kind', word),
      answer: sentence(`${name} is a kind of ${near}`),
    },
    {
      question: `Is ${name} a kind of ${far}?`,
      answer: `Yes. ${sentence(`${name} is a kind of ${far}`)}`,
    },
    ...(isWrong
      ? [{ question: `Is ${name} a kind of ${wrong}?`, answer: `No. ${sentence(`${name} is a kind of ${near}`)}` }]
      : []),
  ]
}

function meanings({ word, synset }: Entry): Turn[] {
  const { kind, meaning } = synset
  if (meaning.length < 4) return []
  const questions = {
    noun: [],
    verb: [`What does it mean to ${word}?`, `What does ${word} mean?`, `Define the verb ${word}.`],
    adj: [`What does ${word} mean?`, `What does it mean to be ${word}?`, `Define ${word}.`],
    adv: [`What does ${word} mean?`, `Define ${word}.`],
  }[kind]
  const answer = sentence(kind === 'verb' ? `To ${word} is to ${meaning}` : `${word} means ${meaning}`)
  return [0, 1].map((i) => ({ question: choose(questions, 'meaning', word, i), answer }))
}

function opposites({ word, synset }: Entry, synsets: ReadonlyMap<string, Synset>): Turn[] {
  const from = synset.words.indexOf(word) + 1
  const pointer = synset.pointers.find((item) => item.symbol === '!' && item.from === from)
  const other = pointer && synsets.get(key(pointer.kind, pointer.offset))?.words[pointer.to - 1]
  if (other === undefined) return []
  const answer = `The opposite of ${word} is ${other}.`
  return [`What is the opposite of ${word}?`, `Give me an antonym of ${word}.`].map((question) => ({
    question,
    answer,
  }))
}

function synonyms({ word, synset }: Entry): Turn[] {
  const others = synset.words.filter((item) => item !== word)
  if (others.length === 0) return []
  const [first = ''] = others
  return [
    choose(
      [
        { question: `What is another word for ${word}?`, answer: `Another word for ${word} is ${first}.` },
        { question: `Give me a synonym of ${word}.`, answer: `A synonym of ${word} is ${first}.` },
        { question: `List synonyms of ${word}.`, answer: sentence(others.slice(0, 4).join(', ')) },
      ],
      'synonym',
      word,
    ),
  ]
}

/** First words of what the synset is a kind of, nearest first. */
function hypernyms(synset: Synset, synsets: ReadonlyMap<string, Synset>): string[] {
  const chain: string[] = []
  for (let at: Synset | undefined = synset; at !== undefined && chain.length < 8; ) {
    const up: Synset['pointers'][number] | undefined = at.pointers.find(({ symbol }) => symbol.startsWith('@'))
    at = up && synsets.get(key(up.kind, up.offset))
    const [word] = at?.words ?? []
    if (word !== undefined) chain.push(word)
  }
  return chain
}

/** With an article where the meaning has one too: a mass noun's begins without. */
function nameOf(word: string, { meaning }: Synset): string {
  const counted = /^(an?|any|one|someone|somebody|something) /.test(meaning) && /^[a-z]/.test(word)
  return counted ? article(word) : word
}

function article(words: string): string {
  if (/^(an?|the|one|any) /.test(words)) return words
  return `${/^[aeiou]/i.test(words) ? 'an' : 'a'} ${words}`
}

export function sentence(words: string): string {
  const text = `${words.charAt(0).toUpperCase()}${words.slice(1)}`
  return /[.!?]$/.test(text) ? text : `${text}.`
}
