import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BuiltEpoch, buildEpoch } from '../../attribution/epochs/build-epoch.ts'
import type { Call } from '../../attribution/epochs/challenge.ts'
import { checkEpoch } from '../../attribution/epochs/check-epoch.ts'
import { sortCredits } from '../../attribution/epochs/epoch-credits.ts'
import { decodeEpochFile, type EpochFile, encodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { epochPayouts } from '../../attribution/epochs/epoch-payouts.ts'
import { creditAt, creditBytes, payoutAt, payoutBytes } from '../../attribution/epochs/epoch-rows.ts'
import { noEpoch } from '../../attribution/epochs/epoch-task.ts'
import type { EpochFacts, MatureBatch } from '../../attribution/epochs/mature-batch.ts'
import type { RowTree } from '../../attribution/epochs/row-tree.ts'
import type { ServedLeaf } from '../../attribution/epochs/served-leaves.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import {
  type EpochRecord,
  type EpochState,
  epochStateOf,
  noEpoch as noState,
  type Totals,
} from '../../protocol/epoch-record.ts'
import { creditRow, payoutRow } from '../../protocol/payout-epoch.ts'
import { sumTreeRoot } from '../../protocol/sum-tree.ts'
import type { Demand } from './batch-answers.ts'
import { changed, changedFile } from './batch-mutations.ts'
import { openedReceipt } from './dispute-arguments.ts'
import type { Committed } from './dispute-batch.ts'
import { DisputeChain } from './dispute-chain.ts'
import { challengesOfEpoch, type Proposed } from './dispute-epoch.ts'
import { draftsFile } from './dispute-facts.ts'
import { changes, hide, paid, type Secret } from './epoch-mutations.ts'
import { clocks, open, Reverted } from './money-chain.ts'
import { at, ProvenTree } from './proven-tree.ts'
import type { Random } from './random.ts'
import { tally } from './tally.ts'

/** Epochs spoilt in turn on the same batches. */
const spoiltPerChain = 150
/** Of so many challenges one is sent as a transaction; the others are put to the judge alone. */
const sentOneIn = 25

type Known = { readonly batch: Committed; readonly voided: readonly number[]; isVoid: boolean }

/** An epoch about to be proposed, right or wrong. */
type Proposal = Secret & { readonly parent: EpochState; readonly tops: readonly [Hex, Hex] }

/**
 * Honest and spoilt epochs against the real ledger, market and judge: whatever the ledger lets through is found by
 * `checkEpoch`, whose every challenge holds, or pays everybody what the right one does.
 */
export class EpochCampaign {
  readonly outcomes = new Map<string, number>()
  readonly #world: DisputeChain
  readonly #random: Random
  done = 0
  honest = 0

  static async create(random: Random): Promise<EpochCampaign> {
    return new EpochCampaign(await DisputeChain.create(), random)
  }

