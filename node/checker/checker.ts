import type { Counter, Registry } from 'prom-client'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { counter } from '../../common/metrics.ts'
import type { ProofOutcome } from '../../inference/check/check-proof.ts'
import type { Verdict } from '../../inference/check/verdict.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { ProofError } from '../../inference/trace/proof-file.ts'
import type { MessageAuthor } from '../../p2p/workers/message-author.ts'
import { type ProofAnnounce, verdict as verdictMessage } from '../../p2p/workers/wire/messages.ts'
import type { WorkerNetwork } from '../../p2p/workers/worker-network.ts'
import { WorkersError } from '../../p2p/workers/workers-error.ts'
import { FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { exactClass, fingerprintClass, sampledClass } from '../../protocol/proof-class.ts'
import type { CheckTask } from './checked-models.ts'
import { CheckerError } from './checker-error.ts'
import type { SettledAnswer } from './settled-answers.ts'
import { type Finding, placeOf, reasonOf, resultOf } from './verdict-place.ts'
import { keyOf, type Waiting, WaitingAnswers } from './waiting-answers.ts'

/** Verdicts remembered; those of answers that can still be disputed are, however many. */
export const verdictsMax = 4_096
/** Announced answers whose output is remembered, to tell another one. */
const announcedMax = 16_384
/** A worker that does not serve a proof is asked again so often, then told of. */
export const pullsMax = 3
/** Workers whose proofs are pulled and checked at once, one of each: a proof has at most 64 MiB. */
export const workersAtOnce = 8
const lookMs = 1_000
const verdictSeconds = 100

/** What was found out about an answer, and when. `stops`: the request's stop strings, where its proof showed them. */
export type Checked = {
  readonly answer: SettledAnswer
  readonly verdict: Finding
  readonly stops: readonly Uint8Array[] | undefined
  readonly atMs: number
}

/** A wrong answer, or one whose proof nobody can have; its stop strings where they are known. */
export type Suspect = Pick<Checked, 'answer' | 'stops'>

/** How soon things are done again; a receipt's window decides. */
export type CheckPace = {
  /** From one pull to the next of the same proof. */
  readonly againMs: number
  /** After this time in a batch an answer that nobody announced is suspect. */
  readonly silentSeconds: bigint
}

export type CheckerParts = {
  readonly network: Pick<WorkerNetwork, 'pull' | 'hostsOf' | 'publish' | 'closeProof'>
  readonly author: MessageAuthor
  /** What the chain knows of an answer; undefined until its batch is committed and its file here. */
  readonly answer: (worker: Hex, requestId: Hex) => SettledAnswer | undefined
  /** All of those. */
  readonly answers: () => readonly SettledAnswer[]
  readonly lookForBatches: (signal: AbortSignal) => Promise<void>
  /** What draws an answer's layers; undefined until it is known. */
  readonly beacon: (answer: SettledAnswer) => Promise<Hex | undefined>
  readonly modelTerms: (modelVersion: Hex) => Promise<Pick<ModelTerms, 'root'> | undefined>
  /** Throws `ProofError` and `FormatError` for a file that is not of this answer. */
  readonly check: (task: CheckTask) => Promise<Pick<ProofOutcome, 'verdict' | 'stops'>>
  /** Of class FINGERPRINT; throws where the model is not here. */
  readonly checkFloat: (answer: SettledAnswer, file: Uint8Array) => Promise<Verdict>
  readonly pace: () => Promise<CheckPace>
  /** Unix seconds of the chain's head. */
  readonly now: () => bigint
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
}

/**
 * Checks answers of classes EXACT and SAMPLED without weights, and those of FINGERPRINT with them: takes announcements, waits until the chain has request and receipt,
 * pulls the proof, has it checked on another thread and gossips what came out. docs/WORKER-NETWORK.md.
 */
export class Checker {
  readonly #parts: CheckerParts
  readonly #waiting = new WaitingAnswers()
  readonly #checked = new Map<string, Checked>()
  /** Workers of which an answer is looked at now. */
  readonly #busy = new Map<Hex, Promise<void>>()
  /** Output that each answer was first announced with; of those that had another too only that they are told of. */
  readonly #announced = new LruCache<string, Hex | 'told'>(announcedMax)
  readonly #results: Counter<'result'>
  readonly #double: Counter

  constructor(parts: CheckerParts) {
    this.#parts = parts
    this.#results = counter(parts.metrics, 'checker_answers_total', 'Answers of workers by what was found', ['result'])
    this.#double = counter(parts.metrics, 'checker_double_answers_total', 'Answers announced anew with another output')
  }

  /** An announcement was heard. */
  add(announce: ProofAnnounce): void {
    this.#compare(announce)
    if (![exactClass, sampledClass, fingerprintClass].includes(announce.class)) return
    if (!this.#checked.has(keyOf(announce))) this.#waiting.add(announce)
  }

  /**
   * A worker signs one output for a request. Two announced ones are told of and cost nothing: what is slashable are two final answers, which
   * payers have (docs/MONEY.md §2).
   */
  #compare(announce: ProofAnnounce): void {
    const { requestId, worker, outputRoot } = announce
    const key = keyOf(announce)
    const first = this.#announced.get(key) ?? this.#announced.set(key, outputRoot)
    if (first === outputRoot || first === 'told') return
    this.#announced.set(key, 'told')
    this.#double.inc()
    this.#parts.log.warn('a worker announced two outputs of one request', { requestId, worker, first, outputRoot })
  }

  /** What was found out about an answer. */
  get(worker: Hex, requestId: Hex): Checked | undefined {
    return this.#checked.get(keyOf({ worker, requestId }))
  }

  /** All that is remembered, newest first. */
  list(): Checked[] {
    return [...this.#checked.values()].reverse()
  }

  /** Answers with a trace that are wrong, whose proof their worker withholds, or that it never announced. */
  async suspects(): Promise<Suspect[]> {
    const { beacon } = this.#parts
    const isTraced = ({ receipt }: SettledAnswer) => receipt.class === exactClass || receipt.class === sampledClass
    const { wrong, quiet } = await this.#doubted(isTraced)
    const silent: SettledAnswer[] = []
    for (const answer of quiet) {
      if (answer.receipt.class === exactClass || (await beacon(answer)) !== undefined) silent.push(answer)
    }
    return [...wrong, ...silent.map((answer) => ({ answer, stops: undefined }))]
  }

  /** The same of class FINGERPRINT. */
  async floatSuspects(): Promise<{ readonly answer: SettledAnswer; readonly isWithheld: boolean }[]> {
    const { wrong, quiet } = await this.#doubted(({ receipt }) => receipt.class === fingerprintClass)
    return [
      ...wrong.map(({ answer, verdict }) => ({ answer, isWithheld: verdict === 'withheld' })),
      ...quiet.map((answer) => ({ answer, isWithheld: true })),
    ]
  }

  /** Those that were found wrong or withheld, and those that nobody announced in time. */
  async #doubted(isOf: (answer: SettledAnswer) => boolean) {
    const { answers, now, pace } = this.#parts
    const isWrong = ({ answer, verdict }: Checked) => isOf(answer) && (verdict === 'withheld' || !verdict.ok)
    const since = now() - (await pace()).silentSeconds
    // An announcement of another file, or of a host that cannot be reached, is none: else who lies would say that and no more.
    const isSilent = (answer: SettledAnswer) => {
      const { receipt, committedAt } = answer
      if (!isOf(answer) || committedAt > since || this.#checked.has(keyOf(receipt))) return false
      const announced = this.#waiting.get(receipt)
      return announced === undefined || !this.#isReachable(announced, receipt)
    }
    return { wrong: [...this.#checked.values()].filter(isWrong), quiet: answers().filter(isSilent) }
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
    await this.settled()
  }

  /** Begins to check what can be checked now, one answer of a worker at a time; what tests call instead of `run`. */
  async look(signal: AbortSignal): Promise<void> {
    const { answer, clock, lookForBatches } = this.#parts
    await lookForBatches(signal)
    const nowMs = clock.nowMs()
    const isReady = ({ announce }: Waiting) => {
      const receipt = answer(announce.worker, announce.requestId)?.receipt
      return receipt !== undefined && !this.#busy.has(announce.worker) && this.#isReachable(announce, receipt)
    }
    for (const waiting of this.#waiting.turns(nowMs, isReady)) {
      if (signal.aborted || this.#busy.size >= workersAtOnce) return
      const { worker, requestId } = waiting.announce
      const settled = answer(worker, requestId)
      if (settled === undefined) continue
      this.#waiting.begin(waiting, nowMs)
      const checking = this.#checkOne(waiting, settled, signal).finally(() => this.#busy.delete(worker))
      this.#busy.set(worker, checking)
    }
  }

  /** Whether what was announced is the receipt's file, and its worker connected. */
  #isReachable({ worker, proofHash }: ProofAnnounce, receipt: SettledAnswer['receipt']): boolean {
    // Of class EXACT another hash is of an older announcement; what is drawn is announced when it is known.
    const isOf = receipt.class === sampledClass || receipt.proofHash === proofHash
    return isOf && this.#parts.network.hostsOf(worker).length > 0
  }

  /** Until what was begun is done. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#busy.values())
  }

  async #checkOne(waiting: Waiting, answer: SettledAnswer, signal: AbortSignal): Promise<void> {
    const { log, clock, pace } = this.#parts
    const { requestId, worker } = answer.receipt
    try {
      const found = await this.#find(waiting.announce, answer, signal)
      if (found !== undefined) await this.#conclude(answer, found.verdict, found.stops)
    } catch (error) {
      if (signal.aborted) return
      const isServed = ![WorkersError, ProofError, FormatError].some((kind) => error instanceof kind)
      waiting.nextMs = clock.nowMs() + (await pace()).againMs
      waiting.pulls++
      log.debug('an answer is not checked yet', { requestId, worker, error: errorMessage(error) })
      if (waiting.pulls < pullsMax) return
      if (!isServed) return await this.#conclude(answer, 'withheld', undefined)
      this.#waiting.remove(answer.receipt)
      this.#results.inc({ result: 'unchecked' })
      log.warn('an answer is not checked', { requestId, worker, error: errorMessage(error) })
    }
  }

  /** Undefined while its layers are not drawn. */
  async #find(announce: ProofAnnounce, answer: SettledAnswer, signal: AbortSignal) {
    const { network, check, checkFloat, modelTerms, beacon } = this.#parts
    const { request, receipt } = answer
    const drawn = receipt.class === sampledClass ? await beacon(answer) : undefined
    if (receipt.class === sampledClass && drawn === undefined) return undefined
    const terms = await modelTerms(request.modelVersion)
    if (terms === undefined) throw new CheckerError('no-model', `there is no model version ${request.modelVersion}`)
    const { proofHash, proofBytes } = announce
    const file = await network.pull({ proofHash, proofBytes }, network.hostsOf(receipt.worker), signal)
    if (receipt.class === fingerprintClass) return { verdict: await checkFloat(answer, file), stops: undefined }
    return await check(taskOf(answer, terms.root, drawn, file))
  }

  async #conclude(answer: SettledAnswer, verdict: Finding, stops: Checked['stops']): Promise<void> {
    const { network, author, clock, log } = this.#parts
    const { requestId, worker, proofHash } = answer.receipt
    this.#waiting.remove(answer.receipt)
    this.#checked.set(keyOf(answer.receipt), { answer, verdict, stops, atMs: clock.nowMs() })
    this.#forget()
    const place = placeOf(verdict)
    const result = resultOf(verdict)
    this.#results.inc({ result })
    if (result === 'sound') log.info('an answer is right', { requestId, worker })
    else log.warn('an answer is wrong', { requestId, worker, result, ...place, ...reasonOf(verdict) })
    network.closeProof(worker, requestId)
    const said = { requestId, checker: author.address, worker, proofHash, ...place }
    await network.publish('verdicts', author.message(verdictMessage, said, verdictSeconds)).catch((error: unknown) => {
      log.debug('a verdict was not gossiped', { requestId, error: errorMessage(error) })
    })
  }

  /** The oldest verdicts on what is over: one that is forgotten sooner would make its answer silent, or a wrong one right. */
  #forget(): void {
    for (const [key, { answer }] of this.#checked) {
      if (this.#checked.size <= verdictsMax) return
      const { worker, requestId } = answer.receipt
      if (this.#parts.answer(worker, requestId) === undefined) this.#checked.delete(key)
    }
  }
}

function taskOf(
  { request, receipt, payment }: SettledAnswer,
  model: Hex,
  beacon: Hex | undefined,
  file: Uint8Array,
): CheckTask {
  const { tempQ16, topK, topPQ16, maxTokens, stopHash } = request.sampling
  const { requestId, traceRoot } = receipt
  const facts = {
    promptRoot: hexToBytes(request.promptRoot),
    outputRoot: hexToBytes(receipt.outputRoot),
    rule: { tempQ16, topK, topPQ16 },
    seed: answerSeed(requestId, receipt.worker),
    cancelled: payment?.cancel !== undefined,
    ...{ requestId, traceRoot, stopHash, maxTokens, beacon },
  }
  return { model, adapters: request.adapters, facts, file }
}
