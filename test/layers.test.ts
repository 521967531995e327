import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** Who may import whom. A folder that is not listed may not hold code. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  common: [],
  protocol: [],
  contracts: [],
  'precompiles-sim': ['protocol', 'common'],
  inference: ['protocol', 'common'],
  attribution: ['protocol', 'common', 'contracts', 'precompiles-sim', 'inference'],
  chain: ['protocol', 'common', 'contracts', 'attribution'],
  p2p: ['common', 'protocol'],
  genesis: ['common', 'protocol', 'contracts', 'precompiles-sim'],
  node: ['common', 'protocol', 'contracts', 'precompiles-sim', 'inference', 'attribution', 'chain', 'p2p'],
  indexer: ['common', 'protocol', 'contracts', 'attribution'],
  worker: ['common', 'protocol', 'contracts', 'precompiles-sim', 'inference', 'attribution', 'chain', 'p2p'],
  cli: [
    'common',
    'protocol',
    'contracts',
    'precompiles-sim',
    'inference',
    'attribution',
    'chain',
    'p2p',
    'genesis',
    'node',
    'indexer',
    'worker',
  ],
  studio: [],
}
const free = ['test', 'scripts']

/** Inside `node`: what a part may not know. */
const nodeParts: readonly (readonly [from: string, to: string])[] = [
  ['node/derive', 'node/engine'],
  ['node/engine', 'node/derive'],
  ['node/derive', 'node/l1'],
  ['node/derive', 'node/driver'],
  ['node/engine', 'node/driver'],
  ['node/l1', 'node/driver'],
]

type Import = { readonly from: string; readonly to: string }

function violations(imports: readonly Import[]): string[] {
  const bad: string[] = []
  for (const { from, to } of imports) {
    const [folder = '', target = ''] = [from.split('/')[0], to.split('/')[0]]
    const allowed = mayImport[folder]
    const crossesFolders = folder !== target && !free.includes(folder)
    const crossesParts = nodeParts.some(([a, b]) => from.startsWith(`${a}/`) && to.startsWith(`${b}/`))
    if ((crossesFolders && allowed?.includes(target) !== true) || crossesParts) bad.push(`${from} imports ${to}`)
  }
  return bad
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sources(path)
    return /\.(ts|tsx|mjs)$/.test(entry.name) ? [path] : []
  })
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g)].map(
    (match) => match[1] ?? '',
  )
  return specifiers.map((specifier) => ({
    from: file.split(sep).join('/'),
    to: relative(root, resolve(root, dirname(file), specifier))
      .split(sep)
      .join('/'),
  }))
}

describe('layers', () => {
  const folders = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .filter((name) => !['node_modules', 'docs', 'coverage', 'dist'].includes(name))

  test('every folder of code has its row in the table', () => {
    const unknown = folders.filter((name) => !(name in mayImport) && !free.includes(name) && sources(name).length > 0)
    expect(unknown).toEqual([])
  })

  test('no import goes against the direction of dependency', () => {
    expect(violations(folders.flatMap(sources).flatMap(importsOf))).toEqual([])
  })

  test('a planted violation is found', () => {
    expect(violations([{ from: 'protocol/a.ts', to: 'node/b.ts' }])).toEqual(['protocol/a.ts imports node/b.ts'])
    expect(violations([{ from: 'node/derive/a.ts', to: 'node/engine/b.ts' }])).toHaveLength(1)
  })
})
