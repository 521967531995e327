/**
 * Runs Slither over contracts/src and fails where it finds something of a kind that docs/SECURITY-REVIEW.md does not answer.
 * Run: npx tsx scripts/analyse-contracts.ts [--list DETECTOR]. Slither is asked for on the PATH, or named by SLITHER; the
 * compiler is the solc-js that the contracts are built with. Where there is no Slither it says so and does nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { buildInfo } from '../contracts/solidity.ts'

const root = resolve(import.meta.dirname, '..')
const slither = process.env['SLITHER'] ?? 'slither'
const listed = process.argv[process.argv.indexOf('--list') + 1]

type Finding = { readonly check: string; readonly impact: string; readonly description: string }

if (spawnSync(slither, ['--version']).status !== 0) {
  process.stdout.write(
    'slither is not here: pip install slither-analyzer, or name it in SLITHER. Nothing was analysed.\n',
  )
} else {
  const folder = mkdtempSync(join(tmpdir(), 'openledger-slither-'))
  try {
    process.exitCode = report(analyse(folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Lays the sources out with their compiled form as Hardhat does, which Slither reads without a compiler of its own. */
function analyse(folder: string): readonly Finding[] {
  cpSync(join(root, 'contracts/src'), folder, { recursive: true })
  rmSync(join(folder, 'test'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'artifacts/build-info'), { recursive: true })
  writeFileSync(join(folder, 'artifacts/build-info/contracts.json'), JSON.stringify(buildInfo()))
  writeFileSync(join(folder, 'hardhat.config.js'), 'module.exports = {}\n')
  const as = ['--compile-force-framework', 'hardhat', '--hardhat-ignore-compile']
  const from = ['--hardhat-artifacts-directory', 'artifacts', '--filter-paths', 'node_modules|@openzeppelin']
  const { stderr } = spawnSync(slither, ['.', ...as, ...from, '--json', 'out.json'], { cwd: folder, encoding: 'utf8' })
  const { results, error } = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')) as {
    results?: { detectors?: Finding[] }
    error: string | null
  }
  if (error !== null) throw new Error(`${error}\n${stderr}`)
  return results?.detectors ?? []
}

/** Counts by kind; 1 where a kind is not answered. */
function report(findings: readonly Finding[]): number {
  const page = readFileSync(join(root, 'docs/SECURITY-REVIEW.md'), 'utf8')
  const kinds = new Map<string, { impact: string; count: number }>()
  for (const { check, impact, description } of findings) {
    kinds.set(check, { impact, count: (kinds.get(check)?.count ?? 0) + 1 })
    if (check === listed) process.stdout.write(`${description}\n`)
  }
  let unanswered = 0
  for (const [check, { impact, count }] of [...kinds].sort()) {
    const isAnswered = page.includes(`| \`${check}\` |`)
    if (!isAnswered) unanswered++
    process.stdout.write(
      `${check}: ${count} (${impact})${isAnswered ? '' : ', not answered in docs/SECURITY-REVIEW.md'}\n`,
    )
  }
  return unanswered > 0 ? 1 : 0
}
