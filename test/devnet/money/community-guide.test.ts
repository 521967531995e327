import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { buildSchema, parse, validate } from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ServedChain } from '../../fakes/served-chain.ts'

const root = resolve(import.meta.dirname, '../../..')
const page = readFileSync(join(root, 'docs/COMMUNITY-GUIDE.md'), 'utf8')
const dir = mkdtempSync(join(tmpdir(), 'openledger-community-'))

let served: ServedChain
beforeAll(async () => {
  served = await ServedChain.open()
  mkdirSync(join(dir, 'bin'))
  const program = join(dir, 'bin/openledger')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'cli/openledger.mjs')}" "$@"\n`)
  chmodSync(program, 0o755)
  writeFileSync(join(dir, 'shell'), '')
})
afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs a block in a shell that has the variables and functions of those before it. */
async function run(block: string): Promise<string> {
  const env = { PATH: `${join(dir, 'bin')}:${process.env['PATH']}`, OPENLEDGER_RPC: served.url }
  const names = 'CONTENT DATANET FEVER CURE GOOD PROPOSAL CREDENTIAL GRANT'
  const keep = `{ declare -f; for name in ${names}; do declare -p $name 2>/dev/null || true; done; } > shell`
  const script = `source ./shell\n${block}\n${keep}`
  const { stdout, stderr } = await promisify(execFile)('bash', ['-eu', '-o', 'pipefail', '-c', script], {
    cwd: dir,
    env,
  })
  return `${stdout}\n${stderr}`
}

test('every command of the guide runs as it stands there', async () => {
  const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const said: string[] = []
  for (const block of blocks) {
    const [, seconds] = /^sleep (\d+)\n$/.exec(block) ?? []
    if (seconds === undefined) {
      said.push(await run(block))
      continue
    }
    served.chain.advance(Number(seconds))
    await served.chain.mine()
  }
  const all = said.join('\n')
  expect(all).toContain('refused: contribution 1 has the same content already')
  expect(all).toContain('TYPE_MISMATCH')
  expect(all).toMatch(/refused, file|refused: file/)
  expect(all).toContain('use datanet show-credential')
  expect(all).toMatch(/schemaText +string profession/)
  expect(all).toMatch(/milestones.*paid/s)
  expect(all).toMatch(/owed +7 OPEN/)
  expect(all).toContain('held no units when proposal 1 was made')
  expect(all).toMatch(/state +executed/)
  expect(all).toMatch(/bond +0\.002 OPEN/)
  expect(all).toContain('what is made from share-alike work has to be share-alike')
  expect(all).toContain('work that is not for commercial use may not be used at a price')
}, 900_000)

test('every query of the guide is one of the schema', () => {
  const schema = buildSchema(readFileSync(join(root, 'indexer/schema.graphql'), 'utf8'))
  const queries = [...page.matchAll(/```graphql\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  expect(queries.length).toBe(3)
  for (const query of queries) expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([])
})
