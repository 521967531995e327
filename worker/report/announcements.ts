import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Clock } from '../../common/clock.ts'
import type { Announcer } from '../../p2p/workers/announcer.ts'
import type { ProofStore } from '../../p2p/workers/proofs/proof-store.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BookedJob } from '../jobs/job-book.ts'
import type { JobProofs } from '../jobs/job-desk.ts'

/** A proof is announced for so long where nobody speaks of it. */
const announceMs = 30 * 60_000

type Parts = { readonly store: ProofStore; readonly ledger: LedgerBook; readonly clock: Clock }

/** Proofs of this worker's answers, for checkers. */
export class Announcements implements JobProofs {
  readonly #parts: Parts
  /** Set when there is a host; what is answered before is pulled when the batch names it. */
  announcer: Announcer | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  readonly keep = (proof: Uint8Array): Promise<Hex> => this.#parts.store.put(proof)

  readonly announce = ({ receipt }: BookedJob): void => this.announceAs(receipt, receipt.receipt.proofHash)

  has(proofHash: Hex): boolean {
    return this.#parts.store.get(proofHash) !== undefined
  }

  /** Announces that this file is served for an answer. */
  announceAs({ request, receipt, payment }: BatchReceipt, proofHash: Hex): void {
    const { store, ledger, clock } = this.#parts
    const { requestId, outputRoot, traceRoot } = receipt
    const proof = store.get(proofHash)
    if (proof === undefined) return
    const open = {
      ...{ requestId, origin: payment === undefined ? 1 : 0, block: ledger.head?.number ?? 0n },
      ...{ modelVersion: request.modelVersion, promptRoot: request.promptRoot, outputRoot, traceRoot },
      ...{ proofHash, proofBytes: proof.size, class: receipt.class },
    }
    this.announcer?.announce(open, clock.nowMs() + announceMs)
  }

  /** A verdict on it was heard. */
  done(requestId: Hex): void {
    this.announcer?.done(requestId)
  }
}
