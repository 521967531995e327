import { randomBytes } from 'node:crypto'
import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { checkBatch } from '../../attribution/epochs/check-batch.ts'
import { makeReceipt } from '../../attribution/epochs/make-receipt.ts'
import { type PackedBatch, packBatch } from '../../attribution/epochs/pack-batch.ts'
import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { ReceiptError } from '../../attribution/epochs/receipt-error.ts'
import { ruleAt } from '../../attribution/epochs/rule-at.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { requestState } from '../../chain/ledger/open-requests.ts'
import { SendError, type Sender } from '../../chain/ledger/sender.ts'
import type { Log } from '../../common/log.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { BookedJob, JobBook } from '../jobs/job-book.ts'
import { JobError } from '../jobs/job-error.ts'
import { chooseJobs, deadlineOf } from './choose-jobs.ts'

export type CommitOptions = {
  /** Seconds that an answer waits for others, at most. */
  readonly intervalSeconds: bigint
  /** Seconds before its deadline at which an answer waits no longer. */
  readonly marginSeconds: bigint
}

/** Indexes of model versions as they are when a batch is committed. */
export type IndexSets = {
  /** Whether one of them counts for nothing at a time, Unix seconds. */
  readonly isDeadAt: (modelVersion: Hex, time: bigint) => Promise<boolean>
  /** What the contributors' pool of any answer goes to then. */
  readonly contributionsOfDead: (modelVersion: Hex) => Promise<readonly Contribution[]>
  /** What an answer's goes to under algoHash v2, whose signatures count by days, in a batch of that time. */
  readonly contributionsV2: (receipt: BatchReceipt, time: bigint, isDead: boolean) => Promise<readonly Contribution[]>
}

/** Of a model version's indexes from now until a batch is mined; dead: one of them counts for nothing. */
type Standing = 'live' | 'dead' | 'changing'

export type CommitParts = {
  readonly book: JobBook
  readonly ledger: LedgerBook
  /** Knows no earlier receipts: the book has each request once. */
  readonly facts: BatchFacts
  /** What becomes of answers whose model's indexes die. */
  readonly sets: IndexSets
  readonly content: Content
  readonly sender: Pick<Sender, 'send' | 'address'>
  readonly log: Log
}

/** Seconds in which a batch must be mined, or it is packed anew. */
const minedSeconds = 120n
/** Payees, app payouts and rules of attribution change at multiples of this, Unix seconds. MONEY §4. */
const payeesSeconds = 86_400n
/** Seconds before such a change in which nothing is sent: it would hardly be mined before it. */
const changeMarginSeconds = 12n
/** Batches older than this are final: no reorg takes them away. */
const rememberedSeconds = 86_400n
/** Jobs of one look. */
const lookMax = 8192

/** Commits what was answered, and sees what became of it. */
export class CommitStep {
  readonly #options: CommitOptions
  readonly #parts: CommitParts
  /** When the oldest waiting answer was first seen, Unix seconds. */
  #waitingSince: bigint | undefined
  /** Since when a batch that was sent is not on chain, by the hash of its data. */
  readonly #missingSince = new Map<Hex, bigint>()

  constructor(options: CommitOptions, parts: CommitParts) {
    this.#options = options
    this.#parts = parts
  }

