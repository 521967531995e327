import { describe, expect, test } from 'vitest'
import { buildEpoch } from '../../../attribution/epochs/build-epoch.ts'
import type { Call } from '../../../attribution/epochs/challenge.ts'
import { checkEpoch } from '../../../attribution/epochs/check-epoch.ts'
import { sortCredits } from '../../../attribution/epochs/epoch-credits.ts'
import { decodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { epochPayouts } from '../../../attribution/epochs/epoch-payouts.ts'
import { creditBytes, creditTree, payoutBytes, payoutTree } from '../../../attribution/epochs/epoch-rows.ts'
import { EpochError, type EpochParent, noEpoch } from '../../../attribution/epochs/epoch-task.ts'
import type { EpochFacts } from '../../../attribution/epochs/mature-batch.ts'
import type { ServedLeaf } from '../../../attribution/epochs/served-leaves.ts'
import { bytesToHex, equalBytes, zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import type { EpochRecord } from '../../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../../protocol/payout-epoch.ts'
import { batchHash } from '../../../protocol/receipt-batch.ts'
import { answerTerms } from '../../fakes/dispute-batch.ts'
import { DisputeWorld } from '../../fakes/dispute-world.ts'
import { payeeOf, randomBatches, wideBatch } from '../../fakes/epoch-batches.ts'
import { EpochJudge } from '../../fakes/epoch-judge.ts'
import {
  changes,
  hide,
  paid,
  propose,
  type Rows,
  rowAt,
  type Secret,
  shift,
  swap,
} from '../../fakes/epoch-mutations.ts'
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
        const outcome = pursue(secret, facts, () => {}, random.chance(0.5))
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

  test('a hidden tree of many leaves is searched in few answers', { timeout: 120_000 }, () => {
    const batches = [wideBatch(1n, 200, 10, () => payeeOf(new Random(0).int(9)))]
    const facts = { epoch: 1n, parent: noEpoch, lastBatch: 1n, batches, algoHash: zeroHash }
    const random = new Random(seed)
    const built = buildEpoch(facts)
    const data = decodeEpochFile(built.file)
    for (let i = 0; i < 8; i++) {
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
      // All at once, five rounds are enough: as many as fit the time for demands.
      const rounds: number[] = []
      expect(typeof pursue(secret, facts, (_, round) => rounds.push(round), true)).toBe('object')
      expect(Math.max(...rounds)).toBeLessThan(5)
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

/** Asks for what the check demands, the first leaf of each round or all, until it ends. */
function pursue(
  secret: Secret,
  facts: EpochFacts,
  onAsk: (index: number, round: number) => void = () => {},
  isAll = false,
): Call | 'right' | 'silence' {
  const served: { credits: ServedLeaf[]; payouts: ServedLeaf[] } = { credits: [], payouts: [] }
  for (let round = 0; ; round++) {
    const verdict = checkEpoch(recordOf(secret.header), served, facts)
    if (verdict.kind === 'right') return 'right'
    if (verdict.kind === 'challenge') return verdict.call
    for (const { functionName, args } of isAll ? [verdict.call, ...(verdict.also ?? [])] : [verdict.call]) {
      const index = Number(args[1])
      const kind = functionName === 'requestCredit' ? 'credits' : 'payouts'
      onAsk(index, round)
      expect(served[kind].map((leaf) => leaf.index)).not.toContain(index)
      const bytes = kind === 'credits' ? creditBytes : payoutBytes
      const row = rowAt(secret.data[kind], bytes, index)
      const leaf = (kind === 'credits' ? creditTree : payoutTree)(secret.data[kind]).row(0, index)
      if (!equalBytes(leaf, secret[kind].row(0, index))) return 'silence'
      served[kind].push({ index, row, siblings: secret[kind].siblings(index) })
    }
  }
}
