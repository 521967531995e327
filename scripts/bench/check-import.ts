import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../common/log.ts'
import { generate } from '../../inference/answer/generate.ts'
import type { ReceiptFacts } from '../../inference/check/check-proof.ts'
import { CheckerThread } from '../../inference/check/checker-thread.ts'
import { bytesSource } from '../../inference/check/model-source.ts'
import { SecretPool } from '../../inference/check/pool.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { EmbeddedEngine } from '../../node/engine/embedded/engine.ts'
import { type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { account, bookOf, startWorkerNode, type TestWorkerNode } from '../../test/fakes/worker-net.ts'
import { openTraces } from '../../worker/backends/answer-traces.ts'
import { buildBlock, importBlock } from './built-block.ts'
import { benchGenesis, signedBlocks } from './engine-workload.ts'

/** Bytes of the trace that is pulled. */
const wantedBytes = 20 * 1024 * 1024
/** Blocks that are imported, half of them beside pulls and checks; with --quick the second number. Transfers of each, and time between. */
const blocks = [1_200, 100] as const
const perBlock = 50
const gapMs = 50
const turns = 10

/**
 * Blocks are imported while a trace of 20 MB is pulled over libp2p from another process and checked without weights on a thread, again
 * and again; in turns with as many blocks beside nothing. One process, as in a node. Times of an import: p50Ms, p99Ms.
 */
export async function benchCheckImport({ quick }: { readonly quick: boolean }): Promise<object> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-check-import-'))
  const count = quick ? blocks[1] : blocks[0]
  const holder = fork(join(import.meta.dirname, 'proof-holder.ts'), { execArgv: ['--import', 'tsx'] })
  // It stands for another machine: what it costs is not the node's.
  if (holder.pid !== undefined) setPriority(holder.pid, constants.priority.PRIORITY_LOW)
  const closers: (() => unknown)[] = [() => holder.kill(), () => rmSync(dir, { recursive: true })]
  try {
    const answer = await longAnswer()
    const path = join(dir, 'proof')
    writeFileSync(path, answer.file)
    const held = await new Promise<{ readonly address: string; readonly proofHash: Hex }>((resolve, reject) => {
      holder.once('message', resolve)
      holder.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)))
      holder.send(path)
    })
    const [worker, checker] = [account(1).address, account(100).address]
    const node = await startWorkerNode('checker', 100, bookOf([worker], [checker]))
    closers.push(() => node.network.stop())
    await node.network.connect(held.address)
    while (node.network.hostsOf(worker).length === 0) await pause(50)
    const model = readFileSync(baseModelFile)
    const pool = await SecretPool.open({ folder: join(dir, 'pools'), root: readBaseModelRecord().root }, async () =>
      bytesSource(model),
    )
    const thread = new CheckerThread(pool)
    closers.push(() => thread.close())
    const wanted = { proofHash: held.proofHash, proofBytes: answer.file.length }
    const check = () => pullAndCheck(node, thread, wanted, answer.facts)
    await check()

    const envelopes = await built(join(dir, 'built'), count)
    const target = await openEngine(join(dir, 'imported'))
    closers.push(target.close)
    const [alone, beside]: [number[], number[]] = [[], []]
    const checks: number[] = []
    const size = Math.ceil(count / (2 * turns))
    for (let at = 0; at < count; at += 2 * size) {
      alone.push(...(await importAll(target.engine, envelopes.slice(at, at + size))))
      let isOver = false
      const checking = (async () => {
        while (!isOver) checks.push(await timed(check))
      })()
      beside.push(...(await importAll(target.engine, envelopes.slice(at + size, at + 2 * size))))
      isOver = true
      await checking
    }
    return {
      proofMb: Math.round(answer.file.length / 1e5) / 10,
      checks: checks.length,
      pullAndCheckMs: at(checks, 0.5),
      importP50Ms: { alone: at(alone, 0.5), beside: at(beside, 0.5) },
      importP99Ms: { alone: at(alone, 0.99), beside: at(beside, 0.99) },
    }
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** An answer of the shipped model whose trace has the wanted bytes, as far as its context goes: a long prompt, one token. */
async function longAnswer(): Promise<{ readonly file: Uint8Array; readonly facts: ReceiptFacts }> {
  const model = decodeModel(readFileSync(baseModelFile))
  const { config, expTable } = model
  const rows = model.layers.reduce(
    (sum, { query, key, value, output, gate, up, down }) =>
      sum + [query, key, value, output, gate, up, down].reduce((all, matrix) => all + matrix.rows, 0),
    0,
  )
  const tin = Math.min(config.context - 1, Math.ceil(wantedBytes / (3 * rows)))
  const input = Array.from({ length: tin }, (_, i) => (i === 0 ? config.bos : 300 + ((7 * i) % 400)))
  const parts = { engine: new WasmEngine(model), expTable, text: readTokenizer(model.tokenizer) }
  const rule = { tempQ16: 0, topK: 0, topPQ16: 65_536 }
  const request = { input, rule, maxTokens: 1, stops: [], seed: new Uint8Array(32) }
  const output: number[] = []
  for await (const { token } of generate(parts, request)) output.push(token)
  const never = new AbortController().signal
  const { traceRoot, proof } = await openTraces(model, parts).again(request, output, false, never)
  if (proof === undefined) throw new Error('an answer without a proof')
  const facts = {
    ...{ promptRoot: tokenListRoot(input), outputRoot: tokenListRoot(output), traceRoot, requestId: zeroHash },
    ...{ stopHash: zeroHash, rule, seed: request.seed, maxTokens: 1, cancelled: false, slots: [] },
  }
  return { file: proof, facts }
}

type Wanted = { readonly proofHash: Hex; readonly proofBytes: number }

async function pullAndCheck(
  node: TestWorkerNode,
  thread: CheckerThread,
  wanted: Wanted,
  facts: ReceiptFacts,
): Promise<void> {
  const holders = node.network.hostsOf(account(1).address)
  const file = await node.network.pull(wanted, holders, new AbortController().signal)
  const { verdict } = await thread.check(facts, file)
  if (!verdict.ok) throw new Error(`an honest answer is judged ${JSON.stringify(verdict)}`)
}

async function openEngine(dir: string) {
  const genesis = benchGenesis()
  const chain = await EmbeddedChain.open({ dir, genesis: parseGenesis(genesis), archive: false }, { log: silentLog })
  const engine = new EmbeddedEngine(chain, { log: silentLog })
  const close = async () => {
    await engine.stop()
    await chain.close()
  }
  return { chain, engine, close, gasLimit: BigInt(genesis.gasLimit) }
}

async function built(dir: string, count: number): Promise<PayloadEnvelope[]> {
  const source = await openEngine(dir)
  const envelopes: PayloadEnvelope[] = []
  for (const transactions of signedBlocks('transfer', count, perBlock)) {
    const envelope = await buildBlock(source, transactions.map(hexToBytes), source.gasLimit)
    await importBlock(source.engine, envelope)
    envelopes.push(envelope)
  }
  await source.close()
  return envelopes
}

async function importAll(engine: EmbeddedEngine, envelopes: readonly PayloadEnvelope[]): Promise<number[]> {
  const times: number[] = []
  for (const envelope of envelopes) {
    times.push(await timed(() => importBlock(engine, envelope)))
    await pause(gapMs)
  }
  return times
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await act()
  return performance.now() - begin
}

function at(times: readonly number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN) * 10) / 10
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