  /** One look; true where a batch was sent. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const now = this.#parts.ledger.head?.time
    if (now === undefined) return false
    this.#seeBatches(now)
    this.#dropLate(now)
    this.#dropClosed()
    const jobs = this.#parts.book.unsettled(lookMax)
    if (changeAfter(now) - now <= changeMarginSeconds) return false
    if (jobs.length === 0) this.#waitingSince = undefined
    else this.#waitingSince ??= now
    if (!this.#isDue(jobs, now)) return false
    this.#waitingSince = undefined
    return await this.#commit(chooseJobs(jobs), now, signal)
  }

  #isDue(jobs: readonly BookedJob[], now: bigint): boolean {
    const { intervalSeconds, marginSeconds } = this.#options
    if (this.#waitingSince === undefined) return false
    // Of a request opened on chain the first batch is paid.
    const isUrgent = (job: BookedJob) => isOpened(job) || deadlineOf(job) < now + marginSeconds
    return now >= this.#waitingSince + intervalSeconds || jobs.some(isUrgent)
  }

  /** Whether batches stand on chain: one that was not mined in time, or went with a reorg, is packed anew. */
  #seeBatches(now: bigint): void {
    const { book, ledger, log } = this.#parts
    const batched = book.batched(now - rememberedSeconds)
    for (const dataHash of this.#missingSince.keys()) if (!batched.has(dataHash)) this.#missingSince.delete(dataHash)
    for (const [dataHash, jobs] of batched) {
      const ids = jobs.map(({ requestId }) => requestId)
      if (ledger.namesContent(dataHash)) {
        this.#missingSince.delete(dataHash)
        if (jobs.some(({ state }) => state === 'committing')) book.move(ids, 'committed', dataHash)
        continue
      }
      const since = this.#missingSince.get(dataHash) ?? now
      this.#missingSince.set(dataHash, since)
      if (now <= since + minedSeconds) continue
      log.warn('a batch is not on chain and is packed anew', { dataHash, receipts: ids.length })
      this.#missingSince.delete(dataHash)
      book.move(ids, 'made', null)
    }
  }

  /** Answers that came too late are not paid; nothing can be done about them. */
  #dropLate(now: bigint): void {
    const { book, log } = this.#parts
    const late = book.unsettled(lookMax).filter((job) => deadlineOf(job) < now)
    if (late.length === 0) return
    log.error('answers were not settled before their deadline and are not paid', { requests: late.length })
    book.move(
      late.map(({ requestId }) => requestId),
      'dropped',
      null,
    )
  }

  /** What another worker settled, or was refunded, would have the whole batch refused. */
  #dropClosed(): void {
    const { book, ledger, log } = this.#parts
    const opened = book.unsettled(lookMax).filter(isOpened)
    const closed = opened.filter(({ requestId }) => requestState(ledger, requestId) === 'closed')
    if (closed.length === 0) return
    log.warn('requests on chain were settled by others first', { requests: closed.length })
    book.move(
      closed.map(({ requestId }) => requestId),
      'dropped',
      null,
    )
  }

  /** False where nothing can be sent now: what is left is looked at again later. */
  async #commit(jobs: readonly BookedJob[], now: bigint, signal: AbortSignal): Promise<boolean> {
    const { book, content, sender, log } = this.#parts
    const receipts = await this.#asOfNow(jobs, now)
    if (receipts.length === 0) return false
    const packed = await this.#unchallengeable(receipts, now)
    if (packed === undefined) return false
    const { input, segments, file } = packed
    const { dataHash } = input
    await content.put(dataHash, file)
    const ids = packed.receipts.map(({ receipt }) => receipt.requestId)
    book.move(ids, 'committing', dataHash)
    try {
      const call = { contract: 'InferenceMarket', functionName: 'commitBatch', args: [input, segments] } as const
      await sender.send(call, signal)
      book.move(ids, 'committed', dataHash)
      log.info('batch committed', { receipts: ids.length, dataHash })
      return true
    } catch (error) {
      // What may still be mined stays under way until the chain says so.
      if (!(error instanceof SendError) || error.code === 'aborted') throw error
      book.move(ids, 'made', null)
      log.error('a batch was refused', { receipts: ids.length, error: error.message })
      return false
    }
  }

  /** Receipts with the payees of now, which change at midnight; what cannot be settled any more is dropped. */
  async #asOfNow(jobs: readonly BookedJob[], now: bigint): Promise<BatchReceipt[]> {
    const { book, facts, sets, log } = this.#parts
    const receipts: BatchReceipt[] = []
    const standings = new Map<Hex, Standing>()
    const algoHash = await ruleAt(facts, now)
    for (const { requestId, receipt } of jobs) {
      try {
        const standing = await this.#standing(receipt, now, standings)
        // Which side of its end the batch will be on is not known: it waits until it is.
        if (standing === 'changing') continue
        const isDead = standing === 'dead'
        const isV1 = algoHash === algoHashV1
        const ofDead = isV1 && isDead ? await sets.contributionsOfDead(receipt.request.modelVersion) : undefined
        const contributions = isV1 ? ofDead : await sets.contributionsV2(receipt, now, isDead)
        const one = await renewed(receipt, now, facts, algoHash, contributions)
        if (await keepsPayees(one, minedBy(now), facts)) receipts.push(one)
      } catch (error) {
        if (error instanceof JobError) {
          log.error('an answer waits to be attributed anew', { requestId, error: error.message })
          continue
        }
        if (!(error instanceof ReceiptError)) throw error
        log.error('an answer cannot be settled', { requestId, error: error.message })
        book.move([requestId], 'dropped', null)
      }
    }
    return receipts
  }

  async #standing({ request, receipt }: BatchReceipt, now: bigint, known: Map<Hex, Standing>): Promise<Standing> {
    if (receipt.indexSetHash === zeroHash) return 'live'
    const { modelVersion } = request
    const standing = known.get(modelVersion) ?? (await standingOf(modelVersion, now, this.#parts.sets))
    known.set(modelVersion, standing)
    return standing
  }

  /** The batch, if watchers would find nothing wrong with it; a receipt with a fault costs stake, so it is left out. */
  async #unchallengeable(receipts: readonly BatchReceipt[], now: bigint): Promise<PackedBatch | undefined> {
    const { book, facts, ledger, sender, log } = this.#parts
    const head = ledger.head?.number ?? 0n
    const place = {
      ...{ batchId: ledger.lastBatch + 1n, worker: sender.address, committedAt: now },
      ...{ l2Block: head + 1n, notAfter: minedBy(now) },
    }
    let left = receipts
    while (left.length > 0) {
      const packed = packBatch(left, place)
      const data = { file: packed.file }
      const [verdict] = await checkBatch(packed.header, packed.segments, data, facts, {
        seed: randomBytes(32),
        limit: 1,
      })
      if (verdict === undefined || verdict.kind === 'right') return packed
      const index = (verdict.call.args[0] as { readonly index?: number }).index
      const faulty = index === undefined ? undefined : packed.receipts[index]
      if (faulty === undefined) throw new Error(`the batch would be challenged by ${verdict.call.functionName}`)
      log.error('an answer would be challenged and is not settled', {
        requestId: faulty.receipt.requestId,
        challenge: verdict.call.functionName,
      })
      book.move([faulty.receipt.requestId], 'dropped', null)
      left = left.filter((each) => each !== faulty)
    }
    return undefined
  }
}

