import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

test.each([
  'README.md',
  'docs/SPECS.md',
  'docs/ARCHITECTURE.md',
  'docs/TRUST.md',
  'docs/GRAPHQL.md',
  'docs/OPERATOR.md',
  'docs/MODELS.md',
  'docs/MONEY-GUIDE.md',
  'docs/GOVERNANCE.md',
  'docs/AGENTS.md',
  'docs/GRANTS.md',
  'docs/WORKER-GUIDE.md',
  'docs/SECURITY-REVIEW.md',
  'docs/WORKER-NETWORK.md',
])('%s names only files that exist', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const named = [
    ...text.matchAll(
      /`((?:common|protocol|contracts|genesis|chain|attribution|node|indexer|inference|worker|cli|test|scripts|docs)\/[\w./-]*)`/g,
    ),
  ]
  const linked = [...text.matchAll(/\]\((?!http)([\w./-]+)\)/g)].map((match) => join(page, '..', match[1] ?? ''))
  const missing = [...named.map((match) => match[1] ?? ''), ...linked].filter((path) => !existsSync(join(root, path)))
  expect(missing).toEqual([])
})
