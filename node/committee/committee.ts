import { batchState } from '../../chain/ledger/batch-state.ts'
import { fingerprintDemandsOf } from '../../chain/ledger/fingerprint-demands.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { caseKinds, casePrice, voteCommitment } from '../../protocol/committee-vote.ts'
import type { SettledAnswer } from '../checker/settled-answers.ts'
import { type Action, action } from '../watcher/action.ts'
import type { ActionRunner } from '../watcher/action-runner.ts'
import { type OpenCase, openCases } from './open-cases.ts'
import type { OpenedAnswer } from './opened-answer.ts'
import { blockOf, originAt, proveOrigin } from './proven-block.ts'
import type { VoteJournal } from './vote-journal.ts'

/** Output tokens of a leaf, and leaves of one fingerprint that are asked for. */
const tokensPerLeaf = 512
const leavesMax = 8

/** Cases judged at once: each holds its answer. */
const judgingMax = 4
/** Seconds until a case that could not be judged is looked at again: twice as many each time, up to the most. */
const againSecondsMin = 1n
const againSecondsMax = 64n

/** An answer of a float engine that a check found wrong, or whose fingerprint nobody has. */
export type FloatSuspect = { readonly answer: SettledAnswer; readonly isWithheld: boolean }

type Unjudged = { readonly againAt: bigint; readonly waits: bigint; readonly isLate: boolean }

export type CommitteeParts = {
  readonly rpc: L2Rpc
  readonly book: LedgerBook
  readonly account: Hex
  readonly runner: Pick<ActionRunner, 'run'>
  readonly journal: VoteJournal
  /** Whether the receipt of a case is wrong, computed here; undefined where that cannot be said. `isLate`: it must be said now. */
  readonly judge: (opened: OpenCase, isLate: boolean) => Promise<boolean | undefined>
  readonly suspects: () => Promise<readonly FloatSuspect[]>
  /** Whether a fingerprint that was shown on chain is wrong; undefined where that cannot be said. */
  readonly judgeShown: (answer: SettledAnswer) => Promise<boolean | undefined>
  /** A receipt as the contracts open it. */
  readonly open: (batchId: bigint, index: number, signal: AbortSignal) => Promise<OpenedAnswer | undefined>
  /** Seconds of a receipt's window. */
  readonly window: () => Promise<bigint>
  readonly log: Log
}

/**
 * A checker's part in the committee: opens cases about what it found wrong, sees that seats are drawn, votes where it has one, shows its
 * vote, closes, and voids. docs/COMMITTEE.md
 */
export class Committee {
  readonly #parts: CommitteeParts
  /** Cases that are judged now. */
  readonly #judging = new Map<Hex, Promise<void>>()
  /** Open cases that could not be judged, and when they are looked at again. */
  readonly #unjudged = new Map<Hex, Unjudged>()

  constructor(parts: CommitteeParts) {
    this.#parts = parts
  }

