import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { type BatchState, batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Log } from '../../common/log.ts'
import { answerSeed } from '../../inference/sampler.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { fingerprintClass } from '../../protocol/proof-class.ts'
import type { AnswerTask, Backend } from '../backends/backend.ts'
import type { JobBook } from '../jobs/job-book.ts'
import type { Announcements } from '../report/announcements.ts'

export type ProofStepParts = {
  readonly ledger: LedgerBook
  readonly book: Pick<JobBook, 'stopsOf' | 'fingerprintOf'>
  readonly content: Pick<Content, 'own'>
  readonly backend: Pick<Backend, 'trace' | 'sample'>
  readonly proofs: Pick<Announcements, 'has' | 'keep' | 'announceAs'>
  readonly modelRoot: (modelVersion: Hex) => Promise<Hex>
  /** What draws the layers of a batch that was committed in a block; undefined until it is known. */
  readonly beacon: (l2Block: bigint) => Promise<Hex | undefined>
  readonly worker: Hex
  readonly log: Log
}

/**
 * Makes the proofs of committed answers that are not served yet, and announces them: of class SAMPLED when the layers are drawn, of class
 * EXACT where this process did not make the answer. An answer whose proof nobody can have is suspect.
 */
export class ProofStep {
  readonly #parts: ProofStepParts
  /** Receipts of open batches whose proof was announced by this process. */
  readonly #done = new Set<string>()

  constructor(parts: ProofStepParts) {
    this.#parts = parts
  }

  /** One look; true where a proof was made. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { ledger, worker } = this.#parts
    const open = batchStates(ledger, lastMatureBatch(ledger) + 1n, ledger.lastBatch).filter(
      ({ header, isVoid, isMature }) => header.worker === worker && !isVoid && !isMature,
    )
    const live = new Set(open.map(({ header }) => header.receiptRoot))
    for (const key of this.#done) if (!live.has(key.split(' ')[0] as Hex)) this.#done.delete(key)
    for (const batch of open) if (await this.#proveBatch(batch, signal)) return true
    return false
  }

  async #proveBatch({ header, voided }: BatchState, signal: AbortSignal): Promise<boolean> {
    if (![1, 2, fingerprintClass].includes(header.class)) return false
    const due = Array.from({ length: header.count }, (_, i) => i).filter(
      (i) => !voided.includes(i) && !this.#done.has(`${header.receiptRoot} ${i}`),
    )
    const beacon = header.class === 2 && due.length > 0 ? await this.#parts.beacon(header.l2Block) : undefined
    if (due.length === 0 || (header.class === 2 && beacon === undefined)) return false
    const bytes = await this.#parts.content.own(header.dataHash)
    if (bytes === undefined) return false
    const file = decodeBatchFile(bytes)
    const starts = rowStarts(file.receipts)
    for (const i of due) {
      if (signal.aborted) return false
      const isMade = await this.#prove(batchReceipt(file, starts, i), beacon, signal)
      this.#done.add(`${header.receiptRoot} ${i}`)
      if (isMade) return true
    }
    return false
  }

  /** False where its proof is served already. */
  async #prove(answer: BatchReceipt, beacon: Hex | undefined, signal: AbortSignal): Promise<boolean> {
    const { book, proofs, log } = this.#parts
    const { requestId, proofHash } = answer.receipt
    if (beacon === undefined && proofs.has(proofHash)) return false
    // A float engine gives no second time the same one.
    const isKept = answer.receipt.class === fingerprintClass
    const proof = isKept ? book.fingerprintOf(requestId) : await this.#made(answer, beacon, signal)
    if (proof === undefined) return false
    proofs.announceAs(answer, await proofs.keep(proof))
    log.info('the proof of an answer is served', { requestId, class: answer.receipt.class, bytes: proof.length })
    return true
  }

  async #made(answer: BatchReceipt, beacon: Hex | undefined, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { backend } = this.#parts
    const { requestId } = answer.receipt
    const task = await this.#taskOf(answer, beacon !== undefined)
    return beacon === undefined
      ? (await backend.trace(task, answer.output, signal)).proof
      : await backend.sample(task, answer.output, { beacon, requestId }, signal)
  }

  async #taskOf({ request, receipt, prompt }: BatchReceipt, sampled: boolean): Promise<AnswerTask> {
    const { book, modelRoot } = this.#parts
    const { adapters, sampling } = request
    return {
      ...{ modelRoot: await modelRoot(request.modelVersion), adapters, prompt, sampling },
      ...{ stops: book.stopsOf(receipt.requestId), seed: answerSeed(receipt.requestId, receipt.worker) },
      ...{ traced: true, sampled },
    }
  }
}
