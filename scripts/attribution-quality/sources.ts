import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shuffled } from '../train-base/document.ts'

/** Packages whose documentation comments stand for what 24 contributors wrote; the base model learnt those of @types/node alone. */
export const contributors = [
  '@types/node',
  'ox',
  'viem',
  'graphql',
  '@noble/curves',
  'vitest',
  'fast-check',
  'vite',
  'chai',
  'micro-eth-signer',
  '@noble/hashes',
  '@ethereumjs/common',
  'postcss',
  '@types/sinon',
  'typescript',
  'commander',
  '@chainsafe/libp2p-gossipsub',
  'ws',
  'magicast',
  'abitype',
  'lru-cache',
  'long',
  'prom-client',
  'undici-types',
] as const

const modules = join(import.meta.dirname, '../../node_modules')
const charsMin = 150
const charsMax = 1500
const fileBytesMax = 600_000

/** Documentation comments of a package, each once, in an order that depends on their text alone. */
export function commentsOf(name: string): string[] {
  const folder = join(modules, name)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(d\.ts|ts|js|mjs)$/.test(file) && !file.includes('node_modules') && !file.includes('.min.'))
    .sort()
  const found = new Set<string>()
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    if (text.length > fileBytesMax) continue
    for (const match of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
      const comment = (match[1] ?? '').replaceAll(/^[ \t]*\* ?/gm, '').trim()
      const fits = comment.length > charsMin && comment.length < charsMax
      if (fits && !/license|copyright/i.test(comment)) found.add(comment)
    }
  }
  return shuffled([...found], name, (text) => text)
}