  constructor(world: DisputeChain, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** Batches, often an epoch of the first of them, then spoilt epochs of the others. */
  async round(): Promise<void> {
    await this.#world.chain.trial(async () => {
      const { chain } = this.#world
      const batches: Known[] = []
      for (let n = 2 + this.#random.int(3); n > 0; n--) batches.push(await this.#batch())
      const last = batches.at(-1)
      if (batches.length > 2 && last !== undefined && this.#random.chance(0.3)) await this.#voidWhole(last)
      chain.advance(clocks.window)
      const first = this.#random.chance(0.7) ? 1 : 0
      const parent = first === 0 ? undefined : await this.#standing(batches.slice(0, first))
      const rest = batches.slice(first)
      if (rest.every(({ isVoid }) => isVoid)) return
      await this.#mature(rest)
      const facts = this.#facts(rest, parent)
      const built = buildEpoch(facts)
      const state = parent === undefined ? noState : epochStateOf(parent.record)
      await chain.trial(() => this.#judgeHonest(built, facts, state, rest))
      for (let i = 0; i < spoiltPerChain; i++) await chain.trial(() => this.#judgeSpoilt(built, facts, state))
    })
  }

  /** A batch with some receipts void, each by a real challenge, or the whole of it for want of an answer. */
  async #batch(): Promise<Known> {
    const { chain, stranger, payers } = this.#world
    const random = this.#random
    const plans = random.list(1 + random.int(3), () => ({
      ...{ payer: random.pick(payers), tin: random.int(50), tout: random.int(50), hasApp: random.chance(0.5) },
    }))
    const drafts = await this.#world.drafts(plans.sort((a, b) => (a.payer.address < b.payer.address ? -1 : 1)))
    const voided = drafts.flatMap((_, i) => (i > 0 && random.chance(0.25) ? [i] : []))
    for (const i of voided) at(drafts, i).sums[1] = at(at(drafts, i).sums, 1) + 1n
    const batch = await this.#world.commit(drafts)
    for (const i of voided) {
      await chain.send(stranger, 'DisputeGame', 'badReceipt', [openedReceipt(batch, i), batch.segments])
    }
    return { batch, voided, isVoid: false }
  }

  /** For want of an answer. */
  async #voidWhole(known: Known): Promise<void> {
    const { chain, stranger } = this.#world
    const { header, segments } = known.batch
    const sent = await chain.send(stranger, 'AttributionLedger', 'requestReceipt', [header, 0], { value: open })
    const demand = sent.events.find(({ name }) => name === 'DataRequested')?.args['demand']
    chain.advance((clocks.window * 2n) / 3n)
    await chain.send(stranger, 'AttributionLedger', 'batchDataMissing', [demand, header, segments])
    known.isVoid = true
  }

  async #mature(batches: readonly Known[]): Promise<void> {
    const headers = batches.map(({ batch }) => batch.header)
    await this.#world.chain.send(this.#world.stranger, 'InferenceMarket', 'matureBatches', [headers])
  }

  async #standing(batches: readonly Known[]): Promise<{ readonly record: EpochRecord; readonly built: BuiltEpoch }> {
    await this.#mature(batches)
    const built = buildEpoch(this.#facts(batches, undefined))
    const { header, file, credits, payouts } = built
    const record = await this.#propose(withTops({ header, data: decodeEpochFile(file), credits, payouts }, noState))
    if (typeof record === 'string') throw new Error(`an honest epoch is refused: ${record}`)
    return { record, built }
  }

