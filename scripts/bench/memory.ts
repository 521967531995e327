/**
 * Memory and disk of whole processes over 1,800 blocks at full speed: the sequencer with its batcher, a verifier that
 * derives them from L1 and the indexer. Resident memory is the most that the system counted for each process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/fakes/anvil.ts'
import { entry, NodeProgram } from './node-program.ts'
import { RecordedChain } from './recorded-chain.ts'

export type MemoryBench = {
  readonly blocks: number
  readonly transactionsPerBlock: number
  readonly sequencerRssMb: number
  readonly verifierRssMb: number
  readonly indexerRssMb: number
  /** What a pruned node's database grew by over a thousand blocks, from a tenth of the way to the end. */
  readonly prunedMbPer1000Blocks: number
}

/** All that fits a sequencer's pool at once. */
const perBlock = 9
const followMsMax = 1_800_000
const pollMs = 500

export async function benchMemory({ quick }: { readonly quick: boolean }): Promise<MemoryBench> {
  const blocks = quick ? 100 : 1_800
  const dir = mkdtempSync(join(tmpdir(), 'bench-memory-'))
  let chain: RecordedChain | undefined
  let verifier: NodeProgram | undefined
  let indexer: ChildProcess | undefined
  try {
    chain = await RecordedChain.record(dir, { blocks, perBlock })
    const node = await NodeProgram.make({ dir, name: 'verifier', l1: chain.anvil.url })
    verifier = node
    await node.start([])
    const engineDir = join(dir, 'verifier', 'engine')
    const early = await until(async () => {
      const { safe_l2: safe } = await node.status()
      return safe.number >= blocks / 10 ? { number: safe.number, bytes: folderBytes(engineDir) } : undefined
    })
    const late = await until(async () => {
      const { safe_l2: safe } = await node.status()
      return safe.number >= blocks ? { number: safe.number, bytes: folderBytes(engineDir) } : undefined
    })
    const port = await freePort()
    indexer = spawn(
      process.execPath,
      [
        ...[entry, 'indexer', '--datadir', join(dir, 'indexer'), '--http.port', String(port)],
        ...['--l2', `http://127.0.0.1:${chain.sequencer.ethPort}`],
      ],
      { stdio: 'ignore' },
    )
    await until(async () => ((await indexedBlock(port)) >= blocks ? true : undefined))
    return {
      blocks,
      transactionsPerBlock: perBlock,
      sequencerRssMb: rssMb(chain.sequencer.pid),
      verifierRssMb: rssMb(node.pid),
      indexerRssMb: rssMb(indexer.pid),
      prunedMbPer1000Blocks: round((late.bytes - early.bytes) / 1e3 / (late.number - early.number)),
    }
  } finally {
    indexer?.kill('SIGKILL')
    await verifier?.stop()
    await chain?.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + followMsMax; ; ) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (Date.now() > end) throw new Error(`not there after ${followMsMax / 1e3} s`)
    await new Promise((done) => setTimeout(done, pollMs))
  }
}

/** -1 until the server answers. */
async function indexedBlock(port: number): Promise<number> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ _meta { block { number } } }' }),
    })
    const { data } = (await response.json()) as { data?: { _meta?: { block?: { number: number } } } | null }
    return data?._meta?.block?.number ?? -1
  } catch {
    return -1
  }
}

/** The most that a process ever held. Source: proc(5), VmHWM. */
function rssMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1e3)
}

function folderBytes(folder: string): number {
  let bytes = 0
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    // The database removes files while we look.
    if (file.isFile()) bytes += statSync(join(file.parentPath, file.name), { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

const round = (value: number): number => Math.round(value * 100) / 100
