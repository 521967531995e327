/**
 * How much faster than life `openledger audit` checks a chain: a real sequencer and batcher record one on anvil, with
 * batches in blobs, then the command derives and executes it from there in a process of its own and compares every block
 * hash with the sequencer's.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditReport } from '../../cli/audit/audit.ts'
import { entry } from './node-program.ts'
import { RecordedChain } from './recorded-chain.ts'

export type AuditBench = {
  /** Seconds of chain time checked in a second, as the audit's report says: from its first look at L1 to its last block. */
  readonly timesRealtime: number
  readonly blocksPerS: number
  readonly blocks: number
  readonly transactionsPerBlock: number
  readonly seconds: number
  /** The whole process, loading the program and opening the genesis included. */
  readonly processSeconds: number
}

const perBlock = 50

export async function benchAudit({ quick }: { readonly quick: boolean }): Promise<AuditBench> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-audit-'))
  const blocks = quick ? 60 : 300
  let chain: RecordedChain | undefined
  try {
    chain = await RecordedChain.record(dir, { blocks, perBlock })
    const begin = performance.now()
    const report = await runAudit(chain)
    const processSeconds = (performance.now() - begin) / 1e3
    if (report.result !== 'equal' || report.blocksCompared < blocks) {
      throw new Error(`the audit compared ${report.blocksCompared} blocks: ${report.result}`)
    }
    return {
      timesRealtime: report.timesRealtime,
      blocksPerS: round(report.blocksPerSecond),
      blocks: report.blocksCompared,
      transactionsPerBlock: perBlock,
      seconds: round(report.seconds),
      processSeconds: round(processSeconds),
    }
  } finally {
    await chain?.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function runAudit({ dir, anvil, sequencer }: RecordedChain): Promise<AuditReport> {
  const [reportFile, logFile] = [join(dir, 'report.json'), join(dir, 'audit.log')]
  const log = openSync(logFile, 'w')
  const args = [
    ...['--l1', anvil.url, '--l1.beacon', anvil.url],
    ...['--rollup.config', join(dir, 'rollup.json'), '--genesis', join(dir, 'genesis.json')],
    ...['--against', `http://127.0.0.1:${sequencer.ethPort}`, '--datadir', join(dir, 'audit'), '--report', reportFile],
  ]
  const child = spawn(process.execPath, [entry, 'audit', ...args], { stdio: ['ignore', log, log] })
  closeSync(log)
  const code = await exitOf(child)
  if (code !== 0) throw new Error(`audit ended with ${code}: ${readFileSync(logFile, 'utf8').slice(-600)}`)
  return JSON.parse(readFileSync(reportFile, 'utf8')) as AuditReport
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.once('exit', done))
}

const round = (value: number): number => Math.round(value * 10) / 10
