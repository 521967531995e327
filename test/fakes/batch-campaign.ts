import type { Call, Verdict } from '../../attribution/epochs/challenge.ts'
import { checkBatch } from '../../attribution/epochs/check-batch.ts'
import { BatchAnswers } from './batch-answers.ts'
import { changedFile, mutationFor } from './batch-mutations.ts'
import { type Challenge, challengesOf, openedReceipt } from './dispute-arguments.ts'
import type { Committed, Draft, Plan } from './dispute-batch.ts'
import { type BatchClaim, DisputeChain } from './dispute-chain.ts'
import { draftsFile } from './dispute-facts.ts'
import { clocks, Reverted } from './money-chain.ts'
import type { Random } from './random.ts'
import { tally } from './tally.ts'

/** Batches spoilt in turn from the same honest one. */
const spoiltPerBatch = 100
/** Of so many challenges one is sent as a transaction; the others are put to the judge alone. */
const sentOneIn = 25
/** Of so many spoilt batches in which nothing is found, against one every challenge that there is is tried. */
const standsPutToJudgesOneIn = 4
const demandsAtOnce = 6
/** A watcher that asks longer than this has lost itself. */
const roundsMax = 120

/**
 * Honest and spoilt batches against the real market, judges and ledger: whatever the market lets through is found by
 * `checkBatch`, whose every challenge holds; or it is right in all that any challenge could show.
 */
export class BatchCampaign {
  readonly outcomes = new Map<string, number>()
  readonly #world: DisputeChain
  readonly #random: Random
  done = 0
  honest = 0

  static async create(random: Random): Promise<BatchCampaign> {
    return new BatchCampaign(await DisputeChain.create(), random)
  }

