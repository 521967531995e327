import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { errorMessage } from '../../common/errors.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { runners as derivationRunners } from './derivation.ts'
import { runners as executionRunners } from './execution.ts'
import { runners as genesisRunners } from './genesis.ts'
import { runners as l1Runners } from './l1.ts'
import { runners as l1FeeRunners } from './l1-fees.ts'
import { parseLosslessJson } from './lossless-json.ts'
import { runners as p2pRunners } from './p2p.ts'
import { runners as protocolRunners } from './protocol.ts'
import { Report, type VectorRunner } from './vector.ts'

/**
 * Runs every vector file (`*.json`, `*.json.gz`) below `dir` through the production code. Writes one line a vector and the
 * sum as last line. A file that no runner knows is a failure: vectors must not be skipped because nobody looked.
 */
export async function runConformance(
  dir: string,
  write: (line: string) => void,
  runners: readonly VectorRunner[] = allRunners,
): Promise<{ passed: number; failed: number }> {
  let passed = 0
  let failed = 0
  for (const path of vectorFiles(dir)) {
    const name = relative(dir, path)
    if (referenceFiles.has(basename(path))) {
      write(`skip ${name}: reference data`)
      continue
    }
    const report = new Report(name, write)
    await runFile(path, foldersOf(dir, path), runners, report)
    passed += report.passed
    failed += report.failed
  }
  if (passed + failed === 0) {
    write(`FAIL ${dir}: no vector files`)
    failed++
  }
  write(`${passed} passed, ${failed} failed`)
  return { passed, failed }
}

const allRunners: readonly VectorRunner[] = [
  ...derivationRunners,
  ...genesisRunners,
  ...executionRunners,
  ...protocolRunners,
  ...l1Runners,
  ...l1FeeRunners,
  ...p2pRunners,
]

/** Tables for people to read, no vectors; named by the vectors' README. */
const referenceFiles = new Set(['all-chains-table.json'])

/** Unpacked size of a vector file; the largest known is 12 MB. */
const vectorBytesMax = 512 * 1024 * 1024

async function runFile(
  path: string,
  folders: readonly string[],
  runners: readonly VectorRunner[],
  report: Report,
): Promise<void> {
  let json: unknown
  try {
    json = parseLosslessJson(readVector(path))
  } catch (error) {
    report.fail('file', `cannot be read: ${errorMessage(error)}`)
    return
  }
  let name = 'file'
  try {
    const runner = folders.flatMap((folder) => runners.find((one) => one.matches(folder, json)) ?? [])[0]
    if (runner === undefined) {
      const fields = fieldsOf(json)
      report.fail(name, `unknown schema: no runner takes a file of folder "${folders[0]}" with fields ${fields}`)
      return
    }
    name = runner.name
    await runner.run(json, report)
  } catch (error) {
    report.fail(name, errorMessage(error))
    return
  }
  if (report.passed + report.failed === 0) report.fail(name, 'the file has no vector')
}

/** Names of the folders a file stands in, nearest first, `dir` itself last: any of them may name the schema. */
function foldersOf(dir: string, path: string): string[] {
  const below = relative(dir, dirname(path))
    .split(sep)
    .filter((part) => part !== '')
  return [basename(resolve(dir)), ...below].reverse()
}

function readVector(path: string): string {
  const { size } = statSync(path)
  if (size > vectorBytesMax) throw new FormatError(`file of ${size} bytes, more than ${vectorBytesMax}`)
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes, { maxOutputLength: vectorBytesMax }) : bytes).toString('utf8')
}

/**
 * All vector files below a folder, in path order; links are followed, but not back into a folder that leads to them.
 * A folder that cannot be read stands for itself: reading it as a file says why.
 */
function vectorFiles(dir: string, above: readonly string[] = []): string[] {
  const real = realpathSync(dir)
  if (above.includes(real)) return []
  return readdirSync(dir)
    .sort()
    .flatMap((name) => {
      const path = join(dir, name)
      const kind = statSync(path, { throwIfNoEntry: false })
      if (kind?.isDirectory()) return isReadable(path) ? vectorFiles(path, [...above, real]) : [path]
      const isVector = /\.json(\.gz)?$/.test(name) && (kind === undefined || kind.isFile())
      return isVector ? [path] : []
    })
}

function isReadable(dir: string): boolean {
  try {
    accessSync(dir, constants.R_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

function fieldsOf(json: unknown): string {
  if (typeof json !== 'object' || json === null) return typeof json
  return Array.isArray(json) ? 'of an array' : Object.keys(json).slice(0, 12).join(', ')
}
