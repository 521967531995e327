import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seedDatanets } from '../../cli/dev/seed-sources.ts'

export type PackagedText = { readonly source: string; readonly text: string }

type LockedPackage = {
  readonly version?: string
  readonly license?: string
  readonly optional?: boolean
  readonly os?: readonly string[]
}

const modules = join(import.meta.dirname, '../../node_modules')
/** Licences that let weights learnt from the texts be given away. */
const licences = new Set(['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'CC0-1.0', 'MIT-0'])
const readmeNames = /^readme(\.md|\.markdown)?$/i
/** Paragraphs of at least this length are taken once, wherever else they stand. */
const paragraphCharsMin = 60
/** The list's licences repeat each other; of each, the opening part is enough to know its style. */
const licenceCharsMax = 6_000

/** Of the development network's; others came later or repeat what is learnt elsewhere. */
const learntDatanets = new Set(['Open licences', 'Solidity NatSpec'])

/** The texts of the development network's Datanets that the base model learnt, by their Datanet. */
export function datanetTexts(): PackagedText[] {
  return seedDatanets()
    .filter(({ name }) => learntDatanets.has(name))
    .flatMap(({ texts }) => texts)
    .map(({ source, text }) => ({ source, text: text.slice(0, licenceCharsMax) }))
}

/** READMEs of the locked packages with a licence of the list. */
export function readmes(): PackagedText[] {
  return lockedPackages().flatMap(([path, { version }]) =>
    readdirSync(join(modules, '..', path))
      .filter((file) => readmeNames.test(file))
      .sort()
      .map((file) => ({
        source: `${path.replace('node_modules/', '')}@${version}/${file}`,
        text: plain(readFileSync(join(modules, '..', path, file), 'utf8')),
      })),
  )
}

/** Documentation comments of Node's type declarations. */
export function nodeDocs(): PackagedText[] {
  const folder = join(modules, '@types/node')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.d.ts') && !file.startsWith('node_modules'))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/\/\*\*([\s\S]*?)\*\//g)].map((match, i) => ({
        source: `@types/node/${file}#${i}`,
        text: (match[1] ?? '').replaceAll(/^[ \t]*\* ?/gm, '').trim(),
      })),
    )
}

/** Without paragraphs that stood before, and without texts of which nothing is left. */
export function withoutRepeats(texts: readonly PackagedText[]): PackagedText[] {
  const seen = new Set<string>()
  return texts.flatMap(({ source, text }) => {
    const kept = text.split(/\n{2,}/).filter((paragraph) => {
      const name = paragraph.replaceAll(/[\s\d]+/g, ' ').trim()
      if (name.length < paragraphCharsMin) return true
      if (seen.has(name)) return false
      seen.add(name)
      return true
    })
    const left = kept.join('\n\n').trim()
    return left.length < paragraphCharsMin ? [] : [{ source, text: left }]
  })
}

function lockedPackages(): [string, LockedPackage][] {
  const lock = JSON.parse(readFileSync(join(modules, '../package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>
  }
  return Object.entries(lock.packages)
    .filter(([path, { license, optional, os }]) => {
      const everywhere = optional !== true && os === undefined
      return path.startsWith('node_modules/') && everywhere && licences.has(license ?? '')
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Without badges, pictures, addresses of links and HTML tags. */
function plain(markdown: string): string {
  return markdown
    .replaceAll('\r', '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/^\[[^\]]+\]:.*$/gm, '')
    .replaceAll(/<\/?[a-z][^>\n]*>/gi, '')
    .replaceAll(/^.{400,}$/gm, '')
    .replaceAll(/[ \t]+$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}
