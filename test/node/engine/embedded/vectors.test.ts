import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { runners as execution } from '../../../../cli/conformance/execution.ts'
import { runners as genesis } from '../../../../cli/conformance/genesis.ts'
import { Report } from '../../../../cli/conformance/vector.ts'

const folder = process.env['OPENLEDGER_VECTORS'] ?? resolve(import.meta.dirname, '../../../../../shared/vectors')

describe.each([
  { name: 'execution', runners: execution },
  { name: 'genesis', runners: genesis },
])('vectors/$name', ({ name, runners }) => {
  const at = join(folder, name)
  const files = existsSync(at) ? readdirSync(at).filter((file) => file.endsWith('.json.gz')) : []

  test.skipIf(files.length > 0)('skipped: no vectors (set OPENLEDGER_VECTORS)', () => undefined)

  test.each(files)('%s', { timeout: 120_000 }, async (file) => {
    const json: unknown = JSON.parse(gunzipSync(readFileSync(join(at, file))).toString())
    const lines: string[] = []
    const report = new Report(file, (line) => lines.push(line))
    const runner = runners.find((candidate) => candidate.matches(name, json))
    await runner?.run(json, report)
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([])
    expect(report.passed).toBeGreaterThan(0)
  })
})
