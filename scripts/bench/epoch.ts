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
  readonly rssMb: number
}

const receiptsPerBatch = 1_000
const entriesPerReceipt = 20

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
  const start = performance.now()
  const { header, file } = await buildEpochInThread(task)
  const built = performance.now()
  const totals = { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n }
  const record = { header, proposer: zeroAddress, proposedAt: 0n, bond: 0n, totals }
  const verdict = await checkEpochInThread(record, { file }, task)
  if (verdict.kind !== 'right') throw new Error(`the check of an honest epoch says ${verdict.kind}`)
  return {
    credits: header.creditsCount,
    payees: header.payoutCount,
    buildS: seconds(built - start),
    checkS: seconds(performance.now() - built),
    rssMb: Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1e3),
  }
}

/** Spread over all first bytes, so that sorting has something to do. */
function addressDigits(i: number): string {
  return (Math.imul(i + 1, 0x9e37_79b1) >>> 0).toString(16).padStart(8, '0').repeat(5)
}

const seconds = (ms: number): number => Math.round(ms / 10) / 100
