import type { Registry } from 'prom-client'
import type { BatchThread } from '../../attribution/epochs/batch-thread.ts'
import type { BuiltEpoch } from '../../attribution/epochs/build-epoch.ts'
import { EpochError } from '../../attribution/epochs/epoch-task.ts'
import { poolClaims } from '../../attribution/epochs/pool-claims.ts'
import type { BatchState } from '../../chain/ledger/batch-state.ts'
import { lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import { openDemands } from '../../chain/ledger/demand-state.ts'
import { finalEpoch, orphanEpochs, parentState, proposedEpochs, standingEpoch } from '../../chain/ledger/epoch-state.ts'
import { callContract, callPriced } from '../../chain/ledger/l2-calls.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { Notices } from '../../chain/ledger/notices.ts'
import { SendError } from '../../chain/ledger/sender.ts'
import { classifyRefusal } from '../../chain/tx/send-error.ts'
import { errorMessage } from '../../common/errors.ts'
import { RpcError } from '../../common/json-rpc.ts'
import { gauge } from '../../common/metrics.ts'
import { isUnitsPool } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { Answers } from './answer-step.ts'
import type { AttributorOptions, AttributorParts } from './attributor-parts.ts'
import { type ClaimDue, claiming, claimsAtOnceMax, dueOf, poolClaimsMax, unclaimed } from './claim-step.ts'
import { DisburseStep } from './disburse-step.ts'
import { EpochRows, EpochRowsError } from './epoch-rows.ts'
import { HeartbeatStep } from './heartbeat-step.ts'
import { maturing } from './mature-step.ts'
import { type Due, dueEpoch, proposal } from './propose-step.ts'
import { Steps } from './steps.ts'
import { WholeBatches } from './whole-batches.ts'

/** Time in which a block with our transaction must reach the book; then the step looks again anyway. */
const followedMsMax = 30_000
const followedPollMs = 100
/** Below it the account will soon not pay for a proposal, whose bond is at least 1 OPEN. */
const balanceLow = 2n * 10n ** 18n
const balanceEveryMs = 60_000

/**
 * The attributor's role: makes batches mature, builds, proposes and finalises epochs, answers for their data, pays payees
 * out unasked and has gas fees divided. All it does anybody may do; what it needs to know stands on chain, so that a restart goes on where it was. A step
 * that fails is told and tried again, and holds up no other.
 */
export class Attributor {
  readonly #options: AttributorOptions
  readonly #parts: AttributorParts
  readonly #batches: WholeBatches
  readonly #rows: EpochRows
  readonly #notices: Notices
  readonly #steps: Steps
  readonly #answers: Answers
  readonly #disburse: DisburseStep
  readonly #heartbeats: HeartbeatStep | undefined
  /** Undefined until it was asked of the contract. */
  #window: bigint | undefined
  /** Built and not proposed yet: for want of money, say. */
  #built: { readonly due: Due; readonly epoch: BuiltEpoch } | undefined
  /** The final epoch of which every payee above the threshold was paid. */
  #claimed = 0n
  #balanceAtMs = 0

  constructor(
    options: AttributorOptions,
    parts: AttributorParts & { readonly batchThread: Pick<BatchThread, 'read'> },
  ) {
    this.#options = options
    this.#parts = { ...parts, log: parts.log.with({ role: 'attributor' }) }
    this.#notices = new Notices(this.#parts)
    this.#batches = new WholeBatches(parts.content, parts.batchThread)
    this.#rows = new EpochRows({ ...parts, batches: this.#batches })
    const failed = (step: string, error: unknown) => this.#tell(step, error)
    this.#steps = new Steps(options.pollMs, { ...parts, failed })
    const send = (call: MoneyCall, signal: AbortSignal) => this.#send(call, signal)
    this.#answers = new Answers({ ...this.#parts, rows: this.#rows, send, failed })
    this.#disburse = new DisburseStep(options, { ...this.#parts, send })
    const isAttributor = async () => (await this.#ask('attributor')) === parts.sender.address
    this.#heartbeats = parts.heard && new HeartbeatStep({ ...this.#parts, heard: parts.heard, send, isAttributor })
  }

  /** Works until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    // Answers have a deadline and do not wait for an epoch that is being built.
    await Promise.all([
      this.#steps.run([{ name: 'answer', run: this.#answers.run }], signal),
      this.#steps.run(
        [
          { name: 'finalise', run: this.#finalise },
          { name: 'mature', run: this.#mature },
          { name: 'release', run: this.#release },
          { name: 'propose', run: this.#propose },
          { name: 'claim', run: this.#claim },
          { name: 'disburse', run: this.#disburse.run },
          ...(this.#heartbeats === undefined ? [] : [{ name: 'heartbeats', run: this.#heartbeats.run }]),
          { name: 'balance', run: this.#watchBalance },
        ],
        signal,
      ),
    ])
  }

  #tell(step: string, error: unknown): void {
    if (error instanceof EpochRowsError) {
      this.#notices.warn('the next epoch waits', { why: error.message })
    } else if (isForFunds(error)) {
      this.#notices.warn('the attributor’s account must be funded', { step, why: errorMessage(error) })
    } else {
      this.#parts.log.warn('a step of the attributor failed, it is tried again', { step, error: errorMessage(error) })
    }
  }

  readonly #mature = async (signal: AbortSignal): Promise<boolean> => {
    const window = await this.#windowSeconds()
    const isHere = (batch: BatchState) => this.#isHere(batch, signal)
    const call = await maturing({ book: this.#parts.book, window, isHere })
    if (call === undefined) return false
    await this.#send(call, signal)
    this.#parts.log.info('batches made mature', { through: lastMatureBatch(this.#parts.book) })
    return true
  }

  async #isHere(batch: BatchState, signal: AbortSignal): Promise<boolean> {
    if ((await this.#batches.file(batch, signal)) !== undefined) return true
    const { batchId: number, dataHash } = batch.header
    this.#notices.warn('a batch whose window is over waits for its data, which nobody serves', {
      batch: number,
      dataHash,
    })
    return false
  }

  readonly #propose = async (signal: AbortSignal): Promise<boolean> => {
    const { book, sender, log } = this.#parts
    const due = dueEpoch(book, this.#options.epochIntervalSeconds)
    if (due === undefined) return false
    const attributor = await this.#ask('attributor')
    const isLate = attributor !== sender.address
    const epoch = await this.#epoch(due, isLate, signal)
    if (epoch === undefined) return false
    const question = {
      contract: 'AttributionLedger',
      functionName: 'requiredBond',
      args: [epoch.header.creditsSum],
    } as const
    const required = (await callPriced(this.#parts.rpc, question, sender.address)) as bigint
    // The bond follows the base fee, which moves until the proposal is mined; it comes back whole.
    const bond = required + required / 8n
    const call = proposal(book, epoch, { isLate, window: await this.#windowSeconds(), bond })
    if (call === undefined) return false
    await this.#send(call, signal)
    this.#built = undefined
    const { epoch: number, firstBatch, lastBatch, creditsSum, payoutCount } = epoch.header
    log.info('epoch proposed', { epoch: number, firstBatch, lastBatch, creditsSum, payees: payoutCount, bond, isLate })
    return true
  }

  /** Undefined where there is nothing to pay, or where it is not our turn yet. */
  async #epoch(due: Due, isLate: boolean, signal: AbortSignal): Promise<BuiltEpoch | undefined> {
    const known = this.#built
    if (known !== undefined && known.due.parent === due.parent && known.due.lastBatch === due.lastBatch)
      return known.epoch
    if (isLate && !this.#isLateAllowed(due, await this.#windowSeconds())) return undefined
    const algoHash = (await this.#ask('algoHash')) as Hex
    try {
      const epoch = await this.#rows.build(due.parent, due.lastBatch, algoHash, signal)
      this.#built = { due, epoch }
      return epoch
    } catch (error) {
      if (error instanceof EpochError && error.code === 'empty') return undefined
      throw error
    }
  }

  #isLateAllowed(due: Due, window: bigint): boolean {
    const { book } = this.#parts
    const first = due.parent === 0n ? 1n : (standingEpoch(book, due.parent)?.record.header.lastBatch ?? 0n) + 1n
    const committedAt = book.batch(first)?.header.committedAt
    return committedAt !== undefined && committedAt + window + window / 48n <= (book.head?.time ?? 0n)
  }

  readonly #finalise = async (signal: AbortSignal): Promise<boolean> => {
    const { book, log } = this.#parts
    const next = finalEpoch(book) + 1n
    const [booked] = proposedEpochs(book)
    const window = await this.#windowSeconds()
    if (booked === undefined || booked.record.header.epoch !== next) return false
    const isAsked = openDemands(book).some(({ demand }) => demand.subject === booked.hash)
    if (isAsked || booked.record.proposedAt + window > (book.head?.time ?? 0n)) return false
    // What is not right is left to whoever proposed it.
    await this.#rows.standing(next, signal)
    const parent = parentState(book, next - 1n)
    if (parent === undefined) return false
    await this.#send(
      { contract: 'AttributionLedger', functionName: 'finalizeEpoch', args: [booked.record, parent] },
      signal,
    )
    const { creditsSum, payoutCount } = booked.record.header
    log.info('epoch final', { epoch: next, creditsSum, payees: payoutCount })
    return true
  }

  readonly #release = async (signal: AbortSignal): Promise<boolean> => {
    const [orphan] = orphanEpochs(this.#parts.book)
    if (orphan === undefined) return false
    const { record } = orphan
    await this.#send({ contract: 'AttributionLedger', functionName: 'releaseOrphan', args: [record] }, signal)
    const { header, bond, proposer } = record
    this.#parts.log.info('bond of an orphan epoch released', { epoch: header.epoch, bond, proposer })
    return true
  }

  readonly #claim = async (signal: AbortSignal): Promise<boolean> => {
    const { book, log } = this.#parts
    const { claimThreshold } = this.#options
    const epoch = finalEpoch(book)
    if (claimThreshold === 0n || epoch <= this.#claimed) return false
    const { payouts } = await this.#rows.standing(epoch, signal)
    const owed = await unclaimed(book, epoch, payouts, claimThreshold)
    const dues: ClaimDue[] = []
    for (const payee of owed) {
      if (isUnitsPool(payee)) dues.push(...(await this.#poolDues(payee, epoch, signal)))
      else dues.push(dueOf(epoch, payouts, payee))
    }
    for (let start = 0; start < dues.length; start += claimsAtOnceMax) {
      const some = dues.slice(start, start + claimsAtOnceMax)
      await this.#send(claiming(some), signal)
      log.info('payees paid out', { epoch, payees: some.length })
    }
    this.#claimed = epoch
    return owed.length > 0
  }

  /** What each epoch since the last claim owes a Datanet's pool, for who held units then. */
  async #poolDues(pool: Hex, final: bigint, signal: AbortSignal): Promise<ClaimDue[]> {
    const question = { contract: 'RoyaltyVault', functionName: 'payees', args: [pool] } as const
    const [paid, epoch] = (await callContract(this.#parts.rpc, question)) as readonly [bigint, bigint]
    const payoutsOf = async (number: bigint) => (await this.#rows.standing(number, signal)).payouts
    const { pass, claims } = await poolClaims(pool, { paid, epoch }, final, payoutsOf, poolClaimsMax)
    if (pass !== undefined) {
      await this.#send({ contract: 'RoyaltyVault', functionName: 'passEpochs', args: pass }, signal)
    }
    return claims.map((claim) => ({ payee: pool, claim }))
  }

  readonly #watchBalance = async (): Promise<boolean> => {
    const { clock, sender, book, registry } = this.#parts
    lastEpoch(registry).set(Number(proposedEpochs(book).at(-1)?.record.header.epoch ?? finalEpoch(book)))
    finalGauge(registry).set(Number(finalEpoch(book)))
    matureGauge(registry).set(Number(lastMatureBatch(book)))
    if (clock.nowMs() - this.#balanceAtMs < balanceEveryMs) return false
    this.#balanceAtMs = clock.nowMs()
    const balance = await sender.balance()
    const low = { account: sender.address, balance, least: balanceLow }
    if (balance < balanceLow)
      this.#notices.warn('the attributor’s account is low: fund it, a proposal’s bond is 1 OPEN', low)
    return false
  }

  /** Sends and waits until the book has the block, so that the next step sees what this one did. */
  async #send(call: MoneyCall, signal: AbortSignal): Promise<void> {
    const { sender, book, clock } = this.#parts
    const { block } = await sender.send(call, signal)
    const untilMs = clock.nowMs() + followedMsMax
    while ((book.head?.number ?? 0n) < block && clock.nowMs() < untilMs && !signal.aborted) {
      await clock.sleep(followedPollMs, signal)
    }
  }

  async #windowSeconds(): Promise<bigint> {
    this.#window ??= (await this.#ask('window')) as bigint
    return this.#window
  }

  #ask(functionName: string): Promise<unknown> {
    return callContract(this.#parts.rpc, { contract: 'AttributionLedger', functionName, args: [] })
  }
}

function isForFunds(error: unknown): boolean {
  if (error instanceof SendError) return error.code === 'insufficient-funds'
  return error instanceof RpcError && classifyRefusal(error.message) === 'insufficient-funds'
}

const lastEpoch = (registry: Registry) => gauge(registry, 'attributor_last_epoch', 'newest epoch that stands')
const finalGauge = (registry: Registry) => gauge(registry, 'attributor_final_epoch', 'newest epoch that is final')
const matureGauge = (registry: Registry) => gauge(registry, 'attributor_mature_batch', 'newest batch that is mature')
