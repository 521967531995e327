import { describe, expect, test } from 'vitest'
import { decodeBatchFile, encodeBatchFile, rowStarts } from '../../../attribution/epochs/batch-file.ts'
import { batchReceipt } from '../../../attribution/epochs/batch-rows.ts'
import { type BuiltEpoch, buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import { decodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { creditAt, payoutAt } from '../../../attribution/epochs/epoch-rows.ts'
import { EpochError, type EpochParent, type EpochTask, noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import { buildEpochInThread } from '../../../attribution/epochs/epoch-thread.ts'
import type { EpochFacts, MatureBatch } from '../../../attribution/epochs/mature-batch.ts'
import { bytesToHex, type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { amountOf } from '../../../protocol/fee.ts'
import { type Credit, creditRow, type Payout, payoutRow } from '../../../protocol/payout-epoch.ts'
import { SumTree } from '../../../protocol/sum-tree.ts'
import { randomBatches } from '../../fakes/epoch-batches.ts'
import { Random } from '../../fakes/random.ts'

/** MONEY §4 and §6 read literally, with objects. */
function naiveEpoch(
  batches: readonly MatureBatch[],
  before: readonly Payout[],
): { credits: Credit[]; payouts: Payout[] } {
  const credits: Credit[] = []
  let number = 0
  for (const { file, voided } of batches) {
    const { receipts } = decodeBatchFile(encodeBatchFile(file))
    const starts = rowStarts(receipts)
    for (let i = 0; i < starts.entries.length - 1; i++, number++) {
      if (voided.includes(i)) continue
      const { sums, entries } = batchReceipt(file, starts, i)
      const place = (kind: number) => [5, 7, 8][kind] ?? 9
      for (const [k, { payee, class: kind, weight }] of entries.entries()) {
        const beside = entries.filter((other) => place(other.class) === place(kind))
        const weights = beside.reduce((sum, other) => sum + other.weight, 0n)
        const amount = amountOf(sums[place(kind)] ?? 0n, weight, weights)
        credits.push({ payee, receipt: number, entry: k, amount })
      }
    }
  }
  const cumulative = new Map<Hex, bigint>(before.map((payout) => [payout.payee, payout.cumulative]))
  for (const { payee, amount } of credits) cumulative.set(payee, (cumulative.get(payee) ?? 0n) + amount)
  const key = ({ payee, receipt, entry }: Credit) =>
    `${payee}${[receipt, entry].map((n) => String(n).padStart(10, '0'))}`
  return {
    credits: credits.sort((a, b) => (key(a) < key(b) ? -1 : 1)),
    payouts: [...cumulative].sort(([a], [b]) => (a < b ? -1 : 1)).map(([payee, sum]) => ({ payee, cumulative: sum })),
  }
}

/** wei that the credits of live receipts draw on. */
function payableOf(batches: readonly MatureBatch[]): bigint {
  let payable = 0n
  for (const { file, voided } of batches) {
    const starts = rowStarts(file.receipts)
    for (let i = 0; i < starts.entries.length - 1; i++) {
      const { sums } = batchReceipt(file, starts, i)
      if (!voided.includes(i)) for (const place of [5, 7, 8, 9]) payable += sums[place] ?? 0n
    }
  }
  return payable
}

function taskOf(random: Random, parent: EpochParent): EpochFacts {
  const batches = randomBatches(random, parent.lastBatch + 1n + BigInt(random.int(2)), 9)
  const lastBatch = (batches.at(-1)?.batchId ?? 0n) + BigInt(random.int(2))
  return { epoch: 1n, parent, lastBatch, batches, algoHash: zeroHash }
}

/** Undefined where no receipt is live. */
function built(task: EpochTask): BuiltEpoch | undefined {
  try {
    return buildEpoch(task)
  } catch (error) {
    if (error instanceof EpochError && error.code === 'empty') return undefined
    throw error
  }
}

const rowsOf = <T>(count: number, at: (i: number) => T) => Array.from({ length: count }, (_, i) => at(i))

describe('buildEpoch', () => {
  test('equals the page read literally, over chains of epochs', { timeout: 120_000 }, () => {
    let epochs = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed)
      let parent = noEpoch
      let before: Payout[] = []
      for (let e = 0; e < 3; e++) {
        const task = taskOf(random, parent)
        const epoch = built(task)
        if (epoch === undefined) continue
        epochs++
        const { credits, payouts } = naiveEpoch(task.batches, before)
        const { header, file } = epoch
        const data = decodeEpochFile(file)
        expect(rowsOf(header.creditsCount, (i) => creditAt(data.credits, i))).toEqual(credits)
        expect(rowsOf(header.payoutCount, (i) => payoutAt(data.payouts, i))).toEqual(payouts)
        const creditTree = new SumTree(credits.map((credit, i) => creditRow(i, credit)))
        const payoutTree = new SumTree(payouts.map((payout, i) => payoutRow(i, payout)))
        expect(header).toEqual({
          epoch: task.epoch,
          parentRoot: parent.payoutRoot,
          firstBatch: parent.lastBatch + 1n,
          lastBatch: task.lastBatch,
          creditsRoot: bytesToHex(creditTree.root),
          creditsSum: credits.reduce((sum, { amount }) => sum + amount, 0n),
          creditsCount: credits.length,
          payoutRoot: bytesToHex(payoutTree.root),
          payoutSum: payouts.reduce((sum, payout) => sum + payout.cumulative, 0n),
          payoutCount: payouts.length,
          dataHash: contentHash(file),
          algoHash: zeroHash,
        })
        const { epoch: number, parentRoot, firstBatch, lastBatch } = data
        expect({ ...header, epoch: number, parentRoot, firstBatch, lastBatch }).toEqual(header)
        parent = { lastBatch: task.lastBatch, payoutRoot: header.payoutRoot, payouts: data.payouts }
        before = payouts
      }
    }
    expect(epochs).toBeGreaterThan(300)
  })

  test('is the same on a thread of its own, which tells its progress', { timeout: 120_000 }, async () => {
    const task = taskOf(new Random(7), noEpoch)
    const steps: string[] = []
    const there = await buildEpochInThread(task, { onProgress: ({ step }) => steps.push(step) })
    const here = buildEpoch(task)
    expect(there.header).toEqual(here.header)
    expect(there.file).toEqual(here.file)
    expect(there.payouts.siblings(1)).toEqual(here.payouts.siblings(1))
    expect(new Set(steps)).toEqual(new Set(['credits', 'sort', 'credit tree', 'payouts', 'payout tree', 'file']))
  })

  test('on a thread fails as it does here, and stops when asked to', { timeout: 120_000 }, async () => {
    const task = taskOf(new Random(7), noEpoch)
    await expect(buildEpochInThread({ ...task, batches: [] })).rejects.toThrow(EpochError)
    const stopped = new Error('stopped')
    await expect(buildEpochInThread(task, { signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped)
  })

  test('pays entries whose weights are more than one, or more than a number holds, no more than their pool', () => {
    const random = new Random(9)
    let heavy = 0
    for (let i = 0; i < 20; i++) {
      const task = taskOf(random, noEpoch)
      const batches = task.batches.map((batch) => {
        const entries = batch.file.entries.slice()
        const view = new DataView(entries.buffer)
        // A weight is the last u64 of a row of 69 bytes.
        for (let at = 61; at < entries.length; at += 69) {
          if (random.chance(0.6)) view.setBigUint64(at, random.big(random.pick([19, 20, 21, 40, 64])))
        }
        return { ...batch, file: { ...batch.file, entries } }
      })
      const epoch = built({ ...task, batches })
      if (epoch === undefined) continue
      const { credits, payouts } = naiveEpoch(batches, [])
      const sum = credits.reduce((total, { amount }) => total + amount, 0n)
      expect([epoch.header.creditsSum, epoch.header.payoutCount]).toEqual([sum, payouts.length])
      expect(sum <= payableOf(batches)).toBe(true)
      heavy++
    }
    expect(heavy).toBeGreaterThan(10)
  })
})
