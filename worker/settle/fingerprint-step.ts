import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { type FingerprintDemand, fingerprintDemandsOf } from '../../chain/ledger/fingerprint-demands.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { decodeFingerprint, shownLeaf } from '../../inference/check/fingerprint/fingerprint.ts'
import { fingerprintClass } from '../../protocol/proof-class.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { JobBook } from '../jobs/job-book.ts'
import { OpenFailures } from './open-failures.ts'

export type FingerprintStepParts = {
  readonly ledger: LedgerBook
  readonly book: Pick<JobBook, 'fingerprintOf'>
  readonly content: Pick<Content, 'own'>
  readonly sender: Pick<Sender, 'send' | 'address'>
  readonly log: Log
}

/** Shows on chain what is asked of this worker's fingerprints: silence costs stake. */
export class FingerprintStep {
  readonly #parts: FingerprintStepParts
  readonly #failures = new OpenFailures()

  constructor(parts: FingerprintStepParts) {
    this.#parts = parts
  }

  /** One look; true where something was shown. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { ledger, sender, log } = this.#parts
    const now = ledger.head?.time ?? 0n
    let acted = false
    const seen = new Set<string>()
    for (const { header, isVoid } of batchStates(ledger, lastMatureBatch(ledger) + 1n, ledger.lastBatch)) {
      if (header.worker !== sender.address || header.class !== fingerprintClass || isVoid) continue
      const open = fingerprintDemandsOf(ledger, header.batchId).filter(
        ({ isServed, dueAt }) => !isServed && dueAt > now,
      )
      for (const demand of open) {
        seen.add(demand.id)
        try {
          await this.#show(header, demand, signal)
          acted = true
        } catch (error) {
          if (signal.aborted) return acted
          const about = { batch: header.batchId, receipt: demand.receipt }
          const reason = errorMessage(error)
          if (this.#failures.isNew(demand.id, reason))
            log.error('a fingerprint asked for was not shown, trying on', { ...about, error: reason })
        }
      }
    }
    this.#failures.keep(seen)
    return acted
  }

  async #show({ batchId, dataHash }: BatchHeader, demand: FingerprintDemand, signal: AbortSignal): Promise<void> {
    const { book, content, sender, log } = this.#parts
    const bytes = await content.own(dataHash)
    if (bytes === undefined) throw new Error('the data of the batch are not here')
    const file = decodeBatchFile(bytes)
    const { receipt } = batchReceipt(file, rowStarts(file.receipts), demand.receipt)
    const kept = book.fingerprintOf(receipt.requestId)
    if (kept === undefined) throw new Error('the fingerprint is not here')
    const args = [demand.id, ...shownLeaf(decodeFingerprint(kept, receipt.tout), demand.index)]
    await sender.send({ contract: 'FingerprintJudge', functionName: 'serveFingerprint', args }, signal)
    log.info('fingerprint shown on chain', { batch: batchId, receipt: demand.receipt, leaf: demand.index })
  }
}