  /** One look: what is new on chain is taken in, and what is due is sent. */
  async look(signal: AbortSignal): Promise<void> {
    const { book, runner, log } = this.#parts
    const { head } = book
    if (head === undefined) return
    const actions: Action[] = []
    const cases = openCases(book)
    const ids = new Set(cases.map(({ id }) => id))
    for (const id of this.#unjudged.keys()) if (!ids.has(id)) this.#unjudged.delete(id)
    for (const each of cases) {
      try {
        actions.push(...(await this.#steps(each, head, signal)))
      } catch (error) {
        if (!signal.aborted)
          log.warn('a case does not go on, trying again', { case: each.id, error: errorMessage(error) })
      }
    }
    for (const suspect of await this.#parts.suspects()) {
      actions.push(...(await this.#challenge(suspect, cases, head.time, signal)))
    }
    runner.run(actions, head.number, signal)
  }

  /** Until all that is judged now is. */
  async judged(): Promise<void> {
    await Promise.all(this.#judging.values())
  }

  async #steps(each: OpenCase, head: { readonly time: bigint; readonly number: bigint }, signal: AbortSignal) {
    const { book, account, window } = this.#parts
    const state = batchState(book, each.batchId)
    const isOver = state === undefined || state.isVoid || state.voided.includes(each.receipt)
    if (isOver) return []
    if (each.outcome === 'void') return await this.#verdict(each, signal)
    if (each.outcome !== 'open') return []
    const [start, w] = [state.header.committedAt, await window()]
    const [votesEnd, showEnd] = [start + (w * 2n) / 3n, start + (w * 5n) / 6n]
    const isSeat = each.seats.includes(account)
    const isDone = each.shown.size === each.seats.length && each.seats.length > 0
    if (isDone || head.time >= (each.seats.length === 0 ? votesEnd : showEnd))
      return [this.#step('close', each, [each.id])]
    if (each.seats.length === 0) return await this.#draw(each, head.number)
    if (!isSeat || each.shown.has(account)) return []
    if (each.sent.has(account)) return this.#show(each, head.time >= votesEnd)
    return head.time < votesEnd ? this.#vote(each, head.time >= votesEnd - w / 12n, head.time) : []
  }

  async #draw(each: OpenCase, latest: bigint): Promise<Action[]> {
    const { rpc } = this.#parts
    const origin = await originAt(rpc, 'latest')
    if (origin < each.origin) return []
    if (origin === each.origin) return [this.#step('draw', each, [each.id])]
    const block = await blockOf(rpc, each.origin, latest)
    return block === undefined ? [] : [this.#step('drawProven', each, [each.id, await proveOrigin(rpc, block)])]
  }

  /** The journal has a vote before it is sent; one that was judged before a restart is sent as it was. */
  #vote(each: OpenCase, isLate: boolean, now: bigint): Action[] {
    const { account, journal } = this.#parts
    const kept = journal.get(each.id)
    if (kept === undefined) {
      this.#beginToJudge(each, isLate, now)
      return []
    }
    const commitment = voteCommitment(each.id, account, kept.isWrong, kept.salt)
    return [this.#step('sendVote', each, [each.id, commitment])]
  }

  /** In the background, so that no other case waits for it. What could not be judged is tried again, and at once when it becomes late. */
  #beginToJudge(each: OpenCase, isLate: boolean, now: bigint): void {
    const { id } = each
    const before = this.#unjudged.get(id)
    const isDue = before === undefined || before.againAt <= now || (isLate && !before.isLate)
    if (!isDue || this.#judging.has(id) || this.#judging.size >= judgingMax) return
    const waited = before === undefined ? againSecondsMin : before.waits * 2n
    const waits = waited < againSecondsMax ? waited : againSecondsMax
    this.#unjudged.set(id, { againAt: now + waits, waits, isLate })
    this.#judging.set(
      id,
      this.#judge(each, isLate).finally(() => this.#judging.delete(id)),
    )
  }

  async #judge(each: OpenCase, isLate: boolean): Promise<void> {
    const { journal, judge, log } = this.#parts
    const about = { case: each.id, kind: each.kind, batch: each.batchId, receipt: each.receipt }
    log.info('a case is looked at', about)
    try {
      const isWrong = await judge(each, isLate)
      if (isWrong === undefined) {
        log.info('a case is not judged: what it takes is not here', about)
        return
      }
      log.info('a case is judged', { ...about, isWrong })
      journal.keep(each.id, isWrong)
      this.#unjudged.delete(each.id)
    } catch (error) {
      log.warn('a case is not judged, trying again', { ...about, error: errorMessage(error) })
    }
  }

  #show(each: OpenCase, isTime: boolean): Action[] {
    const kept = this.#parts.journal.get(each.id)
    if (kept === undefined || !(isTime || each.sent.size === each.seats.length)) return []
    return [this.#step('showVote', each, [each.id, kept.isWrong, kept.salt])]
  }

  async #verdict(each: OpenCase, signal: AbortSignal): Promise<Action[]> {
    const opened = await this.#parts.open(each.batchId, each.receipt, signal)
    if (opened === undefined) return []
    const args = [opened.opened, opened.segments, each.kind, each.evidence]
    const call = { contract: 'DisputeGame', functionName: 'committeeVerdict', args } as const
    return [action('challenge', call, { batch: each.batchId })]
  }

  /** Its fingerprint is asked for on chain first, so that every seat has the same bytes; then a case is opened. */
  async #challenge(
    { answer, isWithheld }: FloatSuspect,
    cases: readonly OpenCase[],
    now: bigint,
    signal: AbortSignal,
  ): Promise<Action[]> {
    const { book, open, window, judgeShown } = this.#parts
    const { batchId, index, receipt } = answer
    const state = batchState(book, batchId)
    if (state === undefined || state.isVoid || state.isMature || state.voided.includes(index)) return []
    const isOf = ({ batchId: batch, receipt: at, kind }: OpenCase) =>
      batch === batchId && at === index && kind === caseKinds.fingerprint
    if (cases.some(isOf)) return []
    const [start, w] = [state.header.committedAt, await window()]
    const opened = await open(batchId, index, signal)
    if (opened === undefined) return []
    const about = { batch: batchId }
    const demands = fingerprintDemandsOf(book, batchId).filter((demand) => demand.receipt === index)
    const missing = demands.find(({ isServed, dueAt }) => !isServed && dueAt <= now)
    if (missing !== undefined) {
      const args = [opened.opened, opened.segments, missing.index]
      return [action('challenge', { contract: 'DisputeGame', functionName: 'fingerprintMissing', args }, about)]
    }
    const leaves = Math.min(leavesMax, Math.ceil(receipt.tout / tokensPerLeaf))
    if (demands.length < leaves && now < start + w / 4n) {
      const asked = new Set(demands.map((demand) => demand.index))
      const wanted = Array.from({ length: leaves }, (_, i) => i).filter((i) => !asked.has(i))
      return wanted.map((leaf) => this.#ask(opened, leaf, batchId))
    }
    if (demands.some(({ isServed }) => !isServed) || now >= start + w / 2n) return []
    if (isWithheld && (await judgeShown(answer)) !== true) return []
    const call = {
      contract: 'CheckerCommittee',
      functionName: 'open',
      args: [opened.opened],
      value: casePrice,
    } as const
    return [action('challenge', call, about)]
  }

  #ask({ opened }: OpenedAnswer, leaf: number, batch: bigint): Action {
    const call = { contract: 'FingerprintJudge', functionName: 'requestFingerprint', args: [opened, leaf] } as const
    const price = { contract: 'FingerprintJudge', functionName: 'answerPrice', args: [] } as const
    return { ...action('demand', call, { batch }), price }
  }

  #step(functionName: string, { batchId }: OpenCase, args: readonly unknown[]): Action {
    return action('vote', { contract: 'CheckerCommittee', functionName, args }, { batch: batchId })
  }
}