  constructor(world: DisputeChain, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** An honest batch after another, and one like it spoilt in many ways. */
  async round(): Promise<void> {
    const { chain } = this.#world
    await chain.trial(async () => {
      await this.#settleEarlier()
      const drafts = await this.#world.drafts(this.#plans())
      await chain.trial(() => this.#judgeHonest(drafts))
      for (let i = 0; i < spoiltPerBatch; i++) await chain.trial(() => this.#judgeSpoilt(drafts))
    })
    this.#world.settled.clear()
  }

  #plans(): Plan[] {
    const random = this.#random
    return random
      .list(1 + random.int(5), () => ({
        ...{ payer: random.pick(this.#world.payers), tin: random.int(100), tout: random.int(100) },
        ...{ hasApp: random.chance(0.5), cut: random.chance(0.3), onChain: random.chance(0.2) },
      }))
      .map((plan) => ({ ...plan, cut: plan.cut && !plan.onChain }))
      .sort((a, b) => Number(a.onChain) - Number(b.onChain) || (a.payer.address < b.payer.address ? -1 : 1))
  }

  async #settleEarlier(): Promise<void> {
    const world = this.#world
    const drafts = await world.drafts(world.payers.map((payer) => ({ payer, tin: 5, tout: 5 })))
    const batch = await world.commit(drafts)
    world.earlier = batch
    for (const [i, { receipt }] of drafts.entries()) {
      world.settled.set(receipt.requestId, { ...openedReceipt(batch, i) })
    }
  }

  async #judgeHonest(drafts: readonly Draft[]): Promise<void> {
    const world = this.#world
    const batch = await world.commit(drafts)
    for (const file of [draftsFile(drafts), changedFile(draftsFile(drafts), this.#random)]) {
      const end = await world.chain.trial(() => this.#pursue(batch, file))
      if (end.outcome !== 'stands') throw new Error(`an honest batch ends as ${end.outcome}`)
    }
    await this.#requireUnchallengeable(batch, 'an honest batch')
    this.honest++
  }

  async #judgeSpoilt(honest: readonly Draft[]): Promise<void> {
    const world = this.#world
    const drafts = honest.map((draft) => structuredCopy(draft))
    let claim: BatchClaim = {}
    const names: string[] = []
    for (let n = this.#random.chance(0.7) ? 1 : 2; n > 0; n--) {
      // A tree whose padding is taken has no room for another change of its leaves.
      if (claim.hidden !== undefined || drafts.some(({ hiddenEntries }) => hiddenEntries.length > 0)) break
      const mutation = mutationFor(this.#random)
      const change = mutation.apply(drafts, this.#random, world)
      if (change === undefined) return
      claim = { ...claim, ...change }
      names.push(mutation.name)
    }
    const batch = await this.#commit(drafts, claim)
    this.done++
    if (typeof batch === 'string') {
      tally(this.outcomes, `refused ${batch}`)
      return
    }
    const { outcome, last } = await this.#pursue(batch, this.#published(drafts))
    if (outcome === 'stands' && this.#random.int(standsPutToJudgesOneIn) === 0) {
      await this.#requireUnchallengeable(batch, names.join(' and '))
    }
    if (last !== undefined && this.#isSent(last.call)) await this.#send(batch, last)
    tally(this.outcomes, outcome)
  }

  /** The file as the worker made it, or none, or what is left of it. */
  #published(drafts: readonly Draft[]): Uint8Array | undefined {
    const kind = this.#random.int(20)
    if (kind < 2) return undefined
    const file = draftsFile(drafts)
    return kind < 5 ? changedFile(file, this.#random) : file
  }

  /** The batch on chain, or why the market refuses it. */
  async #commit(drafts: readonly Draft[], claim: BatchClaim): Promise<Committed | string> {
    try {
      return await this.#world.commit(drafts, claim)
    } catch (error) {
      if (error instanceof Reverted) return error.error
      throw error
    }
  }

  /** What a watcher brings about that checks, demands, and checks again. */
  async #pursue(batch: Committed, file: Uint8Array | undefined) {
    const { chain, stranger, worker, facts } = this.#world
    const answers = new BatchAnswers(chain, batch)
    const asking = { seed: this.#random.bytes(32), limit: demandsAtOnce }
    for (let round = 0; round < roundsMax; round++) {
      const data = answers.data(file)
      const verdicts = await checkBatch(batch.header, batch.segments, data, facts, asking)
      const challenges = verdicts.filter(({ kind }) => kind === 'challenge')
      for (const verdict of challenges) await this.#requireUpheld(verdict)
      const [last] = challenges
      if (last?.kind === 'challenge') return { outcome: `challenged ${last.call.functionName}`, last }
      if (answers.missing !== undefined) return await this.#silence(batch, answers)
      if (verdicts.length === 0) return { outcome: 'stands' }
      for (const verdict of verdicts) {
        if (verdict.kind === 'demand') await answers.demand(stranger, worker, verdict.call)
      }
    }
    throw new Error(`the watcher asks for more than ${roundsMax * demandsAtOnce} leaves`)
  }

  /** Nobody could answer: the batch goes. */
  async #silence({ header, segments }: Committed, { missing }: BatchAnswers) {
    const { chain, stranger } = this.#world
    await chain.trial(async () => {
      chain.advance((clocks.window * 2n) / 3n)
      await chain.send(stranger, 'AttributionLedger', 'batchDataMissing', [missing, header, segments])
      if (!(await chain.read('InferenceMarket', 'isBatchVoid', [header.batchId]))) throw new Error('it stands')
    })
    return { outcome: 'void by silence' }
  }

  async #requireUpheld(verdict: Verdict): Promise<void> {
    if (verdict.kind !== 'challenge') return
    const { functionName, args } = verdict.call
    const answer = await this.#world.ask({ judge: judgeOf(functionName), name: functionName, args })
    if (typeof answer === 'string') throw new Error(`${functionName} does not hold: ${answer}`)
  }

  /** The first of a kind, and some of the others. */
  #isSent({ functionName }: Call): boolean {
    return !this.outcomes.has(`DisputeGame.${functionName} done`) || this.#random.int(sentOneIn) === 0
  }

  /** The challenge as a transaction: the receipt or the batch is void. */
  async #send({ header }: Committed, verdict: Verdict): Promise<void> {
    if (verdict.kind !== 'challenge') return
    const { chain, stranger } = this.#world
    const { functionName, args } = verdict.call
    const { gas, events } = await chain.send(stranger, 'DisputeGame', functionName, args)
    const isVoid = events.some(({ name }) => name === 'ReceiptVoided' || name === 'BatchVoided')
    if (!isVoid || gas > 1_000_000n) throw new Error(`${functionName} took ${gas} gas of batch ${header.batchId}`)
    tally(this.outcomes, `DisputeGame.${functionName} done`)
  }

  async #requireUnchallengeable(batch: Committed, what: string): Promise<void> {
    const { worker, terms } = this.#world
    const earlier = this.#world.earlier === undefined ? [] : [this.#world.earlier]
    if (batch.header.worker !== worker.address) throw new Error('the batch is another worker’s')
    for (const challenge of challengesOf(batch, earlier, terms)) {
      const answer = await this.#world.ask(challenge)
      if (typeof answer === 'number') throw new Error(`${challenge.name} holds against ${what}, which nobody found`)
    }
  }
}

function judgeOf(name: string): Challenge['judge'] {
  return /Entry|Pools/.test(name) ? 'EntryJudge' : 'ReceiptJudge'
}

/** What corruptions change in place is the copy's own. */
function structuredCopy(draft: Draft): Draft {
  return { ...draft, sums: [...draft.sums], entries: [...draft.entries], hiddenEntries: [...draft.hiddenEntries] }
}
