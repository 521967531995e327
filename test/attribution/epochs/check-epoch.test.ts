import { describe, expect, test } from 'vitest'
import { buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import type { Call } from '../../../attribution/epochs/challenge.ts'
import { checkEpoch } from '../../../attribution/epochs/check-epoch.ts'
import { sortCredits } from '../../../attribution/epochs/epoch-credits.ts'
import { decodeEpochFile, type EpochFile, encodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { epochPayouts } from '../../../attribution/epochs/epoch-payouts.ts'
import {
  creditBytes,
  creditTree,
  leafRowBytes,
  payoutAt,
  payoutBytes,
  payoutTree,
  setU128,
  u128At,
  viewOf,
} from '../../../attribution/epochs/epoch-rows.ts'
import { EpochError, type EpochParent, noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import { sumOf } from '../../../attribution/epochs/epoch-trees.ts'
import type { EpochFacts } from '../../../attribution/epochs/mature-batch.ts'
import { RowTree } from '../../../attribution/epochs/row-tree.ts'
import type { ServedLeaf } from '../../../attribution/epochs/served-leaves.ts'
import {
  bytesToHex,
  concatBytes,
  equalBytes,
  FormatError,
  hexToBytes,
  uintBytes,
  zeroAddress,
  zeroHash,
} from '../../../protocol/bytes.ts'
import type { EpochRecord } from '../../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../../protocol/payout-epoch.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import { answerTerms } from '../../fakes/dispute-batch.ts'
import { DisputeWorld } from '../../fakes/dispute-world.ts'
import { payeeOf, randomBatches, wideBatch } from '../../fakes/epoch-batches.ts'
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

/** Corrupted epochs of the first test; the full trial is 30,000. The second takes a sixth: it has more rounds. */
const corrupted = Number(process.env['OPENLEDGER_FUZZ'] ?? 3_000)

describe('checkEpoch', () => {
  test(`of ${corrupted} corrupted epochs every harmful one is refused or challenged, and no honest one`, {
    timeout: 600_000,
  }, () => {
    const random = new Random(seed)
    const seen = { refused: 0, challenged: 0, harmless: 0, honest: 0 }
    const named = new Map<string, number>()
    while (seen.refused + seen.challenged + seen.harmless < corrupted) {
      const facts = world(random)
      if (facts === undefined) continue
      const judge = new EpochJudge(facts)
      const built = buildEpoch(facts)
      expect(judge.accepts(built.header)).toBe(true)
      expect(checkEpoch(recordOf(built.header), { file: built.file }, facts)).toEqual({ kind: 'right' })
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
        const verdict = checkEpoch(recordOf(proposal.header), { file: proposal.file }, facts)
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
    expect(seen.challenged).toBeGreaterThan(corrupted / 6)
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

  test(`of ${corrupted / 6} corrupted epochs whose leaves are shown only one by one, it finds every harmful one`, {
    timeout: 600_000,
  }, () => {
    const random = new Random(seed + 1)
    const named = new Map<string, number>()
    for (let epochs = 0; epochs < corrupted / 6; ) {
      const facts = world(random)
      if (facts === undefined) continue
      const judge = new EpochJudge(facts)
      const built = buildEpoch(facts)
      const data = decodeEpochFile(built.file)
      for (let i = 0; i < 30; i++) {
        const rows = random.pick(changes)(data, random, facts)
        const secret = hide({ ...data, ...rows }, built.header, random)
        if (secret === undefined || !judge.accepts(secret.header)) continue
        epochs++
        const outcome = pursue(secret, facts)
        if (outcome === 'right') {
          expect(paid(secret.data.payouts)).toEqual(paid(data.payouts))
        } else if (outcome !== 'silence') expect(judge.holds(outcome)).toBe(true)
        const name = typeof outcome === 'string' ? outcome : outcome.functionName
        named.set(name, (named.get(name) ?? 0) + 1)
      }
    }
    const found = [
      'badAmount',
      'badCreditEntry',
      'badCreditReceipt',
      'badCreditsTotal',
      'badCumulative',
      'badPayoutsTotal',
    ]
    const order = ['badVoidCredit', 'creditsUnsorted', 'payoutUnsorted', 'right', 'silence']
    expect([...named.keys()].sort()).toEqual([...found, ...order])
  })

  test('names challenges that the contract upholds', { timeout: 300_000 }, async () => {
    const chain = await DisputeWorld.create()
    await answerTerms(chain)
    const random = new Random(seed + 2)
    const named = new Set<string>()
    for (let challenges = 0; challenges < 60 || named.size < 7; ) {
      const facts = world(random)
      if (facts === undefined) continue
      await tellMarket(chain, facts)
      const built = buildEpoch(facts)
      const data = decodeEpochFile(built.file)
      for (let i = 0; i < 5; i++) {
        const proposal = propose({ ...data, ...random.pick(changes)(data, random, facts) }, built.header)
        if (proposal === undefined || !new EpochJudge(facts).accepts(proposal.header)) continue
        const verdict = checkEpoch(recordOf(proposal.header), { file: proposal.file }, facts)
        if (verdict.kind !== 'challenge') continue
        const { functionName, args } = verdict.call
        expect(await chain.ask('EpochJudge', functionName, args)).toEqual(expect.any(Number))
        named.add(functionName)
        challenges++
      }
    }
  })

  test('a hidden tree of many leaves is searched in few answers', () => {
    const batches = [wideBatch(1n, 200, 10, () => payeeOf(new Random(0).int(9)))]
    const facts = { epoch: 1n, parent: noEpoch, lastBatch: 1n, batches, algoHash: zeroHash }
    const random = new Random(seed)
    const built = buildEpoch(facts)
    const data = decodeEpochFile(built.file)
    for (let i = 0; i < 20; i++) {
      const credits = (i % 2 === 0 ? swap : shift)(data.credits, creditBytes, random)
      const proposal = propose({ ...data, credits }, built.header)
      if (proposal === undefined || bytesToHex(creditTree(credits).root) === built.header.creditsRoot) continue
      const { header } = proposal
      const secret = {
        header,
        data: { ...data, credits },
        credits: creditTree(credits),
        payouts: built.payouts,
        isBroken: false,
      }
      const asked: number[] = []
      const outcome = pursue(secret, facts, (index) => asked.push(index))
      expect(typeof outcome).toBe('object')
      // Down to one difference, then from there to what does not hold: 2,000 leaves are 11 levels.
      expect(asked.length).toBeLessThanOrEqual(2 * 11 + 2)
    }
  })
})

/** Has the market know the batches of an epoch, the voids in them and how many receipts stand before each. */
async function tellMarket(chain: DisputeWorld, { parent, batches, lastBatch }: EpochFacts): Promise<void> {
  let through = 7n
  const byId = new Map(batches.map((batch) => [batch.batchId, batch]))
  await chain.answer('receiptsThrough', [parent.lastBatch], through)
  for (let id = parent.lastBatch + 1n; id <= lastBatch; id++) {
    const batch = byId.get(id)
    through += BigInt(batch?.header.count ?? 0)
    await chain.answer('receiptsThrough', [id], through)
    if (batch === undefined) continue
    await chain.answer('batchHash', [id], bytesToHex(batchHash(batch.header)))
    for (let i = 0; i < batch.header.count; i++) await chain.answer('isVoid', [id, i], batch.voided.includes(i))
  }
}

/** An epoch whose proposer shows a leaf when asked, if it can. */
type Secret = {
  readonly header: EpochHeader
  readonly data: EpochFile
  readonly credits: RowTree
  readonly payouts: RowTree
}

type Spoil = (rows: Uint8Array, bytes: number, tree: RowTree, random: Random) => { rows: Uint8Array; tree: RowTree }

/** What a proposer can do to a tree besides listing wrong rows; `undefined` padding is absent. */
const spoils: readonly Spoil[] = [
  (rows, _, tree) => ({ rows, tree }),
  // A leaf whose hash is of nothing.
  (rows, _, tree, random) => {
    const leaves = tree.levels[0]?.slice() ?? new Uint8Array(0)
    leaves.set(random.bytes(32), random.int(tree.count) * leafRowBytes)
    return { rows, tree: RowTree.of(leaves, leafRowBytes) }
  },
  // A hash in the padding, without wei and with a wei that a leaf lost.
  (rows, bytes, _tree, random) => padded(rows, bytes, random, 0n),
  (rows, bytes, _tree, random) => padded(rows, bytes, random, 1n),
]

function padded(rows: Uint8Array, bytes: number, random: Random, wei: bigint): { rows: Uint8Array; tree: RowTree } {
  const count = rowsIn(rows, bytes)
  const treeOf = bytes === creditBytes ? creditTree : payoutTree
  const copy = rows.slice()
  const view = viewOf(copy)
  const ends = Array.from({ length: count }, (_, i) => (i + 1) * bytes - 16)
  const rich = ends.find((at) => u128At(view, at) >= wei) ?? 0
  const heights = treeOf(rows).levels.length - 1
  const height = Array.from({ length: heights }, (_, h) => h).find((h) => Math.ceil(count / 2 ** h) % 2 === 1)
  if (height === undefined || rich === 0) return { rows, tree: treeOf(rows) }
  setU128(view, rich, u128At(view, rich) - wei)
  const row = concatBytes(random.bytes(32), uintBytes(wei, 16))
  const padding = Array.from({ length: height + 1 }, (_, h) => (h === height ? row : undefined))
  return { rows: copy, tree: treeOf(copy, padding) }
}

/** Trees over the rows, one of them spoilt. */
function hide(data: EpochFile, honest: EpochHeader, random: Random): Secret | undefined {
  const proposal = propose(data, honest)
  if (proposal === undefined) return undefined
  const spoil = random.pick(spoils)
  const plain = { credits: creditTree(data.credits), payouts: payoutTree(data.payouts) }
  const inCredits = random.chance(0.5)
  const credits = inCredits
    ? spoil(data.credits, creditBytes, plain.credits, random)
    : { rows: data.credits, tree: plain.credits }
  const payouts = inCredits
    ? { rows: data.payouts, tree: plain.payouts }
    : spoil(data.payouts, payoutBytes, plain.payouts, random)
  const header = {
    ...proposal.header,
    creditsRoot: bytesToHex(credits.tree.root),
    creditsSum: sumOf(credits.tree),
    payoutRoot: bytesToHex(payouts.tree.root),
    payoutSum: sumOf(payouts.tree),
  }
  const rows = { ...data, credits: credits.rows, payouts: payouts.rows }
  return { header, data: rows, credits: credits.tree, payouts: payouts.tree }
}

/** Asks for what the check demands, until it ends. */
function pursue(
  secret: Secret,
  facts: EpochFacts,
  onAsk: (index: number) => void = () => {},
): Call | 'right' | 'silence' {
  const served: { credits: ServedLeaf[]; payouts: ServedLeaf[] } = { credits: [], payouts: [] }
  for (;;) {
    const verdict = checkEpoch(recordOf(secret.header), served, facts)
    if (verdict.kind === 'right') return 'right'
    if (verdict.kind === 'challenge') return verdict.call
    const index = Number(verdict.call.args[1])
    const kind = verdict.call.functionName === 'requestCredit' ? 'credits' : 'payouts'
    onAsk(index)
    expect(served[kind].map((leaf) => leaf.index)).not.toContain(index)
    const bytes = kind === 'credits' ? creditBytes : payoutBytes
    const row = rowAt(secret.data[kind], bytes, index)
    const leaf = (kind === 'credits' ? creditTree : payoutTree)(secret.data[kind]).row(0, index)
    if (!equalBytes(leaf, secret[kind].row(0, index))) return 'silence'
    served[kind].push({ index, row, siblings: secret[kind].siblings(index) })
  }
}
