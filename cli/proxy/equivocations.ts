import type { Sender } from '../../chain/ledger/sender.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Answer } from '../../protocol/answer.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { Signed } from '../../protocol/voucher.ts'
import type { PayerBook } from './payer-book.ts'

type Parts = {
  readonly book: PayerBook
  readonly sender: Pick<Sender, 'send'>
  readonly nowMs: () => number
  readonly log: Log
}

/**
 * Final answers that workers signed for this payer. One that signed two for a request is proven so to DisputeGame, which slashes it:
 * docs/MONEY.md §5, §7. What the payer cut is no final answer.
 */
export class Equivocations {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** The signature was checked. Never rejects but for the signal: the answer does not wait for the proof's success. */
  async see(worker: Hex, answer: Signed<Answer>, signal: AbortSignal): Promise<void> {
    if (!answer.value.final) return
    const { book, sender, nowMs, log } = this.#parts
    const first = book.keepAnswer(worker, answer, Math.floor(nowMs() / 1_000))
    if (first === undefined) return
    book.count(worker, 'wrong')
    const { requestId } = answer.value
    log.error('a worker signed two answers to one request', { worker, requestId })
    const args = [worker, ...[first, answer].flatMap((each) => [answerArg(each), signatureArg(each)])]
    try {
      await sender.send({ contract: 'DisputeGame', functionName: 'equivocation', args }, signal)
      log.info('a worker was slashed for two answers to one request', { worker, requestId })
    } catch (error) {
      if (signal.aborted) throw error
      log.error('two answers to one request were not proven', { worker, requestId, error: errorMessage(error) })
    }
  }
}

function answerArg({ value: { requestId, outputRoot, final } }: Signed<Answer>) {
  return { requestId, outputRoot, isFinal: final }
}

function signatureArg({ signature }: Signed<Answer>) {
  return { r: bytesToHex(signature.subarray(0, 32)), vs: bytesToHex(signature.subarray(32)) }
}