async function standingOf(modelVersion: Hex, now: bigint, sets: IndexSets): Promise<Standing> {
  const isDead = await sets.isDeadAt(modelVersion, now)
  if ((await sets.isDeadAt(modelVersion, minedBy(now))) !== isDead) return 'changing'
  return isDead ? 'dead' : 'live'
}

/** When payees may change next. */
function changeAfter(now: bigint): bigint {
  return (now / payeesSeconds + 1n) * payeesSeconds
}

/** The last moment at which a batch of now's payees is right. */
function minedBy(now: bigint): bigint {
  const change = changeAfter(now) - 1n
  return change < now + minedSeconds ? change : now + minedSeconds
}

/** Whether a receipt's contributions pay the same at `time`: a dispute or a label redirects some from a moment on that is near. */
async function keepsPayees({ entries }: BatchReceipt, time: bigint, facts: BatchFacts): Promise<boolean> {
  const { S, G, R } = entryClasses
  const kinds: readonly number[] = [S, G, R]
  const contributors = entries.filter((entry) => kinds.includes(entry.class))
  const payees = await Promise.all(contributors.map(({ id }) => facts.contributionPayee(id, time)))
  return contributors.every(({ payee }, i) => payee === payees[i])
}

/** Whether the request is paid from its escrow on chain. */
function isOpened({ receipt }: BookedJob): boolean {
  return receipt.payment === undefined
}

/** The same answer's receipt as of `now`; `changed`: what its contributors' pool goes to, where that changed. */
async function renewed(
  { request, payment, receipt, prompt, output, entries }: BatchReceipt,
  now: bigint,
  facts: BatchFacts,
  algoHash: Hex,
  changed: readonly Contribution[] | undefined,
): Promise<BatchReceipt> {
  const { worker, traceRoot, proofHash } = receipt
  const own: readonly number[] = [entryClasses.M, entryClasses.W, entryClasses.A]
  const contributions = changed ?? entries.filter((entry) => !own.includes(entry.class))
  const answered = { request, payment, worker, prompt, output, traceRoot, proofHash, contributions, algoHash }
  return await makeReceipt(answered, now, facts)
}