  #facts(
    batches: readonly Known[],
    parent: { readonly record: EpochRecord; readonly built: BuiltEpoch } | undefined,
  ): EpochFacts {
    const mature = ({ batch, voided }: Known): MatureBatch => ({
      batchId: batch.header.batchId,
      header: batch.header,
      file: decodeBatchFile(draftsFile(batch.drafts)),
      voided,
    })
    const header = parent?.record.header
    return {
      epoch: (header?.epoch ?? 0n) + 1n,
      parent:
        parent === undefined || header === undefined
          ? noEpoch
          : {
              ...{ lastBatch: header.lastBatch, payoutRoot: header.payoutRoot },
              payouts: decodeEpochFile(parent.built.file).payouts,
            },
      lastBatch: at(batches, batches.length - 1).batch.header.batchId,
      batches: batches.filter(({ isVoid }) => !isVoid).map(mature),
      algoHash: algoHashV1,
    }
  }

  /** The record of the epoch that stands then, or why the ledger refuses it. */
  async #propose({ header, tops, parent }: Proposal): Promise<EpochRecord | string> {
    const { chain } = this.#world
    const proposer = (await chain.stored('AttributionLedger', 'attributor')) as Hex
    const bond = 2n * open
    const args = [header, ...tops, parent]
    try {
      const { events } = await chain.send(proposer, 'AttributionLedger', 'proposeEpoch', args, { value: bond })
      const totals = events.find(({ name }) => name === 'EpochProposed')?.args['totals'] as Totals
      return { header, proposer, proposedAt: chain.now, bond, totals }
    } catch (error) {
      if (error instanceof Reverted) return error.error
      throw error
    }
  }

  async #judgeHonest(built: BuiltEpoch, facts: EpochFacts, parent: EpochState, from: readonly Known[]): Promise<void> {
    const { header, file, credits, payouts } = built
    const data = decodeEpochFile(file)
    const proposal = withTops({ header, data, credits, payouts }, parent)
    const record = await this.#propose(proposal)
    if (typeof record === 'string') throw new Error(`an honest epoch is refused: ${record}`)
    for (const shown of [file, undefined, changedFile(file, this.#random)]) {
      const end = await this.#pursue(record, proposal, facts, shown)
      if (end.outcome !== 'right') throw new Error(`an honest epoch ends as ${end.outcome}`)
    }
    for (const challenge of challengesOfEpoch(drafted(record, data, facts, from))) {
      const answer = await this.#world.ask(challenge)
      if (typeof answer === 'number') throw new Error(`${challenge.name} holds against an honest epoch`)
    }
    this.honest++
  }

  async #judgeSpoilt(built: BuiltEpoch, facts: EpochFacts, parent: EpochState): Promise<void> {
    const proposal = this.#spoil(built, facts, parent)
    if (proposal === undefined) return
    this.done++
    const record = await this.#propose(proposal)
    if (typeof record === 'string') {
      tally(this.outcomes, `refused ${record}`)
      return
    }
    const shown = this.#random.chance(0.6) ? built.file : undefined
    const published = this.#random.chance(0.5) ? shown : encodeEpochFile(proposal.data)
    const { outcome, call } = await this.#pursue(record, proposal, facts, published)
    if (outcome === 'right') {
      const right = decodeEpochFile(built.file)
      if (paid(proposal.data.payouts) !== paid(right.payouts)) throw new Error('an epoch that pays others stands')
    }
    if (call !== undefined && this.#isSent(call)) await this.#send(call)
    tally(this.outcomes, outcome)
  }

  /** Undefined where the change makes no epoch at all. */
  #spoil(built: BuiltEpoch, facts: EpochFacts, parent: EpochState): Proposal | undefined {
    const random = this.#random
    const data = decodeEpochFile(built.file)
    const kind = random.int(10)
    const whole = withTops({ header: built.header, data, credits: built.credits, payouts: built.payouts }, parent)
    if (kind === 0) return { ...whole, header: changed(built.header, random) }
    if (kind === 1) return { ...whole, parent: random.chance(0.5) ? noState : changed(parent, random) }
    if (kind === 2) return this.#unopenable(whole)
    let rows: EpochFile = data
    for (let n = 1 + random.int(2); n > 0; n--) {
      if (rows.credits.length === 0 || rows.payouts.length === 0) return undefined
      rows = { ...rows, ...random.pick(changes)(rows, random, facts) }
    }
    // Half of the time the payouts follow from the wrong credits.
    if (random.chance(0.5)) rows = { ...rows, payouts: epochPayouts(facts.parent.payouts, sortCredits(rows.credits)) }
    const secret = hide(rows, built.header, random)
    return secret && withTops(secret, parent)
  }

  /** A root over a top that no leaves have. */
  #unopenable(proposal: Proposal): Proposal {
    const { header, tops } = proposal
    const top = bytesToHex(this.#random.bytes(32))
    const rootOver = (count: number, sum: bigint) =>
      bytesToHex(sumTreeRoot(count, concatBytes(hexToBytes(top), uintBytes(sum, 16))))
    const { creditsSum, creditsCount, payoutSum, payoutCount } = header
    return this.#random.chance(0.5)
      ? { ...proposal, tops: [top, tops[1]], header: { ...header, creditsRoot: rootOver(creditsCount, creditsSum) } }
      : { ...proposal, tops: [tops[0], top], header: { ...header, payoutRoot: rootOver(payoutCount, payoutSum) } }
  }

  /** What a watcher brings about that checks, demands, and checks again. */
  async #pursue(record: EpochRecord, secret: Secret, facts: EpochFacts, file: Uint8Array | undefined) {
    const served: { credits: ServedLeaf[]; payouts: ServedLeaf[] } = { credits: [], payouts: [] }
    const most = secret.credits.count + secret.payouts.count + 1
    for (let asked = 0; asked < most; asked++) {
      const verdict = checkEpoch(record, { file, ...served }, facts)
      if (verdict.kind === 'right') return { outcome: 'right' }
      const { call } = verdict
      if (verdict.kind === 'challenge') {
        const answer = await this.#world.ask({ judge: 'EpochJudge', name: call.functionName, args: call.args })
        if (typeof answer === 'string') throw new Error(`${call.functionName} does not hold: ${answer}`)
        return { outcome: `challenged ${call.functionName}`, call }
      }
      if (!(await this.#demand(record, secret, call, served))) return { outcome: 'reverted by silence' }
    }
    throw new Error('the watcher asks for more leaves than there are')
  }

  /** False where the proposer cannot answer and the epoch is reverted for it. */
  async #demand(
    record: EpochRecord,
    secret: Secret,
    { functionName, args }: Call,
    served: { readonly credits: ServedLeaf[]; readonly payouts: ServedLeaf[] },
  ): Promise<boolean> {
    const { chain, stranger } = this.#world
    const sent = await chain.send(stranger, 'AttributionLedger', functionName, args, { value: open })
    const demand = sent.events.find(({ name }) => name === 'DataRequested')?.args['demand'] as Demand
    const { index } = demand
    const kind = functionName === 'requestCredit' ? 'credits' : 'payouts'
    const [rows, bytes] = kind === 'credits' ? [secret.data.credits, creditBytes] : [secret.data.payouts, payoutBytes]
    const tree = secret[kind]
    const siblings = index < tree.count ? tree.siblings(index) : []
    const leaf = kind === 'credits' ? creditAt(rows, index) : payoutAt(rows, index)
    const answer = kind === 'credits' ? 'serveCredit' : 'servePayout'
    try {
      const proof = bytesToHex(concatBytes(...siblings))
      await chain.send(record.proposer, 'AttributionLedger', answer, [demand, { index, ...leaf }, proof])
    } catch (error) {
      if (!(error instanceof Reverted)) throw error
      await chain.trial(async () => {
        chain.advance((clocks.window * 2n) / 3n)
        await chain.send(stranger, 'AttributionLedger', 'epochDataMissing', [demand, record])
      })
      return false
    }
    served[kind].push({ index, row: rows.slice(index * bytes, (index + 1) * bytes), siblings })
    return true
  }

  /** The first of a kind, and some of the others. */
  #isSent({ functionName }: Call): boolean {
    return !this.outcomes.has(`DisputeGame.${functionName} done`) || this.#random.int(sentOneIn) === 0
  }

  /** The challenge as a transaction: the epoch is gone. */
  async #send({ functionName, args }: Call): Promise<void> {
    const { chain, stranger } = this.#world
    const { gas, events } = await chain.send(stranger, 'DisputeGame', functionName, args)
    const isGone = events.some(({ name }) => name === 'EpochReverted')
    if (!isGone || gas > 1_000_000n) throw new Error(`${functionName} took ${gas} gas`)
    tally(this.outcomes, `DisputeGame.${functionName} done`)
  }
}

