/**
 * Speed of the embedded engine against stock `@ethereumjs/vm` on the same signed transactions. Every run is a process of
 * its own; signing is not part of what is measured.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineRun } from './engine-run.ts'
import { benchGenesis, signedBlocks, type Workload } from './engine-workload.ts'
import { installed } from './installed.ts'

export type EngineBench = {
  readonly erc20Tps: number
  readonly transferTps: number
  readonly emptyBlockMs: number
  readonly mgasPerS: number
  /** The most that the process held which made the empty blocks. */
  readonly rssMb: number
  /** What the trie nodes of all kept states grow by over a thousand empty blocks, once the first states are pruned. */
  readonly liveStateMbPer1000Blocks: number | null
  /** Our ERC-20 transfers a second over stock's; null where it cannot be had. */
  readonly ratioStock: number | null
  readonly stockErc20Tps: number | null
  readonly why?: string
}

const perBlock = 200
/** An hour of two-second blocks. */
const emptyBlocks = 1_800
/** Of them, those after which growth is looked at: past the states that are always kept. */
const prunedFrom = 1_200
/** Stock takes half a minute for a thousand transfers: it gets the first blocks of the same workload, once. */
const stockBlocks = 10
/** The version of the interpreter that the engine runs on. */
const stockVersion = '10.1.3'
const stockPackages = ['vm', 'statemanager', 'common', 'tx', 'block', 'util'].map((name) => `@ethereumjs/${name}`)

export function benchEngine({ quick }: { readonly quick: boolean }): EngineBench {
  const dir = mkdtempSync(join(tmpdir(), 'bench-engine-'))
  const [blocks, runs] = quick ? [20, 1] : [100, 3]
  const genesis = benchGenesis()
  const write = (name: string, workload: Workload) => {
    const file = join(dir, name)
    writeFileSync(file, JSON.stringify(workload))
    return file
  }
  try {
    const erc20Blocks = signedBlocks('erc20', blocks, perBlock)
    const erc20File = write('erc20', { genesis, blocks: erc20Blocks })
    const stockFile = write('stock', { genesis, blocks: erc20Blocks.slice(0, stockBlocks) })
    const transferFile = write('transfer', { genesis, blocks: signedBlocks('transfer', blocks, perBlock) })
    const runEmpty = (count: number) =>
      run('engine-run.ts', write('empty', { genesis, blocks: Array.from({ length: count }, () => []) }))
    const stock = quick ? { why: 'a quick run leaves out the stock VM' } : stockPrefix()
    const stockRun = 'prefix' in stock ? run('engine-stock.ts', stock.prefix, stockFile) : undefined
    const erc20 = Array.from({ length: runs }, () => run('engine-run.ts', erc20File))
    const transfers = Array.from({ length: runs }, () => run('engine-run.ts', transferFile))
    const emptyCount = quick ? 200 : emptyBlocks
    const empty = runEmpty(emptyCount)
    const growth = quick ? null : (empty.liveStateMb - runEmpty(prunedFrom).liveStateMb) / (emptyBlocks - prunedFrom)
    const best = fastest(erc20)
    const erc20Tps = best.transactions / best.seconds
    const stockTps = stockRun === undefined ? null : stockRun.transactions / stockRun.seconds
    return {
      erc20Tps: Math.round(erc20Tps),
      transferTps: Math.round(fastest(transfers).transactions / fastest(transfers).seconds),
      emptyBlockMs: Math.round((empty.seconds * 1e5) / emptyCount) / 100,
      mgasPerS: Math.round(best.gas / best.seconds / 1e5) / 10,
      rssMb: Math.round(empty.rssMb),
      liveStateMbPer1000Blocks: growth === null ? null : Math.round(growth * 1e5) / 100,
      ratioStock: stockTps === null ? null : Math.round((10 * erc20Tps) / stockTps) / 10,
      stockErc20Tps: stockTps === null ? null : Math.round(stockTps),
      ...('why' in stock ? { why: stock.why } : {}),
    }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

function stockPrefix() {
  return installed(
    'ethereumjs-vm',
    stockPackages.map((name) => `${name}@${stockVersion}`),
  )
}

function fastest(runs: readonly EngineRun[]): EngineRun {
  const [first, ...others] = runs
  if (first === undefined) throw new Error('nothing was run')
  return others.reduce((best, next) => (next.seconds < best.seconds ? next : best), first)
}

function run(script: string, ...args: readonly string[]): EngineRun {
  const command = [...process.execArgv, join(import.meta.dirname, script), ...args]
  return JSON.parse(execFileSync(process.execPath, command, { encoding: 'utf8' })) as EngineRun
}
