import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { optimismWithRegistry } from './optimism-source.ts'

/** The real programs that the interop tests run against, each from a Go module of its own beside this file. */
const programs = {
  geth: { module: 'op-geth', package: 'github.com/ethereum/go-ethereum/cmd/geth' },
  'op-node': { module: 'op-node', package: 'github.com/ethereum-optimism/optimism/op-node/cmd' },
  'op-batcher': { module: 'op-node', package: 'github.com/ethereum-optimism/optimism/op-batcher/cmd' },
  'op-node-latest': {
    module: 'op-node-latest',
    package: 'github.com/ethereum-optimism/optimism/op-node/cmd',
    /** Its module lacks a file that its source embeds: see {@link optimismWithRegistry}. */
    source: optimismWithRegistry,
  },
} as const

export type GoProgram = keyof typeof programs
export const goPrograms = Object.keys(programs) as GoProgram[]

/** Milliseconds to build one program on a slow machine, downloads included. */
const buildMsMax = 30 * 60_000
const env = { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '1', GOFLAGS: '-buildvcs=false' }

/** The version of Go on this machine, or undefined without Go. */
export const goVersion = firstLine(spawnSync('go', ['version'], { env, encoding: 'utf8' }).stdout)

/** Where a built program stands; it need not exist. Built once per version of its module and of Go. */
export function programPath(name: GoProgram): string {
  const folder = join(import.meta.dirname, programs[name].module)
  const key = createHash('sha256').update(`${goVersion}\n`)
  for (const file of ['go.mod', 'go.sum']) key.update(readFileSync(join(folder, file)))
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'openledger-interop', key.digest('hex').slice(0, 16), name)
}

/** Builds the program with an ordinary `go build` unless it stands there already. Throws with the compiler's words. */
export function buildProgram(name: GoProgram): void {
  const path = programPath(name)
  if (existsSync(path)) return
  const program = programs[name]
  const folder = join(import.meta.dirname, program.module)
  mkdirSync(join(path, '..'), { recursive: true })
  const work = join(tmpdir(), `openledger-go-${process.pid}`)
  try {
    const extra = 'source' in program ? program.source(folder, work, (args) => go(args, folder)) : []
    go(['build', ...extra, '-o', `${path}.new`, program.package], folder)
    renameSync(`${path}.new`, path)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function go(args: readonly string[], cwd: string): string {
  const done = spawnSync('go', args, { cwd, env, encoding: 'utf8', timeout: buildMsMax, maxBuffer: 64 * 1024 * 1024 })
  if (done.status !== 0) throw new Error(`go ${args.join(' ')} in ${cwd}:\n${done.stderr}${done.error ?? ''}`)
  return done.stdout
}

function firstLine(text: string | null): string | undefined {
  const line = text?.split('\n')[0]
  return line === '' ? undefined : line
}
