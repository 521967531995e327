/**
 * One run of the embedded engine, in a process of its own. Usage: tsx engine-run.ts WORKLOAD; prints a line of JSON.
 * Every block goes the whole way: raw signed transactions in, senders recovered, executed, receipts, roots, database.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../common/log.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { hexToBytes } from '../../protocol/bytes.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { buildBlock, importBlock } from './built-block.ts'
import type { Workload } from './engine-workload.ts'
import { liveStateBytes } from './live-state.ts'

export type EngineRun = {
  /** Wall time of all blocks. */
  readonly seconds: number
  /** Of this process, all its threads. */
  readonly cpuSeconds: number
  readonly gas: number
  readonly transactions: number
  /** The most memory the process ever had. */
  readonly rssMb: number
  /** Trie nodes of all states that the pruned database keeps in the end. */
  readonly liveStateMb: number
}

/** What is measured of both engines. */
export type StockRun = Omit<EngineRun, 'liveStateMb'>

const { genesis, blocks } = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Workload
const gasLimit = BigInt(genesis.gasLimit)
const raw = blocks.map((block) => block.map(hexToBytes))
const dir = mkdtempSync(join(tmpdir(), 'bench-engine-'))
const chain = await EmbeddedChain.open({ dir, genesis: parseGenesis(genesis), archive: false }, { log: silentLog })
const engine = new EmbeddedEngine(chain, { log: silentLog })
try {
  const measured = await measure()
  await close()
  const result: EngineRun = { ...measured, liveStateMb: (await liveStateBytes(dir)) / 1e6 }
  process.stdout.write(`${JSON.stringify(result)}\n`)
} finally {
  rmSync(dir, { recursive: true })
}

async function measure(): Promise<StockRun> {
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let gas = 0
  for (const transactions of raw) gas += await produce(transactions)
  const seconds = (performance.now() - begin) / 1e3
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    gas,
    transactions: raw.reduce((sum, block) => sum + block.length, 0),
    rssMb: process.resourceUsage().maxRSS / 1e3,
  }
}

async function close(): Promise<void> {
  await engine.stop()
  await chain.close()
}

/** Builds a block as the sequencer does, stores it and makes it the head. Resolves to its gas. */
async function produce(transactions: readonly Uint8Array[]): Promise<number> {
  const envelope = await buildBlock({ chain, engine }, transactions, gasLimit)
  await importBlock(engine, envelope)
  const { blockHash, gasUsed, blockNumber } = envelope.executionPayload
  const failed = chain.receiptsByHash(blockHash)?.find(({ receipt }) => receipt.status !== 1)
  if (failed !== undefined) throw new Error(`a transaction of block ${blockNumber} failed`)
  return Number(gasUsed)
}
