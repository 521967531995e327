import type { Counter, Registry } from 'prom-client'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import type { Verdict } from '../../inference/check/verdict.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { ProofError } from '../../inference/trace/proof-file.ts'
import { ops } from '../../inference/trace.ts'
import type { MessageAuthor } from '../../p2p/workers/message-author.ts'
import {
  type ProofAnnounce,
  rowUnknown,
  verdictKinds,
  verdict as verdictMessage,
} from '../../p2p/workers/wire/messages.ts'
import type { WorkerNetwork } from '../../p2p/workers/worker-network.ts'
import { WorkersError } from '../../p2p/workers/workers-error.ts'
import { FormatError, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import type { CheckTask } from './checked-models.ts'
import { CheckerError } from './checker-error.ts'
import type { SettledAnswer } from './settled-answers.ts'

/** Announcements that wait for their batch, or for their turn; the oldest goes first. */
export const waitingMax = 4_096
/** Verdicts remembered. */
export const verdictsMax = 4_096
/** A worker that does not serve a proof is asked again so often, then told of. */
export const pullsMax = 3
const pullAgainMs = 10_000
const lookMs = 1_000
const verdictSeconds = 100
/** Proof class that is checked here. */
const exact = 1

type Waiting = { readonly announce: ProofAnnounce; pulls: number; nextMs: number }

/** What was found out about an answer, and when. `withheld`: its worker does not serve the proof. */
export type Checked = {
  readonly answer: SettledAnswer
  readonly verdict: Verdict | 'withheld'
  readonly atMs: number
}

export type CheckerParts = {
  readonly network: Pick<WorkerNetwork, 'pull' | 'hostsOf' | 'publish' | 'closeProof'>
  readonly author: MessageAuthor
  /** What the chain knows of an answer; undefined until its batch is committed and its file here. */
  readonly answer: (worker: Hex, requestId: Hex) => SettledAnswer | undefined
  readonly lookForBatches: (signal: AbortSignal) => Promise<void>
  readonly modelTerms: (modelVersion: Hex) => Promise<Pick<ModelTerms, 'root'> | undefined>
  /** Throws `ProofError` and `FormatError` for a file that is not of this answer. */
  readonly check: (task: CheckTask) => Promise<Verdict>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
}

/**
 * Checks answers of class EXACT without weights: takes announcements, waits until the chain has request and receipt, pulls the
 * proof, has it checked on another thread and gossips what came out. docs/WORKER-NETWORK.md.
 */
export class Checker {
  readonly #parts: CheckerParts
  readonly #waiting = new Map<string, Waiting>()
  readonly #checked = new Map<string, Checked>()
  readonly #results: Counter<'result'>

  constructor(parts: CheckerParts) {
    this.#parts = parts
    this.#results = counter(parts.metrics, 'checker_answers_total', 'Answers of workers by what was found', ['result'])
  }

  /** An announcement was heard. */
  add(announce: ProofAnnounce): void {
    const key = keyOf(announce)
    if (announce.class !== exact || this.#checked.has(key)) return
    const known = this.#waiting.get(key)
    this.#waiting.delete(key)
    this.#waiting.set(key, { announce, pulls: known?.pulls ?? 0, nextMs: known?.nextMs ?? 0 })
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > waitingMax && oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** What was found out about an answer. */
  get(worker: Hex, requestId: Hex): Checked | undefined {
    return this.#checked.get(keyOf({ worker, requestId }))
  }

  /** All that is remembered, newest first. */
  list(): Checked[] {
    return [...this.#checked.values()].reverse()
  }

  /** Answers that are wrong, or whose proof their worker withholds. */
  suspects(): SettledAnswer[] {
    const isWrong = ({ verdict }: Checked) => verdict === 'withheld' || !verdict.ok
    return [...this.#checked.values()].filter(isWrong).map(({ answer }) => answer)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        await this.look(signal)
      } catch (error) {
        if (!signal.aborted) log.warn('answers are not checked now, trying again', { error: errorMessage(error) })
      }
      await clock.sleep(lookMs, signal)
    }
  }

  /** Checks what can be checked now, one answer after another; what tests call instead of `run`. */
  async look(signal: AbortSignal): Promise<void> {
    const { answer, clock, lookForBatches, network } = this.#parts
    await lookForBatches(signal)
    for (const [key, waiting] of [...this.#waiting]) {
      if (signal.aborted) return
      const { worker, requestId, proofHash } = waiting.announce
      const settled = answer(worker, requestId)
      // Another hash is of an older announcement: the worker announces what it is paid for.
      if (settled?.receipt.proofHash !== proofHash || waiting.nextMs > clock.nowMs()) continue
      // That we do not reach a worker says nothing about it.
      if (network.hostsOf(worker).length === 0) continue
      await this.#checkOne(key, waiting, settled, signal)
    }
  }

  async #checkOne(key: string, waiting: Waiting, answer: SettledAnswer, signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#parts
    const { requestId, worker } = waiting.announce
    try {
      const found = await this.#find(waiting.announce, answer, signal)
      if (found === undefined) this.#waiting.delete(key)
      else await this.#conclude(key, answer, found)
    } catch (error) {
      if (signal.aborted) return
      const isServed = ![WorkersError, ProofError, FormatError].some((kind) => error instanceof kind)
      waiting.nextMs = clock.nowMs() + pullAgainMs
      waiting.pulls++
      log.debug('an answer is not checked yet', { requestId, worker, error: errorMessage(error) })
      if (waiting.pulls < pullsMax) return
      if (!isServed) return await this.#conclude(key, answer, 'withheld')
      this.#waiting.delete(key)
      this.#results.inc({ result: 'unchecked' })
      log.warn('an answer is not checked', { requestId, worker, error: errorMessage(error) })
    }
  }

  /** Undefined for what this node cannot judge. */
  async #find(announce: ProofAnnounce, answer: SettledAnswer, signal: AbortSignal): Promise<Verdict | undefined> {
    const { network, check, modelTerms, log } = this.#parts
    const { request, receipt } = answer
    const { worker, requestId } = receipt
    if (request.sampling.stopHash !== zeroHash) {
      // The request commits to stop strings; only payer and worker know them.
      this.#results.inc({ result: 'unchecked' })
      log.debug('an answer with stop strings is not checked', { requestId, worker })
      return undefined
    }
    const terms = await modelTerms(request.modelVersion)
    if (terms === undefined) throw new CheckerError('no-model', `there is no model version ${request.modelVersion}`)
    const { proofHash, proofBytes } = announce
    const file = await network.pull({ proofHash, proofBytes }, network.hostsOf(worker), signal)
    return await check(taskOf(answer, terms.root, file))
  }

  async #conclude(key: string, answer: SettledAnswer, verdict: Checked['verdict']): Promise<void> {
    const { network, author, clock, log } = this.#parts
    const { requestId, worker, proofHash } = answer.receipt
    this.#waiting.delete(key)
    this.#checked.set(key, { answer, verdict, atMs: clock.nowMs() })
    const [oldest] = this.#checked.keys()
    if (this.#checked.size > verdictsMax && oldest !== undefined) this.#checked.delete(oldest)
    const place = placeOf(verdict)
    const result = resultOf(verdict)
    this.#results.inc({ result })
    if (result === 'sound') log.info('an answer is right', { requestId, worker })
    else log.warn('an answer is wrong', { requestId, worker, result, ...place, ...reasonOf(verdict) })
    network.closeProof(worker, requestId)
    const said = { requestId, checker: author.address, worker, proofHash, ...place }
    await network.publish('verdicts', author.message(verdictMessage, said, verdictSeconds))
  }
}

const keyOf = ({ worker, requestId }: Pick<ProofAnnounce, 'worker' | 'requestId'>): string => `${worker}/${requestId}`

function taskOf({ request, receipt, payment }: SettledAnswer, model: Hex, file: Uint8Array): CheckTask {
  const { tempQ16, topK, topPQ16, maxTokens } = request.sampling
  const facts = {
    promptRoot: hexToBytes(request.promptRoot),
    outputRoot: hexToBytes(receipt.outputRoot),
    traceRoot: receipt.traceRoot,
    rule: { tempQ16, topK, topPQ16 },
    seed: answerSeed(receipt.requestId, receipt.worker),
    maxTokens,
    stops: [],
    cancelled: payment?.cancel !== undefined,
  }
  return { model, adapters: request.adapters, facts, file }
}

export const resultOf = (verdict: Checked['verdict']) =>
  verdict === 'withheld' ? verdict : verdict.ok ? 'sound' : verdict.kind

const nowhere = { slab: 0, op: 0, position: 0, part: 0, row: 0 }

/** Kind and place as a verdict on the wire has them. */
function placeOf(verdict: Checked['verdict']) {
  if (verdict === 'withheld') return { ...nowhere, kind: verdictKinds.withheld }
  if (verdict.ok) return { ...nowhere, kind: verdictKinds.sound }
  if (verdict.kind === 'root') return { ...nowhere, kind: verdictKinds.root }
  if (verdict.kind === 'answer') return { ...nowhere, kind: verdictKinds.answer, position: verdict.position }
  const { slab, op, position, part, row = rowUnknown } = verdict
  return { kind: verdictKinds.unit, slab, op: ops[op].id, position, part, row }
}

function reasonOf(verdict: Checked['verdict']): object {
  return verdict === 'withheld' || verdict.ok ? {} : { reason: verdict.reason }
}
