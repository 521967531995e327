/**
 * Speed of the index over a chain of contributions, from the first block asked of the node to the last row, and of its
 * GraphQL over HTTP, against Ponder with the same events, node and questions. Every server is a process of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { errorMessage } from '../../common/errors.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { httpLoad, type Load, post } from './http-load.ts'
import { installed } from './installed.ts'
import { ponderPackages, writePonderProject } from './ponder-project.ts'

export type IndexerBench = {
  /** Contributions a second from nothing, with blocks, transactions, logs, labels, history and receipt roots checked. */
  readonly eventsPerS: number
  /** Ours over Ponder's, above 1 we are faster; null where Ponder cannot be run. */
  readonly ratioPonder: number | null
  /** Pages of 20 contributions by author. */
  readonly qps: number
  readonly p99Ms: number
  readonly ratioPonderQps: number | null
  /** Datanets by contributor with nested contributions and labels. */
  readonly nestedQps: number
  /** Highest memory of the indexer's process. */
  readonly rssMb: number
  readonly why?: string
}

type Measured = { readonly eventsPerS: number; readonly load: Load; readonly rssMb: number }

const root = resolve(import.meta.dirname, '../..')
const chainId = 901
const pollMs = 50
/** A reference that takes longer than this has failed. */
const indexMsMax = 300_000

export async function benchIndexer({ quick }: { readonly quick: boolean }): Promise<IndexerBench> {
  const [blocks, eventsPerBlock, loadMs] = quick ? [100, 40, 1000] : [500, 40, 5000]
  const dir = mkdtempSync(join(tmpdir(), 'bench-indexer-'))
  const events = blocks * eventsPerBlock
  const withChain = async <T>(use: (rpcUrl: string) => Promise<T>): Promise<T> => {
    const program = [
      ...process.execArgv,
      join(import.meta.dirname, 'indexer-chain.ts'),
      `${blocks}`,
      `${eventsPerBlock}`,
    ]
    const chain = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      return await use(await firstLine(chain))
    } finally {
      await ended(chain)
    }
  }
  try {
    let nestedQps = 0
    const ours = await withChain(async (rpcUrl) => {
      const port = await freePort()
      const url = `http://127.0.0.1:${port}/graphql`
      const flags = ['--datadir', join(dir, 'index'), '--l2', rpcUrl, '--http.port', `${port}`, '--log.level', 'error']
      const child = spawn(process.execPath, [join(root, 'cli/openledger.mjs'), 'indexer', ...flags], {
        stdio: 'ignore',
      })
      try {
        const measured = await measure(child, rpcUrl, url, events, 'nodes', loadMs)
        nestedQps = (await httpLoad(url, authorsOf(nestedQuery), loadMs)).qps
        return { ...measured, rssMb: rssPeakMb(child) }
      } finally {
        await ended(child)
      }
    })
    const ponder = quick
      ? { why: 'a quick run leaves out Ponder' }
      : await withChain((url) => ponderRun(url, dir, events, loadMs))
    return {
      eventsPerS: Math.round(ours.eventsPerS),
      ratioPonder: 'why' in ponder ? null : round(ours.eventsPerS / ponder.eventsPerS),
      qps: ours.load.qps,
      p99Ms: ours.load.p99Ms,
      ratioPonderQps: 'why' in ponder ? null : round(ours.load.qps / ponder.load.qps),
      nestedQps,
      rssMb: ours.rssMb,
      ...('why' in ponder ? { why: ponder.why } : {}),
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function ponderRun(
  rpcUrl: string,
  dir: string,
  events: number,
  loadMs: number,
): Promise<Measured | { readonly why: string }> {
  const packages = installed('ponder', ponderPackages)
  if ('why' in packages) return packages
  const project = join(dir, 'ponder')
  writePonderProject(project, packages.prefix, rpcUrl, chainId)
  const port = await freePort()
  const program = join(packages.prefix, 'node_modules/ponder/dist/esm/bin/ponder.js')
  const child = spawn(process.execPath, [program, 'start', '--schema', 'bench', '-p', `${port}`], {
    cwd: project,
    stdio: 'ignore',
    env: { ...process.env, PONDER_TELEMETRY_DISABLED: 'true' },
  })
  try {
    return await measure(child, rpcUrl, `http://127.0.0.1:${port}/graphql`, events, 'items', loadMs)
  } catch (error) {
    return { why: `Ponder did not index the chain: ${errorMessage(error)}` }
  } finally {
    await ended(child)
  }
}

/** Waits until every contribution is there, then asks for pages of them. */
async function measure(
  child: ChildProcess,
  rpcUrl: string,
  url: string,
  events: number,
  nodes: string,
  loadMs: number,
): Promise<Measured> {
  const first = nodes === 'nodes' ? 'first' : 'limit'
  const count = JSON.stringify({ query: `{ contributions(${first}: 1) { totalCount } }` })
  const deadline = Date.now() + indexMsMax
  for (;;) {
    const answer = await post(url, count).catch(() => '')
    if (answer.includes(`"totalCount":${events}`)) break
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error(`it holds ${answer.slice(0, 100)} after ${indexMsMax / 1000} s`)
    await new Promise((wake) => setTimeout(wake, pollMs))
  }
  const started = Number(await new HttpRpcClient({ url: rpcUrl, timeoutMs: 5000 }).request('bench_firstBlock'))
  const eventsPerS = (events * 1000) / (Date.now() - started)
  const query = `query($author: ${nodes === 'nodes' ? 'Address' : 'String'}!) { contributions(${first}: 20, where: { author: $author }) {
    ${nodes} { id author contentHash simHash consent bond blockNumber } pageInfo { hasNextPage endCursor } } }`
  await httpLoad(url, authorsOf(query), loadMs / 5)
  return { eventsPerS, load: await httpLoad(url, authorsOf(query), loadMs), rssMb: rssPeakMb(child) }
}

const nestedQuery = `query($author: Address!) {
  datanets(first: 5, where: { contributor: $author }) { nodes { id licence status
    contributions(first: 5, where: { author: $author }) { nodes { id status contentHash labels { nodes { code status } } } } } } }`

/** The question about each of the chain's authors, so that no answer can be kept from the one before. */
function authorsOf(query: string): string[] {
  const address = (i: number) => `0x${(0x1000 + i).toString(16).padStart(40, '0')}`
  return Array.from({ length: 100 }, (_, i) => JSON.stringify({ query, variables: { author: address(i) } }))
}

/** Linux only: elsewhere not a number, which JSON shows as null. */
function rssPeakMb({ pid }: ChildProcess): number {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Math.round(Number(kib) / 1024)
  } catch {
    return Number.NaN
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((found, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => found(chunk.toString('utf8').trim()))
    child.once('exit', (code) => reject(new Error(`the chain's process ended with ${code}`)))
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => found(port))
    })
  })
}

const round = (value: number): number => Math.round(value * 100) / 100
