/**
 * An epoch of a million credits and a hundred thousand payees: built on its worker thread as an attributor does, and checked in
 * the way of a watcher, who builds it again and compares. Resident memory is the most that the process ever held, the
 * making of its batches included.
 */
import { readFileSync } from 'node:fs'
import { noEpoch } from '../../attribution/epochs/epoch-task.ts'
import { buildEpochInThread, checkEpochInThread } from '../../attribution/epochs/epoch-thread.ts'
import { type Hex, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import { wideBatch } from '../../test/fakes/epoch-batches.ts'
import { Random } from '../../test/fakes/random.ts'

export type EpochBench = {
  readonly credits: number
  readonly payees: number
  readonly buildS: number
  readonly checkS: number
  /** The same by CPU time, all threads: what a busy machine leaves as it is. */
  readonly buildCpuS: number
  readonly checkCpuS: number
  readonly rssMb: number
}

const receiptsPerBatch = 1_000
const entriesPerReceipt = 20
/** Each is timed so often, in turn; the quickest by CPU time counts. */
const rounds = 2
const noTotals = { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n }

export async function benchEpoch({ quick }: { readonly quick: boolean }): Promise<EpochBench> {
  const [batchCount, payees] = quick ? [5, 10_000] : [50, 100_000]
  const random = new Random(1)
  // Every payee once, then at random.
  let next = 0
  const payee = (): Hex => `0x${addressDigits(next < payees ? next++ : random.int(payees))}`
  const batches = Array.from({ length: batchCount }, (_, i) =>
    wideBatch(BigInt(i + 1), receiptsPerBatch, entriesPerReceipt, payee),
  )
  const task = { epoch: 1n, parent: noEpoch, lastBatch: BigInt(batchCount), batches, algoHash: zeroHash }
  const builds = []
  const checks = []
  for (let i = 0; i < rounds; i++) {
    const build = await timed(() => buildEpochInThread(task))
    builds.push(build)
    const { header, file } = build.result
    const record = { header, proposer: zeroAddress, proposedAt: 0n, bond: 0n, totals: noTotals }
    const check = await timed(() => checkEpochInThread(record, { file }, task))
    if (check.result.kind !== 'right') throw new Error(`the check of an honest epoch says ${check.result.kind}`)
    checks.push(check)
  }
  const [build, check] = [quickest(builds), quickest(checks)]
  const { header } = build.result
  return {
    credits: header.creditsCount,
    payees: header.payoutCount,
    ...{ buildS: build.wallS, checkS: check.wallS, buildCpuS: build.cpuS, checkCpuS: check.cpuS },
    rssMb: Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1e3),
  }
}

/** Spread over all first bytes, so that sorting has something to do. */
function addressDigits(i: number): string {
  return (Math.imul(i + 1, 0x9e37_79b1) >>> 0).toString(16).padStart(8, '0').repeat(5)
}

type Timed<T> = { readonly result: T; readonly wallS: number; readonly cpuS: number }

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { user, system } = process.cpuUsage(cpu)
  return { result, wallS: seconds(performance.now() - start), cpuS: seconds((user + system) / 1e3) }
}

function quickest<T>([first, ...others]: readonly Timed<T>[]): Timed<T> {
  if (first === undefined) throw new Error('nothing was timed')
  return others.reduce((best, one) => (one.cpuS < best.cpuS ? one : best), first)
}

const seconds = (ms: number): number => Math.round(ms / 10) / 100
