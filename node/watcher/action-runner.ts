import { CallReverted, callPriced } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { SendError, type Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Action } from './action.ts'
import type { Evidence } from './evidence.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

/** Transactions under way at once. */
export const inFlightMax = 32
/** Between tries of what failed, doubled each time; short, since windows may be. */
const retryMs = { first: 1_000, max: 60_000 } as const
/** After what was mined: until its events are followed, it would be tried for nothing. */
const minedMs = 10_000
/** A base fee rises by an eighth a block at most: what is too much goes to who answers. */
const priceMargin = { numerator: 5n, denominator: 4n } as const

export type ActionRunnerParts = {
  readonly rpc: L2Rpc
  readonly sender: Pick<Sender, 'address' | 'send'>
  /** Given where evidence is to be committed before it is shown. */
  readonly evidence: Evidence | undefined
  readonly nowMs: () => number
  readonly log: Log
  readonly metrics: Pick<WatcherMetrics, 'sent'>
}

type Pause = { readonly waitMs: number; readonly untilMs: number }

/** Sends what is to be done, each once at a time, and tries again what failed for as long as it is asked for. */
export class ActionRunner {
  readonly #parts: ActionRunnerParts
  readonly #running = new Map<string, Promise<void>>()
  readonly #pauses = new Map<string, Pause>()

  constructor(parts: ActionRunnerParts) {
    this.#parts = parts
  }

  /** Starts what is due, the first first. `block`: the newest block. */
  run(actions: readonly Action[], block: bigint, signal: AbortSignal): void {
    const wanted = new Set(actions.map(({ key }) => key))
    for (const key of this.#pauses.keys()) if (!wanted.has(key)) this.#pauses.delete(key)
    for (const action of actions) {
      if (this.#running.size >= inFlightMax) return
      if (this.#running.has(action.key) || this.#isPaused(action.key)) continue
      const done = this.#do(action, block, signal).finally(() => this.#running.delete(action.key))
      this.#running.set(action.key, done)
    }
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  #isPaused(key: string): boolean {
    return (this.#pauses.get(key)?.untilMs ?? 0) > this.#parts.nowMs()
  }

  async #do(action: Action, block: bigint, signal: AbortSignal): Promise<void> {
    const { sender, log, metrics, nowMs } = this.#parts
    const { key, kind, call, about } = action
    const fields = { ...about, call: call.functionName }
    try {
      await this.#commit(action, block, signal)
      const { txHash } = await sender.send(await this.#priced(action), signal)
      metrics.sent.inc({ kind, outcome: 'done' })
      log.info(done[kind], { ...fields, txHash })
      this.#pauses.set(key, { waitMs: retryMs.first, untilMs: nowMs() + minedMs })
    } catch (error) {
      if (signal.aborted) return
      const waitMs = Math.min(2 * (this.#pauses.get(key)?.waitMs ?? retryMs.first / 2), retryMs.max)
      this.#pauses.set(key, { waitMs, untilMs: nowMs() + waitMs })
      metrics.sent.inc({ kind, outcome: 'failed' })
      const needsAPerson = error instanceof SendError && error.code === 'insufficient-funds'
      const report = needsAPerson ? log.error : log.warn
      report(`${failed[kind]}, trying again while it can help`, { ...fields, retryMs: waitMs, error: wordsOf(error) })
    }
  }

  /** Commits to the evidence of a challenge in an earlier block, where that is wanted. */
  async #commit({ subject, rewardedBy, call }: Action, block: bigint, signal: AbortSignal): Promise<void> {
    const { evidence, sender } = this.#parts
    if (subject === undefined || evidence === undefined || evidence.isCommitted(subject, block)) return
    const args = [evidence.commitmentTo(subject)]
    const contract = rewardedBy ?? call.contract
    try {
      await sender.send({ contract, functionName: 'commitEvidence', args }, signal)
    } catch (error) {
      if (revertOf(error)?.error !== 'AlreadyCommitted') throw error
    }
  }

  /** A demand prepays its answer. */
  async #priced({ call, price }: Action): Promise<MoneyCall> {
    if (price === undefined) return call
    const { rpc, sender } = this.#parts
    const wei = (await callPriced(rpc, price, sender.address)) as bigint
    return { ...call, value: (wei * priceMargin.numerator) / priceMargin.denominator }
  }
}

const done = {
  challenge: 'a challenge holds',
  demand: 'a leaf is demanded',
  overdue: 'a demand was not answered in time',
  refund: 'a refund is settled',
  reward: 'a reward is collected',
  shown: 'a signature is shown',
  vote: 'a case goes on',
  case: 'checkers are asked',
} as const satisfies Record<Action['kind'], string>

const failed = {
  challenge: 'a challenge was not sent',
  demand: 'a leaf was not demanded',
  overdue: 'the lack of an answer was not told',
  refund: 'a refund was not settled',
  reward: 'a reward was not collected',
  shown: 'a signature was not shown',
  vote: 'a case does not go on',
  case: 'checkers were not asked',
} as const satisfies Record<Action['kind'], string>

/** What refusals mean that a watcher meets when somebody else was faster or the window is over. */
const refusals: Readonly<Record<string, string>> = {
  ReceiptIsVoid: 'the receipt is void already',
  BatchIsVoid: 'the batch is void already',
  AlreadyMature: 'the window of the batch is over',
  UnknownBatch: 'the chain has another batch there by now',
  NotUnfinal: 'the epoch stands no more, or is final',
  RequestsClosed: 'the first third of the window is over',
  AlreadyRequested: 'somebody asked for the leaf already, or it was shown',
  NotRequested: 'the demand was answered, or told missing already',
  NoRefund: 'it is refunded already',
  AlreadyFalse: 'the index is proven false already',
  AlreadyServed: 'the evidence was shown',
  AlreadyVoid: 'the version is void already',
  BadStanding: 'the contribution is refused already',
  NotDemanded: 'the signature was shown already',
  AlreadyOpened: 'somebody opened the case already',
  AlreadyDrawn: 'its seats are drawn already',
  AlreadyVoted: 'the vote is there already',
  OtherOrigin: 'the L1 block that draws is another',
  NoSuchCase: 'the case is closed already',
}

function wordsOf(error: unknown): string {
  const words = refusals[revertOf(error)?.error ?? '']
  return words === undefined ? errorMessage(error) : `${words} (${errorMessage(error)})`
}

function revertOf(error: unknown): CallReverted | undefined {
  return error instanceof SendError && error.cause instanceof CallReverted ? error.cause : undefined
}
