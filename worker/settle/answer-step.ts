import { answerInThread } from '../../attribution/epochs/epoch-thread.ts'
import { batchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { type DemandState, openDemands, subjectOf } from '../../chain/ledger/demand-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { OpenFailures } from './open-failures.ts'

export type AnswerParts = {
  readonly ledger: LedgerBook
  readonly content: Content
  readonly sender: Pick<Sender, 'send' | 'address'>
  readonly log: Log
}

/** Shows on chain what is asked for of this worker's batches, whoever asks: silence costs its stake. */
export class AnswerStep {
  readonly #parts: AnswerParts
  readonly #failures = new OpenFailures()

  constructor(parts: AnswerParts) {
    this.#parts = parts
  }

  /** One look; true where something was shown. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { ledger, sender, log } = this.#parts
    const now = ledger.head?.time ?? 0n
    let acted = false
    const open = openDemands(ledger).filter((asked) => asked.dueAt > now && this.#isOurs(asked))
    this.#failures.keep(new Set<string>(open.map(({ id }) => id)))
    for (const asked of open) {
      try {
        const call = await this.#answerOf(asked, signal)
        if (call === undefined) throw new Error('its data are not here')
        await sender.send({ contract: 'AttributionLedger', ...call }, signal)
        log.info('data shown on chain', { batch: asked.number, call: call.functionName, paid: asked.prepaid })
        acted = true
      } catch (error) {
        if (signal.aborted) return acted
        const reason = errorMessage(error)
        if (!this.#failures.isNew(asked.id, reason)) continue
        log.error('data asked for were not shown, trying on', {
          batch: asked.number,
          dueAt: asked.dueAt,
          error: reason,
        })
      }
    }
    return acted
  }

  #isOurs({ number, demand }: DemandState): boolean {
    const { ledger, sender } = this.#parts
    return subjectOf(demand) === 'batch' && batchState(ledger, number)?.header.worker === (sender.address as Hex)
  }

  async #answerOf({ number, demand }: DemandState, signal: AbortSignal) {
    const { ledger, content } = this.#parts
    const batch = batchState(ledger, number)
    const file = batch && (await content.own(batch.header.dataHash))
    return batch && file && (await answerInThread(demand, { header: batch.header, file }, { signal }))
  }
}
