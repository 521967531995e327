import { describe, expect, test } from 'vitest'
import { buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import { checkEpoch } from '../../../attribution/epochs/check-epoch.ts'
import { sortCredits } from '../../../attribution/epochs/epoch-credits.ts'
import { decodeEpochFile, type EpochFile, encodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { epochPayouts } from '../../../attribution/epochs/epoch-payouts.ts'
import {
  creditBytes,
  creditTree,
  payoutAt,
  payoutBytes,
  payoutTree,
  setU128,
  u128At,
  viewOf,
} from '../../../attribution/epochs/epoch-rows.ts'
import { EpochError, type EpochParent, noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import type { EpochFacts } from '../../../attribution/epochs/mature-batch.ts'
import { bytesToHex, concatBytes, FormatError, hexToBytes, zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import type { EpochRecord } from '../../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../../protocol/payout-epoch.ts'
import { payeeOf, randomBatches } from '../../fakes/epoch-batches.ts'
import { EpochJudge } from '../../fakes/epoch-judge.ts'
import { Random } from '../../fakes/random.ts'

const seed = Number(process.env['SEED'] ?? 1)
const payees = 6

function recordOf(header: EpochHeader): EpochRecord {
  const totals = { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n }
  return { header, proposer: zeroAddress, proposedAt: 0n, bond: 0n, totals }
}

/** Facts of an epoch on a parent, or undefined where nothing of it is live. */
function factsOf(random: Random, parent: EpochParent): EpochFacts | undefined {
  const batches = randomBatches(random, parent.lastBatch + 1n, payees)
  const lastBatch = batches.at(-1)?.batchId ?? 0n
  const facts = { epoch: 1n, parent, lastBatch, batches, algoHash: zeroHash }
  try {
    buildEpoch(facts)
    return facts
  } catch (error) {
    if (error instanceof EpochError) return undefined
    throw error
  }
}

/** The second epoch of two, so that there is a parent with payouts. */
function world(random: Random): EpochFacts | undefined {
  const first = factsOf(random, noEpoch)
  if (first === undefined || random.chance(0.3)) return first
  const { header, file } = buildEpoch(first)
  const { payouts } = decodeEpochFile(file)
  return factsOf(random, { lastBatch: first.lastBatch, payoutRoot: header.payoutRoot, payouts })
}

type Rows = Pick<EpochFile, 'credits' | 'payouts'>
type Change = (rows: Rows, random: Random, facts: EpochFacts) => Rows

const rowsIn = (rows: Uint8Array, bytes: number) => rows.length / bytes
const rowAt = (rows: Uint8Array, bytes: number, i: number) => rows.slice(i * bytes, (i + 1) * bytes)

/** The rows with row `i` replaced. */
function put(rows: Uint8Array, bytes: number, i: number, row: Uint8Array): Uint8Array {
  const copy = rows.slice()
  copy.set(row, i * bytes)
  return copy
}

function swap(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const [a, b] = [random.int(rowsIn(rows, bytes)), random.int(rowsIn(rows, bytes))]
  return put(put(rows, bytes, a, rowAt(rows, bytes, b)), bytes, b, rowAt(rows, bytes, a))
}

/** Moves wei between the sums of two rows, or adds some where they are one row. */
function shift(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const [a, b] = [random.int(rowsIn(rows, bytes)), random.int(rowsIn(rows, bytes))]
  const copy = rows.slice()
  const view = viewOf(copy)
  const at = (i: number) => (i + 1) * bytes - 16
  const has = u128At(view, at(a))
  const wei = random.chance(0.5) ? has : has / 2n
  setU128(view, at(a), has - wei)
  setU128(view, at(b), u128At(view, at(b)) + wei)
  return copy
}

function anyByte(rows: Uint8Array, random: Random): Uint8Array {
  const copy = rows.slice()
  copy[random.int(copy.length)] = random.int(256)
  return copy
}

function repay(rows: Uint8Array, bytes: number, random: Random): Uint8Array {
  const i = random.int(rowsIn(rows, bytes))
  const row = rowAt(rows, bytes, i)
  row.set(hexToBytes(payeeOf(random.int(payees + 2))))
  return put(rows, bytes, i, row)
}

/** Without row `i`; with another row twice; with a row of nothing for somebody. */
const drop = (rows: Uint8Array, bytes: number, i: number) =>
  concatBytes(rows.subarray(0, i * bytes), rows.subarray((i + 1) * bytes))
const insert = (rows: Uint8Array, bytes: number, i: number, row: Uint8Array) =>
  concatBytes(rows.subarray(0, i * bytes), row, rows.subarray(i * bytes))
const zeroPayout = (random: Random) => concatBytes(hexToBytes(payeeOf(random.int(payees + 4))), new Uint8Array(16))

/** The corruptions of one tree's rows. */
const rowChanges: readonly ((rows: Uint8Array, bytes: number, random: Random) => Uint8Array)[] = [
  swap,
  shift,
  repay,
  (rows, _, random) => anyByte(rows, random),
  (rows, bytes, random) => put(rows, bytes, random.int(rowsIn(rows, bytes)), rowAt(rows, bytes, 0)),
  (rows, bytes, random) => drop(rows, bytes, random.int(rowsIn(rows, bytes))),
  (rows, bytes, random) => {
    const i = random.int(rowsIn(rows, bytes))
    return insert(rows, bytes, i, rowAt(rows, bytes, random.int(rowsIn(rows, bytes))))
  },
]

/** A pointer at another receipt or entry, often one that is not there. */
const repoint: Change = ({ credits, payouts }, random, { batches }) => {
  const row = rowAt(credits, creditBytes, 0)
  const i = random.int(rowsIn(credits, creditBytes))
  row.set(rowAt(credits, creditBytes, i))
  const receipts = batches.reduce((sum, { header }) => sum + header.count, 0)
  if (random.chance(0.6)) viewOf(row).setUint32(20, random.int(receipts + 2))
  else viewOf(row).setUint32(24, random.int(6))
  return { credits: put(credits, creditBytes, i, row), payouts }
}

const changes: readonly Change[] = [
  ...rowChanges.map<Change>((change) => ({ credits, payouts }, random) => ({
    credits: change(credits, creditBytes, random),
    payouts,
  })),
  ...rowChanges.map<Change>((change) => ({ credits, payouts }, random) => ({
    credits,
    payouts: change(payouts, payoutBytes, random),
  })),
  repoint,
  // A payee's payouts are dropped, another takes them.
  ({ credits, payouts }, random) => {
    const moved = shift(payouts, payoutBytes, random)
    const empty = Array.from({ length: rowsIn(moved, payoutBytes) }, (_, i) => i).find(
      (i) => payoutAt(moved, i).cumulative === 0n,
    )
    return { credits, payouts: empty === undefined ? moved : drop(moved, payoutBytes, empty) }
  },
  ({ credits, payouts }, random) => {
    const row = zeroPayout(random)
    const place = random.int(rowsIn(payouts, payoutBytes) + 1)
    return { credits, payouts: insert(payouts, payoutBytes, place, row) }
  },
]

/** What a proposer publishes who wants the rows paid: trees and sums that fit them. Undefined where a sum is beyond u128. */
function propose(data: EpochFile, honest: EpochHeader): { header: EpochHeader; file: Uint8Array } | undefined {
  if (data.credits.length === 0 || data.payouts.length === 0) return undefined
  try {
    const [credits, payouts] = [creditTree(data.credits), payoutTree(data.payouts)]
    const header = {
      ...honest,
      creditsRoot: bytesToHex(credits.root),
      creditsSum: u128At(viewOf(credits.totals), 0),
      creditsCount: credits.count,
      payoutRoot: bytesToHex(payouts.root),
      payoutSum: u128At(viewOf(payouts.totals), 0),
      payoutCount: payouts.count,
    }
    return { header, file: encodeEpochFile(data) }
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** What everybody is paid, whatever the order; nothing is no row. */
function paid(payouts: Uint8Array): string {
  const rows = Array.from({ length: rowsIn(payouts, payoutBytes) }, (_, i) => payoutAt(payouts, i))
  return JSON.stringify(
    rows
      .filter(({ cumulative }) => cumulative > 0n)
      .map(({ payee, cumulative }) => `${payee}${cumulative}`)
      .sort(),
  )
}

describe('checkEpoch', () => {
  test('of 30,000 corrupted epochs every harmful one is refused or challenged, and no honest one', {
    timeout: 600_000,
  }, () => {
    const random = new Random(seed)
    const seen = { refused: 0, challenged: 0, harmless: 0, honest: 0 }
    const named = new Map<string, number>()
    while (seen.refused + seen.challenged + seen.harmless < 30_000) {
      const facts = world(random)
      if (facts === undefined) continue
      const judge = new EpochJudge(facts)
      const built = buildEpoch(facts)
      expect(judge.accepts(built.header)).toBe(true)
      expect(checkEpoch(recordOf(built.header), built.file, facts)).toEqual({ kind: 'right' })
      seen.honest++
      const data = decodeEpochFile(built.file)
      for (let i = 0; i < 60; i++) {
        let rows: Rows = data
        for (let n = 1 + random.int(2); n > 0; n--) {
          if (rows.credits.length > 0 && rows.payouts.length > 0) rows = random.pick(changes)(rows, random, facts)
        }
        // Half of the time the payouts follow from the wrong credits.
        if (random.chance(0.5))
          rows = { ...rows, payouts: epochPayouts(facts.parent.payouts, sortCredits(rows.credits)) }
        const proposal = propose({ ...data, ...rows }, built.header)
        if (proposal === undefined || !judge.accepts(proposal.header)) {
          seen.refused++
          continue
        }
        const verdict = checkEpoch(recordOf(proposal.header), proposal.file, facts)
        if (verdict.kind === 'right') {
          expect(paid(rows.payouts)).toEqual(paid(data.payouts))
          seen.harmless++
          continue
        }
        expect(verdict.kind).toBe('challenge')
        expect(judge.holds(verdict.call)).toBe(true)
        named.set(verdict.call.functionName, (named.get(verdict.call.functionName) ?? 0) + 1)
        seen.challenged++
      }
    }
    expect(seen.challenged).toBeGreaterThan(5_000)
    expect([...named.keys()].sort()).toEqual([
      'badAmount',
      'badCreditEntry',
      'badCreditReceipt',
      'badCumulative',
      'badVoidCredit',
      'creditsUnsorted',
      'payoutUnsorted',
    ])
  })
})
