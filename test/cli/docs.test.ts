import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cliPage } from '../../cli/docs-page.ts'

test('docs/cli.md says what --help says', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8')
  expect(page, 'run: npx tsx scripts/write-docs.ts').toBe(await cliPage())
})
