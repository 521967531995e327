/**
 * Speed of derivation's decoder against op-node's own code, on a channel that OP Mainnet posted in June 2024: from
 * compressed bytes to every block with its signed transactions encoded, no sender recovered. Each side is a process
 * of its own and both must produce the transactions that the vector names.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { hexToBytes } from '../../protocol/bytes.ts'

export type DeriveBench = {
  /** Decompressed megabytes a second. */
  readonly mbPerS: number
  /** L2 blocks a second: each block of a span batch is one singular batch to the stages behind. */
  readonly batchesPerS: number
  readonly ms: number
  /** op-node's median time over ours: above 1 we are faster. Null where op-node's code cannot be run. */
  readonly ratioOpNode: number | null
  readonly opNodeMs: number | null
  readonly why?: string
}

type Vector = {
  readonly channel: string
  readonly params: { readonly l2ChainId: number; readonly genesisL2Time: number; readonly blockTime: number }
  readonly expected: {
    readonly decompressedLength: number
    readonly span: { readonly blockCount: number; readonly allTxsKeccak: string }
  }
}

type Measured = { readonly blocks: number; readonly txsKeccak: string; readonly ms: readonly number[] }

const vectorFile = 'derivation/op-mainnet-channel-2024-06.json.gz'
const root = resolve(import.meta.dirname, '../..')
/** Milliseconds that building op-node's code may take: 15 minutes, for a machine that must first fetch it. */
const goBuildMs = 900_000
/** Of what a failed build says. */
const whyCharsMax = 300

export function benchDerive({ quick }: { readonly quick: boolean }): DeriveBench {
  const vector = readVector()
  const dir = mkdtempSync(join(tmpdir(), 'bench-derive-'))
  try {
    const channelFile = join(dir, 'channel')
    writeFileSync(channelFile, hexToBytes(vector.channel))
    const { l2ChainId, genesisL2Time, blockTime } = vector.params
    const [warmUps, runs] = quick ? [1, 5] : [5, 20]
    const args = [channelFile, l2ChainId, genesisL2Time, blockTime, warmUps, runs].map(String)
    const measure = (command: string, before: readonly string[]) => {
      const output = execFileSync(command, [...before, ...args], { encoding: 'utf8' })
      return checkedMedian(JSON.parse(output) as Measured, vector)
    }
    const ms = measure(process.execPath, [...process.execArgv, join(import.meta.dirname, 'derive-channel.ts')])
    const opNode = quick ? { why: 'a quick run leaves out op-node' } : builtOpNode(dir)
    const opNodeMs = 'file' in opNode ? measure(opNode.file, []) : null
    return {
      mbPerS: round(vector.expected.decompressedLength / 1e3 / ms),
      batchesPerS: Math.round((vector.expected.span.blockCount * 1e3) / ms),
      ms: round(ms),
      ratioOpNode: opNodeMs === null ? null : round(opNodeMs / ms),
      opNodeMs: opNodeMs === null ? null : round(opNodeMs),
      ...('why' in opNode ? { why: opNode.why } : {}),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function readVector(): Vector {
  const file = join(process.env['OPENLEDGER_VECTORS'] ?? resolve(root, '../shared/vectors'), vectorFile)
  try {
    return JSON.parse(gunzipSync(readFileSync(file)).toString()) as Vector
  } catch (cause) {
    throw new UsageError(
      `bench derive needs ${vectorFile} in the folder that OPENLEDGER_VECTORS names: ${errorMessage(cause)}`,
    )
  }
}

/** A fast decoder of wrong blocks measures nothing. */
function checkedMedian(measured: Measured, { expected }: Vector): number {
  const { blockCount, allTxsKeccak } = expected.span
  if (measured.blocks !== blockCount || measured.txsKeccak !== allTxsKeccak) {
    throw new Error(`decoded ${measured.blocks} blocks with transactions ${measured.txsKeccak}, not what L1 holds`)
  }
  const sorted = [...measured.ms].sort((a, b) => a - b)
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
}

function builtOpNode(dir: string): { readonly file: string } | { readonly why: string } {
  const file = join(dir, 'op-node-derive')
  try {
    execFileSync('go', ['build', '-o', file, '.'], {
      cwd: join(import.meta.dirname, 'op-node-derive'),
      env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: goBuildMs,
    })
    return { file }
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { why: isAbsent ? 'Go is not installed' : `go build failed: ${errorMessage(error).slice(0, whyCharsMax)}` }
  }
}

const round = (value: number): number => Math.round(value * 100) / 100
