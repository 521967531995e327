import { batchState } from '../../chain/ledger/batch-state.ts'
import { type DemandState, openDemands, subjectOf } from '../../chain/ledger/demand-state.ts'
import { epochStage } from '../../chain/ledger/epoch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { type Action, action } from './action.ts'

/**
 * Demands that nobody answered in time: the batch is void or the epoch reverted by telling so, whoever asked. Where it went for
 * another reason, `own` gets back what it prepaid.
 */
export function overdueDemands(book: LedgerBook, now: bigint, own: Hex): Action[] {
  return openDemands(book).flatMap((open) =>
    subjectOf(open.demand) === 'batch' ? overdueOfBatch(book, open, now, own) : overdueOfEpoch(book, open, now, own),
  )
}

function overdueOfBatch(book: LedgerBook, open: DemandState, now: bigint, own: Hex): Action[] {
  const state = batchState(book, open.number)
  if (state === undefined || bytesToHex(batchHash(state.header)) !== open.demand.subject) return []
  const isDue = state.isVoid ? open.requester === own : now >= open.dueAt
  const call = {
    contract: 'AttributionLedger',
    functionName: 'batchDataMissing',
    args: [open.demand, state.header, state.isVoid ? [] : state.segments],
  } as const
  return isDue ? [action('overdue', call, { batch: open.number })] : []
}

function overdueOfEpoch(book: LedgerBook, open: DemandState, now: bigint, own: Hex): Action[] {
  const epoch = book.epochByHash(open.demand.subject)
  if (epoch === undefined) return []
  const stands = epochStage(book, epoch) === 'proposed'
  const isDue = stands ? now >= open.dueAt : open.requester === own
  const call = {
    contract: 'AttributionLedger',
    functionName: 'epochDataMissing',
    args: [open.demand, epoch.record],
  } as const
  return isDue ? [action('overdue', call, { epoch: open.number })] : []
}

type Read = (call: MoneyCall) => Promise<unknown>

/**
 * Refunds that wait since batches became mature: of receipts that were voided one by one, and of batches that turned out void then.
 * What is settled once is not asked for again.
 */
export class Refunds {
  readonly #book: LedgerBook
  readonly #read: Read
  /** Place of the newest maturity that was looked at with nothing left to refund. */
  #settled = -1
  /** What was seen refunded, by batch and key. */
  readonly #done = new Set<string>()

  constructor(book: LedgerBook, read: Read) {
    this.#book = book
    this.#read = read
  }

  async due(): Promise<Action[]> {
    const last = this.#book.lastEvent('BatchMatured')?.pos ?? -1
    if (last === this.#settled) return []
    const actions = [...(await this.#ofReceipts()), ...(await this.#ofBatches())]
    if (actions.length === 0) this.#settled = last
    return actions
  }

  /** A reorg may have taken a refund back. */
  forget(): void {
    this.#settled = -1
    this.#done.clear()
  }

  async #ofReceipts(): Promise<Action[]> {
    const keys = new Map<string, readonly [batchId: bigint, key: Hex]>()
    for (const { args } of this.#book.events('ReceiptVoided')) {
      const { batchId, channel, requestId } = args as { batchId: bigint; channel: Hex; requestId: Hex }
      const key = channel === zeroHash ? requestId : channel
      keys.set(`${batchId} ${key}`, [batchId, key])
    }
    const actions: Action[] = []
    for (const [name, [batchId, key]] of keys) {
      if (this.#done.has(name)) continue
      const state = batchState(this.#book, batchId)
      if (state === undefined || !state.isMature || state.isVoid) continue
      const args = [batchId, key]
      const amount = await this.#read({ contract: 'InferenceMarket', functionName: 'pendingRefundOf', args })
      const call = { contract: 'InferenceMarket', functionName: 'settleRefund', args } as const
      if (amount === 0n) this.#done.add(name)
      else actions.push(action('refund', call, { batch: batchId }))
    }
    return actions
  }

  async #ofBatches(): Promise<Action[]> {
    const actions: Action[] = []
    for (const { args } of this.#book.events('BatchVoided')) {
      const batchId = args['batchId'] as bigint
      if (this.#done.has(`${batchId}`)) continue
      const state = batchState(this.#book, batchId)
      if (state === undefined || !state.isMature) continue
      const call = { contract: 'InferenceMarket', functionName: 'batchState', args: [batchId] } as const
      const { owesRefunds } = (await this.#read(call)) as { readonly owesRefunds: boolean }
      const refund = {
        contract: 'InferenceMarket',
        functionName: 'refundBatch',
        args: [state.header, state.segments],
      } as const
      if (owesRefunds) actions.push(action('refund', refund, { batch: batchId }))
      else this.#done.add(`${batchId}`)
    }
    return actions
  }
}
