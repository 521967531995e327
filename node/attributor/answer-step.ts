import { answerOfEpoch } from '../../attribution/epochs/answer.ts'
import type { Call } from '../../attribution/epochs/challenge.ts'
import { answerInThread } from '../../attribution/epochs/epoch-thread.ts'
import { batchState } from '../../chain/ledger/batch-state.ts'
import { type DemandState, openDemands, subjectOf } from '../../chain/ledger/demand-state.ts'
import { callPriced } from '../../chain/ledger/l2-calls.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import type { AttributorParts } from './attributor-parts.ts'
import type { EpochRows } from './epoch-rows.ts'

type Parts = Pick<AttributorParts, 'book' | 'content' | 'rpc' | 'sender' | 'clock' | 'log'> & {
  readonly rows: EpochRows
  readonly send: (call: MoneyCall, signal: AbortSignal) => Promise<void>
  readonly failed: (step: string, error: unknown) => void
}

/** Wait after an answer that failed; some are due ten seconds after they were asked. */
const againMs = 2_000
const rememberedMax = 10_000
/** Demands of batches that one look answers: each takes a thread. */
const batchAnswersMax = 4

/** Shows the leaves that are asked for, of epochs and of batches. */
export class Answers {
  readonly #parts: Parts
  /** When an answer that failed is tried again, by demand. */
  readonly #againAtMs = new LruCache<Hex, number>(rememberedMax)

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Answers are due within seconds, so that they go out together and none that fails holds up another. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const nowMs = this.#parts.clock.nowMs()
    const asked = answerable(this.#parts).filter(({ id }) => (this.#againAtMs.get(id) ?? 0) <= nowMs)
    const isOfEpoch = ({ demand }: DemandState) => subjectOf(demand) === 'epoch'
    const outcomes = await Promise.all([
      ...asked.filter(isOfEpoch).map((each) => this.#answer(each, signal)),
      this.#inTurn(asked.filter((each) => !isOfEpoch(each)).slice(0, batchAnswersMax), signal),
    ])
    return outcomes.includes(true)
  }

  async #inTurn(asked: readonly DemandState[], signal: AbortSignal): Promise<boolean> {
    let acted = false
    for (const each of asked) acted = (await this.#answer(each, signal)) || acted
    return acted
  }

  async #answer(asked: DemandState, signal: AbortSignal): Promise<boolean> {
    const { clock, log, send, failed } = this.#parts
    try {
      const call = await answer(this.#parts, asked, signal)
      if (call === undefined) return false
      await send(call, signal)
      log.info('data shown on chain', { number: asked.number, call: call.functionName, paid: asked.prepaid })
      return true
    } catch (error) {
      if (signal.aborted) return false
      this.#againAtMs.set(asked.id, clock.nowMs() + againMs)
      failed('answer', error)
      return false
    }
  }
}

/** Demands that can still be answered, our own epochs' first: those cost the bond. */
function answerable({ book, sender }: Pick<Parts, 'book' | 'sender'>): DemandState[] {
  const now = book.head?.time ?? 0n
  const open = openDemands(book).filter(({ dueAt }) => dueAt > now)
  const isOwn = ({ demand }: DemandState) => book.epochByHash(demand.subject)?.record.proposer === sender.address
  return open.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)) || Number(a.dueAt - b.dueAt))
}

/** The answer to a demand; undefined where its data is not here, or where it pays less than it costs and the bond is another’s. */
async function answer(parts: Parts, asked: DemandState, signal: AbortSignal): Promise<MoneyCall | undefined> {
  const isBatch = subjectOf(asked.demand) === 'batch'
  const own = parts.book.epochByHash(asked.demand.subject)?.record.proposer === parts.sender.address
  if (!own && !(await isPaid(parts, asked))) return undefined
  const call = isBatch ? await batchAnswer(parts, asked, signal) : await epochAnswer(parts, asked, signal)
  return call && { contract: 'AttributionLedger', ...call }
}

async function batchAnswer({ book, content }: Parts, { number, demand }: DemandState, signal: AbortSignal) {
  const batch = batchState(book, number)
  if (batch === undefined || hashOf(batch.header) !== demand.subject) return undefined
  const file = await content.get(batch.header.dataHash, signal)
  return file && (await answerInThread(demand, { header: batch.header, file }, { signal }))
}

async function epochAnswer(
  { book, rows }: Parts,
  { demand }: DemandState,
  signal: AbortSignal,
): Promise<Call | undefined> {
  const epoch = book.epochByHash(demand.subject)
  const shown = epoch && (await rows.shown(epoch.record.header, signal))
  if (shown === undefined) return undefined
  return answerOfEpoch(demand, shown.credits) ?? answerOfEpoch(demand, shown.payouts)
}

/** `answerPrice` is half more than an answer costs in this block. */
async function isPaid({ rpc, sender }: Parts, { demand, prepaid }: DemandState): Promise<boolean> {
  const call = { contract: 'AttributionLedger', functionName: 'answerPrice', args: [demand] } as const
  return 3n * prepaid >= 2n * ((await callPriced(rpc, call, sender.address)) as bigint)
}

function hashOf(header: Parameters<typeof batchHash>[0]): Hex {
  return bytesToHex(batchHash(header))
}