function withTops(secret: Secret, parent: EpochState): Proposal {
  const top = ({ top: row }: RowTree) => bytesToHex(row.subarray(0, 32))
  return { ...secret, parent, tops: [top(secret.credits), top(secret.payouts)] }
}

/** As `challengesOfEpoch` takes it. */
function drafted(record: EpochRecord, data: EpochFile, facts: EpochFacts, from: readonly Known[]): Proposed {
  const listed = <T>(rows: Uint8Array, bytes: number, read: (rows: Uint8Array, i: number) => T) =>
    Array.from({ length: rows.length / bytes }, (_, i) => read(rows, i))
  const credits = listed(data.credits, creditBytes, creditAt)
  const payouts = listed(data.payouts, payoutBytes, payoutAt)
  const receipts = from.flatMap(({ batch, voided, isVoid }) =>
    isVoid ? [] : batch.drafts.map((_, index) => ({ batch, index, isVoid: voided.includes(index) })),
  )
  const { firstBatch, lastBatch } = data
  return {
    source: { firstBatch, lastBatch, receipts, before: listed(facts.parent.payouts, payoutBytes, payoutAt) },
    draft: { credits, payouts, hiddenCredits: [], hiddenPayouts: [] },
    record,
    creditsTree: new ProvenTree(credits.map((credit, i) => creditRow(i, credit))),
    payoutsTree: new ProvenTree(payouts.map((payout, i) => payoutRow(i, payout))),
  }
}
